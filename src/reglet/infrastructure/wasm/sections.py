"""The sections of a module and what they list, read and written (core specification, section 5.5)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm import ModuleFormatError, Reader, signed, unsigned
from reglet.infrastructure.wasm.signatures import FUNCTION_TYPE, FunctionType, SizeLimits, ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    Item = TypeVar("Item")

HEADER = b"\0asm\1\0\0\0"
"""The magic number and version of a core module."""

_COMPONENT_HEADER = b"\0asm\x0d\0\1\0"


class SectionId(IntEnum):
    """The number of each section."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12


_ORDER = {
    id_: position
    for position, id_ in enumerate(
        (
            SectionId.TYPE,
            SectionId.IMPORT,
            SectionId.FUNCTION,
            SectionId.TABLE,
            SectionId.MEMORY,
            SectionId.GLOBAL,
            SectionId.EXPORT,
            SectionId.START,
            SectionId.ELEMENT,
            SectionId.DATA_COUNT,
            SectionId.CODE,
            SectionId.DATA,
        )
    )
}


@frozen
class Section:
    """One section: `header` is where its number stands, `start` to `end` are its contents."""

    id: SectionId
    header: int
    start: int
    end: int


def read_sections(data: bytes) -> Iterator[Section]:
    """List the sections of a core module in their order.

    Raises:
        ModuleFormatError: not a core module; a section unknown, out of order, twice, or longer than the file.
    """
    if data.startswith(_COMPONENT_HEADER):
        raise ModuleFormatError("a component, not a core module", 0)
    if not data.startswith(HEADER):
        raise ModuleFormatError(f"begins with {data[:8].hex()} instead of {HEADER.hex()}", 0)
    reader = Reader(data, len(HEADER))
    last = -1
    while reader.at < reader.end:
        header = reader.at
        number = reader.byte()
        try:
            id_ = SectionId(number)
        except ValueError:
            raise ModuleFormatError(f"section {number} is not understood", header) from None
        length = reader.u32()
        section = Section(id_, header, reader.skip(length), reader.at)
        if id_ is not SectionId.CUSTOM:
            if _ORDER[id_] <= last:
                raise ModuleFormatError(f"the {id_.name} section is out of order", header)
            last = _ORDER[id_]
        yield section


def read_items(data: bytes, where: Section | None, item: Callable[[Reader], Item]) -> tuple[Item, ...]:
    """Read all items of a section, none where there is no such section.

    Raises:
        ModuleFormatError: an item is not understood, or the section has more than its items.
    """
    if where is None:
        return ()
    reader = Reader(data, where.start, where.end)
    items = reader.vector(item)
    reader.finish(f"the {where.id.name} section")
    return items


def read_type_indices(data: bytes, where: Section | None) -> tuple[int, ...]:
    """Read the function section: the index of each function's type. There may be thousands."""
    if where is None:
        return ()
    reader = Reader(data, where.start, where.end)
    indices = reader.numbers()
    reader.finish(f"the {where.id.name} section")
    return indices


@frozen
class CustomSection:
    """A named section; its contents are bytes `start` to `end` of the file."""

    name: str
    start: int
    end: int


def read_custom_section(data: bytes, section: Section) -> CustomSection:
    """Read the name of a custom section."""
    reader = Reader(data, section.start, section.end)
    name = reader.name()
    return CustomSection(name, reader.at, section.end)


PAGE_SIZE = 65536
"""Bytes in one page of memory."""


