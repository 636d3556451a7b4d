"""Scanning bodies for the instructions that name an index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.infrastructure.wasm import ModuleFormatError, signed, unsigned
from tests.wasm.wat import SMALL, wasm
from tools.runtime.linker.instructions import (
    Operation,
    block_type,
    called_function,
    global_plus_constant,
    indirect_type,
    scan_body,
    set_global,
)
from tools.runtime.linker.module import Body, parse_module

NUMBERS = st.integers(-(1 << 31), (1 << 31) - 1)
INDICES = st.integers(0, 300)


def scan(code: bytes) -> list[tuple[Operation | None, bytes]]:
    """Scan one body that stands alone."""
    return scan_body(code, Body(0, len(code)))


def test_the_indices_of_a_body_are_found() -> None:
    """Globals, calls and types, between bytes that are kept."""
    module = parse_module(SMALL)
    found = [(operation, encoded) for operation, encoded in scan_body(SMALL, module.body(2)) if operation]
    assert found == [
        (Operation.GLOBAL_GET, b"\x23\x01"),
        (Operation.GLOBAL_SET, b"\x24\x01"),
        (Operation.CALL, b"\x10\x00"),
        (Operation.CALL_INDIRECT, b"\x11\x00\x00"),
    ]


PLAIN = st.one_of(
    st.sampled_from(
        [
            b"\x00", b"\x01", b"\x0f", b"\x1a", b"\x1b", b"\x45", b"\x6a", b"\xa7", b"\xc4",  # without immediates
            b"\x02\x40\x0b", b"\x03\x7f\x0b", b"\x04\x40\x05\x0b",  # blocks
            b"\x28\x02\x10", b"\x36\x02\x80\x01", b"\x3f\x00", b"\x40\x00",  # memory
            b"\xfc\x0a\x00\x00", b"\xfc\x0b\x00", b"\xfc\x03", b"\xd0\x70", b"\x1c\x01\x7f",
            b"\x0e\x02\x00\x81\x01\x00", b"\x0e\x00\x00",  # br_table
            b"\xfd\x00\x04\x10", b"\xfd\x0c" + bytes(range(16)), b"\xfd\xae\x01", b"\xfd\x15\x03",  # vectors
        ]
    ),
    NUMBERS.map(lambda value: b"\x41" + signed(value)),
    st.integers(-(1 << 63), (1 << 63) - 1).map(lambda value: b"\x42" + signed(value)),
    st.binary(min_size=4, max_size=4).map(lambda value: b"\x43" + value),
    st.binary(min_size=8, max_size=8).map(lambda value: b"\x44" + value),
    INDICES.map(lambda index: b"\x20" + unsigned(index)),
    INDICES.map(lambda index: b"\x0d" + unsigned(index)),
)  # fmt: skip
NAMING = st.one_of(
    INDICES.map(lambda index: (Operation.CALL, b"\x10" + unsigned(index))),
    INDICES.map(lambda index: (Operation.GLOBAL_SET, b"\x24" + unsigned(index))),
    INDICES.map(lambda index: (Operation.REFERENCE, b"\xd2" + unsigned(index))),
    INDICES.map(lambda index: (Operation.CALL_INDIRECT, b"\x11" + unsigned(index) + b"\0")),
    INDICES.map(lambda index: (Operation.BLOCK, b"\x02" + signed(index))),
)


@given(st.lists(st.one_of(PLAIN, NAMING), max_size=40))
def test_any_mixture_is_cut_at_the_right_places(instructions: list[bytes | tuple[Operation, bytes]]) -> None:
    """Whatever stands between, each instruction that names an index is found, and nothing is lost."""
    encoded = [each if isinstance(each, bytes) else each[1] for each in instructions]
    code = b"\x01\x02\x7f" + b"".join(encoded) + b"\x0b"
    pieces = scan(code)
    assert b"".join(part for _, part in pieces) == code
    found = [(operation, part) for operation, part in pieces if operation]
    assert found == [each for each in instructions if not isinstance(each, bytes)]


@given(INDICES, NUMBERS)
def test_a_global_and_a_constant_are_one_piece(index: int, constant: int) -> None:
    """Position-independent addresses are a base and an offset, in either order."""
    get, const, add = b"\x23" + unsigned(index), b"\x41" + signed(constant), b"\x6a"
    for operation, code in (
        (Operation.GLOBAL_GET, get + const + add),
        (Operation.CONSTANT_PLUS_GLOBAL, const + get + add),
    ):
        assert scan(b"\0" + code + b"\x0b") == [(None, b"\0"), (operation, code), (None, b"\x0b")]
        assert global_plus_constant(operation, code) == (index, constant)


@given(INDICES, NUMBERS)
def test_a_constant_that_is_not_added_stays(index: int, constant: int) -> None:
    """A constant before a global is a piece of its own when no addition follows."""
    get, const = b"\x23" + unsigned(index), b"\x41" + signed(constant)
    assert scan(b"\0" + const + get + b"\x0b") == [
        (None, b"\0" + const),
        (Operation.GLOBAL_GET, get),
        (None, b"\x0b"),
    ]
    assert global_plus_constant(Operation.GLOBAL_GET, get) == (index, None)


def test_indices_are_read_from_padded_numbers() -> None:
    """Linkers leave five bytes for every index."""
    assert called_function(b"\x10\x83\x80\x80\x80\x00") == 3
    assert set_global(b"\x24\x81\x80\x80\x80\x00") == 1
    assert indirect_type(b"\x11\x82\x80\x80\x80\x00\x80\x80\x80\x80\x00") == 2
    assert block_type(b"\x02\x86\x00") == 6


def test_a_second_table_is_refused() -> None:
    """Everything is in table 0."""
    with pytest.raises(ModuleFormatError, match="through a table other than 0"):
        indirect_type(b"\x11\x00\x01")


@pytest.mark.parametrize(
    ("text", "instruction"),
    [
        ("(module (func $f (result i32) (return_call $f)))", "12 00"),
        (
            '(module (memory 1) (data $d "x") (func i32.const 0 i32.const 0 i32.const 1 memory.init $d))',
            "fc 08",
        ),
        ("(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))", "fe 10"),
        ("(module (tag $t) (func (throw $t)))", "08 00"),
        ("(module (table 1 funcref) (func (drop (table.size 0))))", "fc 10"),
    ],
)
def test_what_hosts_do_not_take_is_refused_with_its_offset(text: str, instruction: str) -> None:
    """Tail calls, passive data, threads, exceptions, further table instructions."""
    data = wasm(text)
    start = data.index(bytes.fromhex(instruction), data.index(b"\x0a", 8))
    code = data[start : data.index(b"\x0b", start) + 1]
    with pytest.raises(ModuleFormatError) as caught:
        scan(b"\0\x01" + code)
    assert caught.value.offset == 2
    assert caught.value.reason.startswith(f"instruction {instruction}")


def test_a_body_without_an_end_is_refused() -> None:
    """The last byte of a body is `end`."""
    with pytest.raises(ModuleFormatError, match="a function without an end"):
        scan(b"\0\x01")
