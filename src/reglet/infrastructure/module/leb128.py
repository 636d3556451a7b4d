"""LEB128, the variable-length integers of the binary format (core specification, section 5.2.2)."""

from __future__ import annotations

from reglet.infrastructure.module.errors import ModuleFormatError

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
