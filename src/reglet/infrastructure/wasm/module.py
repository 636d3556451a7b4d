"""A core module, read for those who run or inspect it: all but its code, which may be ten megabytes.

The types of what it imports and exports are read here too, and never asked of the engine for a module of
unknown origin: its C interface ends the whole process at a type that it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.sections import (
    CustomSection,
    Export,
    ExternKind,
    Import,
    Section,
    SectionId,
    SizeLimits,
    ValueType,
    read_custom_section,
    read_data_segment,
    read_export,
    read_import,
    read_items,
    read_limits,
    read_sections,
    read_type_indices,
    read_value_type,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.wasm.binary import Reader


BUILD_SECTION = "reglet"
"""The custom section that says what a plugin was built of, in JSON."""


@frozen(eq=False, repr=False)
class PluginModule:
    """What a core module has and needs.

    Attributes:
        imports: in their order.
        exports: in their order.
        memory: its own memory in pages, None if it has none.
        data: what its memory begins with, as (address, bytes).
        custom: the contents of its custom sections by name.
        section_sizes: bytes of each section's contents, custom sections together.
    """

    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    memory: SizeLimits | None
    data: tuple[tuple[int, memoryview], ...]
    custom: Mapping[str, memoryview]
    section_sizes: Mapping[SectionId, int]

    @property
    def exported_functions(self) -> frozenset[str]:
        """The names of the functions that it exports."""
        return frozenset(each.name for each in self.exports if each.kind is ExternKind.FUNCTION)

    def imported_functions(self, module: str) -> tuple[str, ...]:
        """Return the names of the functions that it imports from `module`, each once, sorted."""
        names = {
            each.name for each in self.imports if each.module == module and each.kind is ExternKind.FUNCTION
        }
        return tuple(sorted(names))


def read_plugin(module: bytes) -> PluginModule:
    """Read a core module without looking at its code.

    Raises:
        ModuleFormatError: the bytes are not a core module, or have what hosts do not take; it has the offset.
    """
    sections: dict[SectionId, Section] = {}
    custom: list[CustomSection] = []
    sizes: dict[SectionId, int] = {}
    for each in read_sections(module):
        sizes[each.id] = sizes.get(each.id, 0) + each.end - each.start
        if each.id is SectionId.CUSTOM:
            custom.append(read_custom_section(module, each))
        else:
            sections[each.id] = each
    view = memoryview(module)
    memories = read_items(module, sections.get(SectionId.MEMORY), read_limits)
    data: list[tuple[int, memoryview]] = []
    for segment in read_items(module, sections.get(SectionId.DATA), read_data_segment):
        if segment.offset.global_index is not None:
            raise ModuleFormatError("a data segment whose address is a global's value", segment.start)
        data.append((segment.offset.offset % (1 << 32), view[segment.start : segment.end]))
    return PluginModule(
        imports=read_items(module, sections.get(SectionId.IMPORT), read_import),
        exports=read_items(module, sections.get(SectionId.EXPORT), read_export),
        memory=memories[0] if memories else None,
        data=tuple(data),
        custom={each.name: view[each.start : each.end] for each in custom},
        section_sizes=sizes,
    )


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


_DESCRIBES = FunctionType((), (ValueType.I64,))
_OBSERVES = FunctionType((ValueType.I32, ValueType.I32), (ValueType.I64,))
NEWER_EXPORTS = {"_manifest": _DESCRIBES, "_observe": _OBSERVES}
OLDER_EXPORTS = {"describe": _DESCRIBES, "schema": _DESCRIBES, "observe": _OBSERVES}
"""What hosts call of a plugin, by name: those of today, and the older Reglet app."""


@frozen(cache_hash=True)
class FunctionImport:
    """A function that a module imports."""

    module: str
    name: str
    type: FunctionType


@frozen(eq=False, repr=False)
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
    own_functions = read_type_indices(module, sections.get(SectionId.FUNCTION))
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
