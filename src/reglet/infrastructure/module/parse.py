"""A whole module, read: everything but the instructions."""

from __future__ import annotations

from functools import cached_property

from attrs import field, frozen

from reglet.infrastructure.module.declarations import (
    CustomSection,
    DataSegment,
    ElementSegment,
    Export,
    Global,
    Import,
    read_data_segment,
    read_element_segment,
    read_export,
    read_global,
    read_import,
)
from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.reader import Reader
from reglet.infrastructure.module.sections import Section, SectionId, read_items, read_sections
from reglet.infrastructure.module.types import (
    ExternKind,
    FunctionType,
    Limits,
    TableType,
    read_function_type,
    read_limits,
    read_table_type,
)


@frozen
class Body:
    """The locals and instructions of one function: bytes `start` to `end` of the file."""

    start: int
    end: int


@frozen
class Module:
    """A core module. Indices of functions and globals count the imported ones first."""

    data: bytes = field(repr=False)
    types: tuple[FunctionType, ...]
    imports: tuple[Import, ...]
    functions: tuple[int, ...]
    tables: tuple[TableType, ...]
    memories: tuple[Limits, ...]
    globals: tuple[Global, ...]
    exports: tuple[Export, ...]
    start: int | None
    elements: tuple[ElementSegment, ...]
    bodies: tuple[Body, ...]
    data_segments: tuple[DataSegment, ...]
    custom: tuple[CustomSection, ...]

    @cached_property
    def function_imports(self) -> tuple[Import, ...]:
        """The imported functions in their order."""
        return tuple(each for each in self.imports if each.kind is ExternKind.FUNCTION)

    @cached_property
    def global_imports(self) -> tuple[Import, ...]:
        """The imported globals in their order."""
        return tuple(each for each in self.imports if each.kind is ExternKind.GLOBAL)

    @cached_property
    def exported(self) -> dict[str, Export]:
        """The exports by name."""
        return {each.name: each for each in self.exports}

    def function_type(self, index: int) -> FunctionType:
        """Return the type of a function, imported or not."""
        imported = self.function_imports
        if index < len(imported):
            type_index = imported[index].type
            assert isinstance(type_index, int)
            return self.types[type_index]
        return self.types[self.functions[index - len(imported)]]

    def body(self, index: int) -> Body:
        """Return the body of a function that is not imported."""
        return self.bodies[index - len(self.function_imports)]

    def defined_global(self, index: int) -> Global:
        """Return a global that is not imported."""
        return self.globals[index - len(self.global_imports)]


def parse_module(data: bytes) -> Module:
    """Read a module and check that what its parts name exists.

    Raises:
        ModuleFormatError: the bytes are not a core module, or use what is not understood; it has the offset.
    """
    sections, custom = _by_id(data)
    module = Module(
        data=data,
        types=read_items(data, sections.get(SectionId.TYPE), read_function_type),
        imports=read_items(data, sections.get(SectionId.IMPORT), read_import),
        functions=read_items(data, sections.get(SectionId.FUNCTION), Reader.u32),
        tables=read_items(data, sections.get(SectionId.TABLE), read_table_type),
        memories=read_items(data, sections.get(SectionId.MEMORY), read_limits),
        globals=read_items(data, sections.get(SectionId.GLOBAL), read_global),
        exports=read_items(data, sections.get(SectionId.EXPORT), read_export),
        start=_start(data, sections.get(SectionId.START)),
        elements=read_items(data, sections.get(SectionId.ELEMENT), read_element_segment),
        bodies=read_items(data, sections.get(SectionId.CODE), _read_body),
        data_segments=read_items(data, sections.get(SectionId.DATA), read_data_segment),
        custom=custom,
    )
    _check_indices(module, sections)
    return module


def _by_id(data: bytes) -> tuple[dict[SectionId, Section], tuple[CustomSection, ...]]:
    sections: dict[SectionId, Section] = {}
    custom: list[CustomSection] = []
    for section in read_sections(data):
        if section.id is SectionId.CUSTOM:
            custom.append(read_custom_section(data, section))
        else:
            sections[section.id] = section
    return sections, tuple(custom)


def read_custom_section(data: bytes, section: Section) -> CustomSection:
    """Read the name of a custom section."""
    reader = Reader(data, section.start, section.end)
    name = reader.name()
    return CustomSection(name, reader.at, section.end)


def _start(data: bytes, section: Section | None) -> int | None:
    if section is None:
        return None
    reader = Reader(data, section.start, section.end)
    index = reader.u32()
    reader.finish("the START section")
    return index


def _read_body(reader: Reader) -> Body:
    length = reader.u32()
    return Body(reader.skip(length), reader.at)


def _check_indices(module: Module, sections: dict[SectionId, Section]) -> None:
    def check(id_: SectionId, subject: str, highest: int, count: int) -> None:
        if highest >= count:
            raise ModuleFormatError(
                f"{subject} {highest} does not exist, there are {count}", sections[id_].start
            )

    if len(module.functions) != len(module.bodies):
        where = sections.get(SectionId.CODE) or sections[SectionId.FUNCTION]
        raise ModuleFormatError(
            f"{len(module.functions)} functions and {len(module.bodies)} bodies", where.header
        )
    type_indices = [each.type for each in module.function_imports if isinstance(each.type, int)]
    check(SectionId.IMPORT, "type", max(type_indices, default=-1), len(module.types))
    check(SectionId.FUNCTION, "type", max(module.functions, default=-1), len(module.types))
    functions = len(module.function_imports) + len(module.functions)
    listed = (index for segment in module.elements for index in segment.functions)
    check(SectionId.ELEMENT, "function", max(listed, default=-1), functions)
    check(SectionId.START, "function", -1 if module.start is None else module.start, functions)
    _check_exports(module, functions, sections)


def _check_exports(module: Module, functions: int, sections: dict[SectionId, Section]) -> None:
    imported = [each.kind for each in module.imports]
    counts = {
        ExternKind.FUNCTION: functions,
        ExternKind.TABLE: imported.count(ExternKind.TABLE) + len(module.tables),
        ExternKind.MEMORY: imported.count(ExternKind.MEMORY) + len(module.memories),
        ExternKind.GLOBAL: len(module.global_imports) + len(module.globals),
    }
    for export in module.exports:
        if export.index >= counts[export.kind]:
            what = f"{export.kind.name.lower()} {export.index}, there are {counts[export.kind]}"
            raise ModuleFormatError(f"export {export.name!r} is {what}", sections[SectionId.EXPORT].start)
