"""LEB128 numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.infrastructure.wasm import ModuleFormatError, read_signed, read_unsigned, signed, unsigned

U32 = st.integers(0, (1 << 32) - 1)
S32 = st.integers(-(1 << 31), (1 << 31) - 1)


@given(U32, st.binary(max_size=3))
def test_unsigned_numbers_come_back(value: int, after: bytes) -> None:
    """What is written is read, and nothing behind it."""
    encoded = unsigned(value)
    assert read_unsigned(encoded + after, 0) == (value, len(encoded))


@given(S32, st.binary(max_size=3))
def test_signed_numbers_come_back(value: int, after: bytes) -> None:
    """What is written is read, and nothing behind it."""
    encoded = signed(value)
    assert read_signed(encoded + after, 0) == (value, len(encoded))


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_64_bits_come_back(value: int) -> None:
    """i64 constants take up to ten bytes."""
    assert read_signed(signed(value), 0, 64) == (value, len(signed(value)))


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\x80\x01", 128),
        (b"\xe5\x8e\x26", 624485),
        (b"\x80\x80\x80\x80\x00", 0),
    ],
)
def test_unsigned_examples(encoded: bytes, value: int) -> None:
    """The specification's example, the borders, and padding as compilers write it."""
    assert read_unsigned(encoded, 0) == (value, len(encoded))


@pytest.mark.parametrize(
    ("encoded", "value"), [(b"\x7f", -1), (b"\x40", -64), (b"\xc0\xbb\x78", -123456), (b"\x80\x7f", -128)]
)
def test_signed_examples(encoded: bytes, value: int) -> None:
    """The specification's example and the borders."""
    assert read_signed(encoded, 0) == (value, len(encoded))


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "the bytes end inside a number"),
        (b"\x80\x80", "the bytes end inside a number"),
        (b"\x80\x80\x80\x80\x80\x00", "a number longer than 5 bytes"),
        (b"\xff\xff\xff\xff\x1f", "an unsigned number of more than 32 bits"),
    ],
)
def test_wrong_numbers_are_refused_with_their_offset(encoded: bytes, reason: str) -> None:
    """Truncated, overlong and too large."""
    with pytest.raises(ModuleFormatError) as caught:
        read_unsigned(b"xyz" + encoded, 3)
    assert (caught.value.offset, caught.value.reason) == (3, reason)


def test_signed_numbers_beyond_their_bits_are_refused() -> None:
    """A fifth byte holds four bits and the sign."""
    with pytest.raises(ModuleFormatError, match="a signed number of more than 32 bits"):
        read_signed(b"\xff\xff\xff\xff\x0f", 0)
