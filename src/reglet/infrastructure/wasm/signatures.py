"""The types of what a module imports and exports.

They are read here and never asked of the engine for a module of unknown origin: its C interface ends the
whole process at a type that it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.entries import (
    ExternKind,
    Import,
    SizeLimits,
    ValueType,
    read_export,
    read_import,
    read_limits,
    read_value_type,
)
from reglet.infrastructure.wasm.sections import SectionId, read_items, read_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.wasm.binary import Reader

_FUNCTION_TYPE = 0x60


@frozen
class FunctionType:
    """What a function takes and returns."""

    parameters: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def __str__(self) -> str:
        """Write it as the core specification does."""
        taken, returned = (
            ", ".join(each.name.lower() for each in kinds) for kinds in (self.parameters, self.results)
        )
        return f"({taken}) -> ({returned})"


@frozen(cache_hash=True)
class FunctionImport:
    """A function that a module imports."""

    module: str
    name: str
    type: FunctionType


@frozen
class Signatures:
    """The outside of a module.

    Attributes:
        functions: the functions that it imports, each once: Go imports some twice.
        others: what else it imports.
        exports: by name, the type of a function or a memory; None for what is neither.
    """

    functions: tuple[FunctionImport, ...]
    others: tuple[Import, ...]
    exports: Mapping[str, FunctionType | SizeLimits | None]


def read_signatures(module: bytes) -> Signatures:
    """Read what a core module imports and exports.

    Raises:
        ModuleFormatError: the bytes are not a core module, or have a type that hosts do not take.
    """
    sections = {each.id: each for each in read_sections(module)}
    types = read_items(module, sections.get(SectionId.TYPE), _read_function_type)
    imports = read_items(module, sections.get(SectionId.IMPORT), read_import)
    own_functions = read_items(module, sections.get(SectionId.FUNCTION), lambda reader: reader.u32())
    own_memories = read_items(module, sections.get(SectionId.MEMORY), _read_memory)

    def type_of(index: object) -> FunctionType:
        if not isinstance(index, int) or index >= len(types):
            raise ModuleFormatError(f"a function of type {index}, of which there are {len(types)}", 0)
        return types[index]

    imported = [each for each in imports if each.kind is ExternKind.FUNCTION]
    functions = [each.type for each in imported] + list(own_functions)
    memories = [each.type for each in imports if each.kind is ExternKind.MEMORY] + list(own_memories)
    exports: dict[str, FunctionType | SizeLimits | None] = {}
    for export in read_items(module, sections.get(SectionId.EXPORT), read_export):
        found: FunctionType | SizeLimits | None = None
        if export.kind is ExternKind.FUNCTION and export.index < len(functions):
            found = type_of(functions[export.index])
        elif export.kind is ExternKind.MEMORY and export.index < len(memories):
            memory = memories[export.index]
            found = memory if isinstance(memory, SizeLimits) else None
        exports[export.name] = found
    wanted = [FunctionImport(each.module, each.name, type_of(each.type)) for each in imported]
    return Signatures(
        functions=tuple(dict.fromkeys(wanted)),
        others=tuple(each for each in imports if each.kind is not ExternKind.FUNCTION),
        exports=exports,
    )


def _read_memory(reader: Reader) -> SizeLimits | None:
    """Read the limits of a memory; None for one that is shared or of 64 bits, which hosts do not take."""
    started = reader.at
    if reader.byte() > 1:
        reader.skip_number()
        if reader.data[started] & 1:  # it has a maximum
            reader.skip_number()
        return None
    reader.at = started
    return read_limits(reader)


def _read_function_type(reader: Reader) -> FunctionType:
    at = reader.at
    kind = reader.byte()
    if kind != _FUNCTION_TYPE:
        raise ModuleFormatError(f"a type of kind 0x{kind:02x}, which hosts do not take", at)
    return FunctionType(reader.vector(read_value_type), reader.vector(read_value_type))
