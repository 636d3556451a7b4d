"""A built plugin, read for those who run or inspect it: all but the code, which may be ten megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.entries import (
    Export,
    ExternKind,
    Import,
    SizeLimits,
    read_data_segment,
    read_export,
    read_import,
    read_limits,
)
from reglet.infrastructure.wasm.sections import (
    CustomSection,
    Section,
    SectionId,
    read_custom_section,
    read_items,
    read_sections,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD_SECTION = "reglet"
"""The custom section that says what a plugin was built of, in JSON."""


@frozen
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
    data: tuple[tuple[int, memoryview], ...] = field(repr=False)
    custom: Mapping[str, memoryview] = field(repr=False)
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
    return PluginModule(
        imports=read_items(module, sections.get(SectionId.IMPORT), read_import),
        exports=read_items(module, sections.get(SectionId.EXPORT), read_export),
        memory=memories[0] if memories else None,
        data=_data(module, sections.get(SectionId.DATA), view),
        custom={each.name: view[each.start : each.end] for each in custom},
        section_sizes=sizes,
    )


def _data(module: bytes, where: Section | None, view: memoryview) -> tuple[tuple[int, memoryview], ...]:
    placed: list[tuple[int, memoryview]] = []
    for segment in read_items(module, where, read_data_segment):
        if segment.offset.global_index is not None:
            raise ModuleFormatError("a data segment whose address is a global's value", segment.start)
        placed.append((segment.offset.offset % (1 << 32), view[segment.start : segment.end]))
    return tuple(placed)
