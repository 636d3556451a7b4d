"""Types, limits and the other small records of the binary format (core specification, section 5.3)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.leb128 import unsigned

if TYPE_CHECKING:
    from reglet.infrastructure.module.reader import Reader

PAGE_SIZE = 65536
"""Bytes in one page of memory."""

_FUNCTION = 0x60
_HAS_MAXIMUM = 1


class ValueType(IntEnum):
    """The value types that a host with wazero's features takes."""

    I32 = 0x7F
    I64 = 0x7E
    F32 = 0x7D
    F64 = 0x7C
    V128 = 0x7B
    FUNCREF = 0x70
    EXTERNREF = 0x6F


class ExternKind(IntEnum):
    """What an import or an export is."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3


@frozen
class FunctionType:
    """What a function takes and gives, one byte a value type."""

    parameters: bytes
    results: bytes

    def encode(self) -> bytes:
        """Write the type."""
        return b"".join(
            (bytes([_FUNCTION]), unsigned(len(self.parameters)), self.parameters,
             unsigned(len(self.results)), self.results)
        )  # fmt: skip

    def __str__(self) -> str:
        return f"({_names(self.parameters)}) -> ({_names(self.results)})"


def _names(types: bytes) -> str:
    return ", ".join(ValueType(each).name.lower() for each in types)


@frozen
class Limits:
    """The least and the greatest size of a memory (in pages) or a table (in entries)."""

    minimum: int
    maximum: int | None = None

    def encode(self) -> bytes:
        """Write the limits."""
        if self.maximum is None:
            return b"\0" + unsigned(self.minimum)
        return b"\1" + unsigned(self.minimum) + unsigned(self.maximum)


@frozen
class TableType:
    """The element type and the size of a table."""

    element: ValueType
    limits: Limits


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
    form = reader.byte()
    if form != _FUNCTION:
        raise ModuleFormatError(f"a type of form 0x{form:02x}; only functions (0x60) are understood", at)
    return FunctionType(bytes(reader.vector(read_value_type)), bytes(reader.vector(read_value_type)))


def read_limits(reader: Reader) -> Limits:
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
    return Limits(minimum, maximum)


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
