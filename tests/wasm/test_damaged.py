"""Damaged and foreign input: refused, or read as what it says; never another exception."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.sections import HEADER
from tests.wasm.wat import SMALL
from tools.runtime.linker.instructions import scan_body
from tools.runtime.linker.module import function_names, parse_module, read_dylink


def read_all(data: bytes) -> None:
    """Read everything that a module has."""
    module = parse_module(data)
    function_names(module)
    for body in module.bodies:
        scan_body(data, body)
    with contextlib.suppress(ModuleFormatError):
        read_dylink(module)


@given(st.integers(0, len(SMALL) - 1))
def test_a_truncated_module_is_refused_or_read(length: int) -> None:
    """Some prefixes are modules themselves."""
    for read in (read_all, read_plugin):
        with contextlib.suppress(ModuleFormatError):
            read(SMALL[:length])


@given(st.lists(st.tuples(st.integers(8, len(SMALL) - 1), st.integers(0, 7)), min_size=1, max_size=4))
def test_flipped_bits_are_refused_or_read(flips: list[tuple[int, int]]) -> None:
    """Whatever is wrong is a ModuleFormatError."""
    damaged = bytearray(SMALL)
    for at, bit in flips:
        damaged[at] ^= 1 << bit
    for read in (read_all, read_plugin):
        with contextlib.suppress(ModuleFormatError):
            read(bytes(damaged))


@given(st.binary(max_size=200))
@example(b"\x00\x05\x04name")
@example(b"\x0a\x06\x01\x04\xff\xff\xff\xff")
def test_foreign_bytes_are_refused_or_read(data: bytes) -> None:
    """After the header anything may follow."""
    for read in (read_all, read_plugin):
        with contextlib.suppress(ModuleFormatError):
            read(HEADER + data)
