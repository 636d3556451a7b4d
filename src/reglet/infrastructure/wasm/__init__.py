"""Leaf: the WebAssembly binary format, read and written (core specification, section 5).

Here are a module's bytes, read forwards and never beyond their end, and LEB128, in which its numbers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reglet.domain.errors import RegletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Item = TypeVar("Item")


class ModuleFormatError(RegletError):
    """Bytes that are not a WebAssembly module as this package understands one.

    Attributes:
        reason: what is wrong, without the offset.
        offset: where in the module, in bytes from its start.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"WebAssembly module, offset {offset} (0x{offset:x}): {reason}")
        self.reason = reason
        self.offset = offset


_CONTINUES = 0x80
_PAYLOAD = 0x7F
_SIGN = 0x40


def read_unsigned(data: bytes | memoryview, at: int, bits: int = 32) -> tuple[int, int]:
    """Read an unsigned integer of at most `bits` bits; return it and the offset behind it.

    Raises:
        ModuleFormatError: the bytes end too early, or the number has more than `bits` bits.
    """
    value, after, _ = _read(data, at, bits)
    if value >> bits:
        raise ModuleFormatError(f"an unsigned number of more than {bits} bits", at)
    return value, after


def read_signed(data: bytes | memoryview, at: int, bits: int = 32) -> tuple[int, int]:
    """Read a two's complement integer of at most `bits` bits; return it and the offset behind it.

    Raises:
        ModuleFormatError: the bytes end too early, or the number has more than `bits` bits.
    """
    value, after, last = _read(data, at, bits)
    if last & _SIGN:
        value -= 1 << 7 * (after - at)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ModuleFormatError(f"a signed number of more than {bits} bits", at)
    return value, after


def _read(data: bytes | memoryview, at: int, bits: int) -> tuple[int, int, int]:
    value = shift = 0
    after = at
    limit = at + (bits + 6) // 7
    while True:
        if after == limit:
            raise ModuleFormatError(f"a number longer than {limit - at} bytes", at)
        try:
            byte = data[after]
        except IndexError:
            raise ModuleFormatError("the bytes end inside a number", at) from None
        after += 1
        value |= (byte & _PAYLOAD) << shift
        shift += 7
        if byte < _CONTINUES:
            return value, after, byte


def unsigned(value: int) -> bytes:
    """Encode a number that is not negative in the fewest bytes."""
    encoded = bytearray()
    while value >= _CONTINUES:
        encoded.append(value & _PAYLOAD | _CONTINUES)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def signed(value: int) -> bytes:
    """Encode a number in the fewest two's complement bytes."""
    encoded = bytearray()
    while True:
        byte = value & _PAYLOAD
        value >>= 7
        if value == (-1 if byte & _SIGN else 0):
            encoded.append(byte)
            return bytes(encoded)
        encoded.append(byte | _CONTINUES)


class Reader:
    """Reads the range `at` to `end` of `data` in order.

    Every method raises ModuleFormatError, with the offset, when the range ends too early.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def byte(self) -> int:
        """Read one byte."""
        if self.at >= self.end:
            raise ModuleFormatError("the bytes end where one more is due", self.at)
        self.at += 1
        return self.data[self.at - 1]

    def u32(self) -> int:
        """Read an unsigned number."""
        at = self.at
        if at < self.end and self.data[at] < 0x80:  # noqa: PLR2004 - most numbers are one byte: no call for them
            self.at = at + 1
            return self.data[at]
        value, self.at = read_unsigned(self.data, at)
        self._check_end(at)
        return value

    def s32(self) -> int:
        """Read a signed number of 32 bits."""
        at = self.at
        value, self.at = read_signed(self.data, at)
        self._check_end(at)
        return value

    def skip_number(self) -> None:
        """Move over a number of any kind."""
        while self.byte() >= _CONTINUES:
            pass

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        at = self.skip(count)
        return self.data[at : self.at]

    def skip(self, count: int) -> int:
        """Move `count` bytes on; return the offset before the move."""
        at = self.at
        if count > self.end - at:
            raise ModuleFormatError(f"{count} bytes are due and {self.end - at} are left", at)
        self.at = at + count
        return at

    def name(self) -> str:
        """Read a length and that many bytes of UTF-8."""
        at = self.at
        encoded = self.take(self.u32())
        try:
            return encoded.decode()
        except UnicodeDecodeError as error:
            raise ModuleFormatError(f"a name that is not UTF-8: {error.reason}", at) from error

    def vector(self, item: Callable[[Reader], Item]) -> tuple[Item, ...]:
        """Read a count and that many items."""
        return tuple([item(self) for _ in range(self.count())])

    def numbers(self) -> tuple[int, ...]:
        """Read a count and that many unsigned numbers."""
        count = self.count()
        digits = self.data[self.at : self.at + count]
        if digits.isascii():  # each of one byte, as the types of nearly all functions are
            self.at += count
            return tuple(digits)
        return tuple([self.u32() for _ in range(count)])

    def count(self) -> int:
        """Read the number of items that follow; each takes at least one byte."""
        at = self.at
        count = self.u32()
        if count > self.end - self.at:
            raise ModuleFormatError(f"{count} items are due in {self.end - self.at} bytes", at)
        return count

    def parts(self) -> Iterator[tuple[int, Reader]]:
        """Read numbered parts to the end of the range; yield each number and a reader of what it holds."""
        while self.at < self.end:
            number = self.byte()
            length = self.u32()
            yield number, Reader(self.data, self.skip(length), self.at)

    def finish(self, subject: str) -> None:
        """Check that the range was read to its end."""
        if self.at != self.end:
            raise ModuleFormatError(f"{self.end - self.at} bytes too many in {subject}", self.at)

    def _check_end(self, started: int) -> None:
        if self.at > self.end:
            raise ModuleFormatError("the bytes end inside a number", started)
