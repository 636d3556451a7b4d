"""Stage 7, write: the sections of the one module."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm import unsigned
from reglet.infrastructure.wasm.sections import (
    HEADER,
    Export,
    ExternKind,
    GlobalType,
    SectionId,
    data_segment,
    function_import,
    i32_const,
    section,
    vector,
)
from reglet.infrastructure.wasm.signatures import SizeLimits, ValueType
from reglet.infrastructure.wasm.snapshot import filled_runs
from tools.runtime.linker.module import element_segment, name_section
from tools.runtime.linker.resolve import HostFunction, Trap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reglet.infrastructure.wasm.signatures import FunctionType
    from tools.runtime.linker.code import Numbering
    from tools.runtime.linker.layout import Layout, PlacedData
    from tools.runtime.linker.resolve import Target

_TRAP_BODY = b"\0\0\x0b"  # no locals, unreachable, end


@frozen
class Contents:
    """All that goes into the module. `code` has the bodies in the numbering's order, imports left out."""

    layout: Layout
    numbering: Numbering
    code: Sequence[bytes]
    function_types: Sequence[FunctionType]
    exports: Mapping[str, Target]
    table: Mapping[int, Target]
    table_size: int
    data: Sequence[PlacedData]
    names: Mapping[int, str]


def write_module(contents: Contents) -> bytes:
    """Write the module: one memory, one table, one global (the stack pointer)."""
    numbering = contents.numbering
    indices = numbering.indices
    imports, functions = _declarations(contents)
    stack_pointer = GlobalType(ValueType.I32, mutable=True).encode() + i32_const(contents.layout.stack_size)
    exports = [Export("memory", ExternKind.MEMORY, 0)]
    exports += [
        Export(name, ExternKind.FUNCTION, indices[target]) for name, target in contents.exports.items()
    ]
    slots = enumerate(sorted(contents.table))
    runs = [[slot for _, slot in run] for _, run in groupby(slots, lambda each: each[1] - each[0])]
    elements = [element_segment(run[0], [indices[contents.table[slot]] for slot in run]) for run in runs]
    data = [
        data_segment(each.address + at, part)
        for each in contents.data
        for at, part in filled_runs(bytes(each.contents))
    ]
    table = bytes([ValueType.FUNCREF]) + SizeLimits(contents.table_size).encode()
    parts = [
        HEADER,
        section(SectionId.TYPE, vector(each.encode() for each in numbering.types)),
        section(SectionId.IMPORT, vector(imports)),
        section(SectionId.FUNCTION, vector(functions)),
        section(SectionId.TABLE, vector([table])),
        section(SectionId.MEMORY, vector([SizeLimits(contents.layout.pages).encode()])),
        section(SectionId.GLOBAL, vector([stack_pointer])),
        section(SectionId.EXPORT, vector(each.encode() for each in exports)),
        section(SectionId.ELEMENT, vector(elements)),
        section(SectionId.CODE, vector(unsigned(len(body)) + body for body in contents.code)),
        section(SectionId.DATA, vector(data)),
    ]
    if contents.names:
        parts.append(name_section(contents.names))
    return b"".join(parts)


def trap_body() -> bytes:
    """Return the body of a Trap."""
    return _TRAP_BODY


def _declarations(contents: Contents) -> tuple[list[bytes], list[bytes]]:
    imports: list[bytes] = []
    functions: list[bytes] = []
    for target, type_ in zip(contents.numbering.order, contents.function_types, strict=True):
        type_index = contents.numbering.type_index(type_)
        if isinstance(target, HostFunction):
            imports.append(function_import(target.module, target.name, type_index))
        else:
            functions.append(unsigned(type_index))
    return imports, functions


def display_name(target: Target, names: Mapping[int, str]) -> str | None:
    """Return the name that a function has in traces."""
    if isinstance(target, HostFunction):
        return target.name
    if isinstance(target, Trap):
        return f"trap:{target.name}"
    return names.get(target.local_index)
