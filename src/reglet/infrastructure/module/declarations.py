"""Imports, exports, globals and segments: the entries of a module's sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.leb128 import signed, unsigned
from reglet.infrastructure.module.sections import name, vector
from reglet.infrastructure.module.types import (
    ExternKind,
    GlobalType,
    Limits,
    TableType,
    ValueType,
    read_global_type,
    read_limits,
    read_table_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reglet.infrastructure.module.reader import Reader

_END = 0x0B
_I32_CONST = 0x41
_GLOBAL_GET = 0x23
_I32_ADD = 0x6A
_WITH_TABLE = 2


@frozen
class Import:
    """What a module asks for. `type` of a function is an index into the type section."""

    module: str
    name: str
    kind: ExternKind
    type: int | TableType | Limits | GlobalType


@frozen
class Export:
    """What a module gives."""

    name: str
    kind: ExternKind
    index: int

    def encode(self) -> bytes:
        """Write the entry."""
        return name(self.name) + bytes([self.kind]) + unsigned(self.index)


@frozen
class ConstantExpression:
    """A global's first value or a segment's offset: `offset`, plus the global's value if one is named."""

    offset: int
    global_index: int | None = None


@frozen
class Global:
    """An i32 global that the module itself has."""

    type: GlobalType
    initial: ConstantExpression


@frozen
class ElementSegment:
    """Function indices that are put into the table at `offset`."""

    offset: ConstantExpression
    functions: tuple[int, ...]


@frozen
class DataSegment:
    """Bytes `start` to `end` of the file, put into memory at `offset`."""

    offset: ConstantExpression
    start: int
    end: int


@frozen
class CustomSection:
    """A named section; its contents are bytes `start` to `end` of the file."""

    name: str
    start: int
    end: int


def read_import(reader: Reader) -> Import:
    """Read one entry of the import section."""
    module, field = reader.name(), reader.name()
    kind = _read_kind(reader)
    if kind is ExternKind.FUNCTION:
        return Import(module, field, kind, reader.u32())
    if kind is ExternKind.TABLE:
        return Import(module, field, kind, read_table_type(reader))
    if kind is ExternKind.MEMORY:
        return Import(module, field, kind, read_limits(reader))
    return Import(module, field, kind, read_global_type(reader))


def read_export(reader: Reader) -> Export:
    """Read one entry of the export section."""
    return Export(reader.name(), _read_kind(reader), reader.u32())


def _read_kind(reader: Reader) -> ExternKind:
    at = reader.at
    code = reader.byte()
    try:
        return ExternKind(code)
    except ValueError:
        raise ModuleFormatError(f"an import or export of kind {code}", at) from None


def read_global(reader: Reader) -> Global:
    """Read one entry of the global section."""
    type_ = read_global_type(reader)
    if type_.value is not ValueType.I32:
        raise ModuleFormatError(f"a global of {type_.value.name.lower()}; only i32 is understood", reader.at)
    return Global(type_, read_constant_expression(reader))


def read_constant_expression(reader: Reader) -> ConstantExpression:
    """Read an i32 expression: sums of constants and at most one global."""
    started = reader.at
    offset, global_index, pending = 0, None, 0
    while (opcode := reader.byte()) != _END:
        if opcode == _I32_CONST:
            offset, pending = offset + reader.s32(), pending + 1
        elif opcode == _GLOBAL_GET and global_index is None:
            global_index, pending = reader.u32(), pending + 1
        elif opcode == _I32_ADD and pending > 1:
            pending -= 1
        else:
            raise ModuleFormatError(f"instruction 0x{opcode:02x} in a constant expression", reader.at - 1)
    if pending != 1:
        raise ModuleFormatError(f"a constant expression that leaves {pending} values", started)
    return ConstantExpression(offset, global_index)


def read_element_segment(reader: Reader) -> ElementSegment:
    """Read one entry of the element section: active, function indices, table 0."""
    at = reader.at
    flags = reader.u32()
    if flags not in (0, _WITH_TABLE):
        raise ModuleFormatError(f"an element segment of kind {flags}; only active ones are understood", at)
    if flags == _WITH_TABLE and reader.u32() != 0:
        raise ModuleFormatError("an element segment for a table other than 0", at)
    offset = read_constant_expression(reader)
    if flags == _WITH_TABLE and reader.byte() != 0:
        raise ModuleFormatError("an element segment that does not hold functions", at)
    return ElementSegment(offset, reader.vector(type(reader).u32))


def read_data_segment(reader: Reader) -> DataSegment:
    """Read one entry of the data section: active, memory 0."""
    at = reader.at
    flags = reader.u32()
    if flags != 0:
        raise ModuleFormatError(f"a data segment of kind {flags}; only active ones are understood", at)
    offset = read_constant_expression(reader)
    length = reader.u32()
    return DataSegment(offset, reader.skip(length), reader.at)


def i32_const(value: int) -> bytes:
    """Write an expression that gives `value`, taken modulo 2**32."""
    return bytes([_I32_CONST]) + signed((value + (1 << 31)) % (1 << 32) - (1 << 31)) + bytes([_END])


def function_import(module: str, field: str, type_index: int) -> bytes:
    """Write the import of a function."""
    return name(module) + name(field) + bytes([ExternKind.FUNCTION]) + unsigned(type_index)


def element_segment(offset: int, functions: Iterable[int]) -> bytes:
    """Write an active element segment for table 0."""
    return b"\0" + i32_const(offset) + vector(unsigned(each) for each in functions)


def data_segment(offset: int, contents: bytes | memoryview) -> bytes:
    """Write an active data segment for memory 0."""
    return b"".join((b"\0", i32_const(offset), unsigned(len(contents)), contents))