class ExternKind(IntEnum):
    """What an import or an export is."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3


@frozen
class TableType:
    """The element type and the size of a table."""

    element: ValueType
    limits: SizeLimits


@frozen
class GlobalType:
    """The value type of a global, and whether it can be set."""

    value: ValueType
    mutable: bool

    def encode(self) -> bytes:
        """Write the type."""
        return bytes([self.value, self.mutable])


def read_value_type(reader: Reader) -> ValueType:
    """Read one value type."""
    at = reader.at
    code = reader.byte()
    try:
        return ValueType(code)
    except ValueError:
        raise ModuleFormatError(f"0x{code:02x} is not a value type that hosts take", at) from None


def read_function_type(reader: Reader) -> FunctionType:
    """Read one entry of the type section."""
    at = reader.at
    kind = reader.byte()
    if kind != FUNCTION_TYPE:
        raise ModuleFormatError(f"a type of kind 0x{kind:02x}, which hosts do not take", at)
    return FunctionType(reader.vector(read_value_type), reader.vector(read_value_type))


_HAS_MAXIMUM = 1


def read_limits(reader: Reader) -> SizeLimits:
    """Read the limits of a memory or a table; shared and 64-bit memories are refused."""
    at = reader.at
    flags = reader.byte()
    if flags > _HAS_MAXIMUM:
        raise ModuleFormatError(
            f"limits of kind 0x{flags:02x}: shared and 64-bit memories are not understood", at
        )
    minimum = reader.u32()
    maximum = reader.u32() if flags & _HAS_MAXIMUM else None
    if maximum is not None and maximum < minimum:
        raise ModuleFormatError(f"a maximum of {maximum} under the minimum of {minimum}", at)
    return SizeLimits(minimum, maximum)


def read_table_type(reader: Reader) -> TableType:
    """Read the type of a table."""
    at = reader.at
    element = read_value_type(reader)
    if element not in (ValueType.FUNCREF, ValueType.EXTERNREF):
        raise ModuleFormatError(f"a table of {element.name.lower()}", at)
    return TableType(element, read_limits(reader))


def read_global_type(reader: Reader) -> GlobalType:
    """Read the type of a global."""
    value = read_value_type(reader)
    at = reader.at
    mutable = reader.byte()
    if mutable > 1:
        raise ModuleFormatError(f"a global's mutability of {mutable}", at)
    return GlobalType(value, mutable=bool(mutable))


@frozen
class Import:
    """What a module asks for. `type` of a function is an index into the type section."""

    module: str
    name: str
    kind: ExternKind
    type: int | TableType | SizeLimits | GlobalType


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
class DataSegment:
    """Bytes `start` to `end` of the file, put into memory at `offset`."""

    offset: ConstantExpression
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


_END = 0x0B
_I32_CONST = 0x41
_GLOBAL_GET = 0x23
_I32_ADD = 0x6A


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


def read_data_segment(reader: Reader) -> DataSegment:
    """Read one entry of the data section: active, memory 0."""
    at = reader.at
    flags = reader.u32()
    if flags != 0:
        raise ModuleFormatError(f"a data segment of kind {flags}; only active ones are understood", at)
    offset = read_constant_expression(reader)
    length = reader.u32()
    return DataSegment(offset, reader.skip(length), reader.at)


def vector(items: Iterable[bytes]) -> bytes:
    """Write a count and the items."""
    listed = list(items)
    return unsigned(len(listed)) + b"".join(listed)


def name(value: str) -> bytes:
    """Write a name."""
    encoded = value.encode()
    return unsigned(len(encoded)) + encoded


def section(id_: SectionId, contents: bytes) -> bytes:
    """Write a section."""
    return bytes([id_]) + unsigned(len(contents)) + contents


def custom_section(title: str, contents: bytes) -> bytes:
    """Write a custom section."""
    return section(SectionId.CUSTOM, name(title) + contents)


def i32_const(value: int) -> bytes:
    """Write an expression that gives `value`, taken modulo 2**32."""
    return bytes([_I32_CONST]) + signed((value + (1 << 31)) % (1 << 32) - (1 << 31)) + bytes([_END])


def function_import(module: str, field: str, type_index: int) -> bytes:
    """Write the import of a function."""
    return name(module) + name(field) + bytes([ExternKind.FUNCTION]) + unsigned(type_index)


def data_segment(offset: int, contents: bytes | memoryview) -> bytes:
    """Write an active data segment for memory 0."""
    return b"".join((b"\0", i32_const(offset), unsigned(len(contents)), contents))
