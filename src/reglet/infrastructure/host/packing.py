"""Pointer and length in one number (ABI section 1)."""

from __future__ import annotations

_LOW = 0xFFFF_FFFF
_SIGN = 1 << 63


def pack(pointer: int, length: int) -> int:
    """Return a packed value as the signed number that wasmtime takes for an i64."""
    packed = (pointer & _LOW) << 32 | length
    return packed - (_SIGN << 1) if packed & _SIGN else packed


def unpack(packed: int) -> tuple[int, int]:
    """Return the pointer and the length of a packed value."""
    return packed >> 32 & _LOW, packed & _LOW
