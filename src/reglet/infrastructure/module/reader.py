"""A place in a module's bytes, read forwards and never beyond its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.leb128 import read_signed, read_unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Item = TypeVar("Item")


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
