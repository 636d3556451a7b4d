"""The numeric values of characters, as CPython's own function gives them: the adapter's `numeric_values.h`.

That function, `_PyUnicode_ToNumeric`, is a switch of 2,002 cases, which a host needs longer to compile than
the evaluation loop. In its place the adapter looks values up in a table (`replacements.c`).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import wasmtime

from reglet.infrastructure.wasm import unsigned
from reglet.infrastructure.wasm.sections import HEADER, Export, ExternKind, SectionId, section, vector

if TYPE_CHECKING:
    from tools.runtime.linker.read import Library

HEADER_FILE = Path(__file__).with_name("numeric_values.h")
FUNCTION = "_PyUnicode_ToNumeric"
NOT_NUMERIC = -1.0

_CODE_POINTS = 0x110000
_LONGEST_RUN = 1 << 6
_MOST_VALUES = 1 << 8
_TYPE = b"\x60\x01\x7f\x01\x7c"  # (i32) -> f64
_ASK_FOR_ALL = """
(module
  (import "library" "numeric" (func $numeric (param i32) (result f64)))
  (memory (export "memory") 136)
  (func (export "run") (local $character i32)
    (loop $next
      (f64.store (i32.shl (local.get $character) (i32.const 3)) (call $numeric (local.get $character)))
      (local.set $character (i32.add (local.get $character) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $character) (i32.const 0x110000))))))
"""


def original_values(python: Library) -> tuple[float, ...]:
    """Return what the library's own function gives for each code point."""
    [index] = [index for index, name in python.function_names.items() if name == FUNCTION]
    body = python.module.body(index)
    code = python.module.data[body.start : body.end]
    alone = (
        HEADER,
        section(SectionId.TYPE, vector([_TYPE])),
        section(SectionId.FUNCTION, vector([b"\0"])),
        section(SectionId.EXPORT, vector([Export("numeric", ExternKind.FUNCTION, 0).encode()])),
        section(SectionId.CODE, vector([unsigned(len(code)) + code])),
    )
    store = wasmtime.Store()
    linker = wasmtime.Linker(store.engine)
    function = linker.instantiate(store, wasmtime.Module(store.engine, b"".join(alone)))
    linker.define_instance(store, "library", function)
    asking = linker.instantiate(store, wasmtime.Module(store.engine, _ASK_FOR_ALL)).exports(store)
    run, memory = asking["run"], asking["memory"]
    assert isinstance(run, wasmtime.Func)
    assert isinstance(memory, wasmtime.Memory)
    run(store)
    return struct.unpack(f"<{_CODE_POINTS}d", memory.read(store, 0, _CODE_POINTS * 8))


class Run(NamedTuple):
    """Characters that follow each other and count up by one."""

    first: int
    length: int
    value: float


def runs(values: tuple[float, ...]) -> list[Run]:
    """Return the characters with a value, in order."""
    found: list[Run] = []
    for character, value in enumerate(values):
        if value == NOT_NUMERIC:
            continue
        last = found[-1] if found else Run(0, 0, 0.0)
        goes_on = (character, value) == (last.first + last.length, last.value + last.length)
        if goes_on and last.length < _LONGEST_RUN:
            found[-1] = last._replace(length=last.length + 1)
        else:
            found.append(Run(character, 1, value))
    return found


def header(values: tuple[float, ...]) -> str:
    """Return the C header: the different values, and each run in 32 bits."""
    found = runs(values)
    different = sorted({each.value for each in found})
    assert len(different) <= _MOST_VALUES
    packed = [each.first << 14 | (each.length - 1) << 8 | different.index(each.value) for each in found]
    assert max(packed) < 1 << 32
    numbers = ",\n".join(f"  {each!r}" for each in different)
    entries = ",\n".join(
        "  " + ", ".join(f"0x{each:08x}" for each in packed[at : at + 8]) for at in range(0, len(packed), 8)
    )
    return (
        "// Made by numeric_values.py of what CPython's own function gives.\n#pragma once\n\n"
        f"static const double numeric_values[] = {{\n{numbers},\n}};\n\n"
        "// The first character in 18 bits, how many more follow in 6, the place of its value in 8.\n"
        f"static const unsigned numeric_runs[] = {{\n{entries},\n}};\n"
    )
