"""A shared library's module, read: everything but the instructions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.infrastructure.wasm import ModuleFormatError, Reader, unsigned
from reglet.infrastructure.wasm.sections import (
    ConstantExpression,
    CustomSection,
    DataSegment,
    Export,
    ExternKind,
    GlobalType,
    Import,
    Section,
    SectionId,
    TableType,
    custom_section,
    i32_const,
    read_constant_expression,
    read_custom_section,
    read_data_segment,
    read_export,
    read_function_type,
    read_global_type,
    read_import,
    read_items,
    read_limits,
    read_sections,
    read_table_type,
    read_type_indices,
    vector,
)
from reglet.infrastructure.wasm.signatures import FunctionType, SizeLimits, ValueType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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


def read_global(reader: Reader) -> Global:
    """Read one entry of the global section."""
    type_ = read_global_type(reader)
    if type_.value is not ValueType.I32:
        raise ModuleFormatError(f"a global of {type_.value.name.lower()}; only i32 is understood", reader.at)
    return Global(type_, read_constant_expression(reader))


_WITH_TABLE = 2


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


def element_segment(offset: int, functions: Iterable[int]) -> bytes:
    """Write an active element segment for table 0."""
    return b"\0" + i32_const(offset) + vector(unsigned(each) for each in functions)


@frozen
class Body:
    """The locals and instructions of one function: bytes `start` to `end` of the file."""

    start: int
    end: int


@frozen
class CoreModule:
    """A core module. Indices of functions and globals count the imported ones first."""

    data: bytes = field(repr=False)
    types: tuple[FunctionType, ...]
    imports: tuple[Import, ...]
    functions: tuple[int, ...]
    tables: tuple[TableType, ...]
    memories: tuple[SizeLimits, ...]
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


def parse_module(data: bytes) -> CoreModule:
    """Read a module and check that what its parts name exists.

    Raises:
        ModuleFormatError: the bytes are not a core module, or use what is not understood; it has the offset.
    """
    sections, custom = _by_id(data)
    start = None
    if SectionId.START in sections:
        reader = Reader(data, sections[SectionId.START].start, sections[SectionId.START].end)
        start = reader.u32()
        reader.finish("the START section")
    module = CoreModule(
        data=data,
        types=read_items(data, sections.get(SectionId.TYPE), read_function_type),
        imports=read_items(data, sections.get(SectionId.IMPORT), read_import),
        functions=read_type_indices(data, sections.get(SectionId.FUNCTION)),
        tables=read_items(data, sections.get(SectionId.TABLE), read_table_type),
        memories=read_items(data, sections.get(SectionId.MEMORY), read_limits),
        globals=read_items(data, sections.get(SectionId.GLOBAL), read_global),
        exports=read_items(data, sections.get(SectionId.EXPORT), read_export),
        start=start,
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


def _read_body(reader: Reader) -> Body:
    length = reader.u32()
    return Body(reader.skip(length), reader.at)


def _check_indices(module: CoreModule, sections: dict[SectionId, Section]) -> None:
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


def _check_exports(module: CoreModule, functions: int, sections: dict[SectionId, Section]) -> None:
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


_DYLINK_SECTION = "dylink.0"
_MEMORY_INFO = 1
_NEEDED = 2


@frozen
class Dylink:
    """How much memory (bytes) and how many table entries a library takes, and which libraries it needs."""

    memory_size: int
    memory_alignment: int
    table_size: int
    needed: tuple[str, ...]


def read_dylink(module: CoreModule) -> Dylink:
    """Read the first section of a shared library.

    Raises:
        ModuleFormatError: the module is not a shared library, or its table must be aligned.
    """
    if not module.custom or module.custom[0].name != _DYLINK_SECTION:
        raise ModuleFormatError(f"not a shared library: no {_DYLINK_SECTION} section", 0)
    section = module.custom[0]
    memory = (0, 0, 0, 0)
    needed: tuple[str, ...] = ()
    for kind, part in Reader(module.data, section.start, section.end).parts():
        if kind == _MEMORY_INFO:
            memory = (part.u32(), part.u32(), part.u32(), part.u32())
        elif kind == _NEEDED:
            needed = part.vector(Reader.name)
    size, alignment, table_size, table_alignment = memory
    if table_alignment:
        raise ModuleFormatError(
            f"a table aligned to 2**{table_alignment} entries is not understood", section.start
        )
    return Dylink(size, 1 << alignment, table_size, needed)


_NAME_SECTION = "name"
_FUNCTIONS = 1


def function_names(module: CoreModule) -> dict[int, str]:
    """Read the names of a module's functions by their index; empty without a `name` section."""
    names: dict[int, str] = {}
    for section in module.custom:
        if section.name != _NAME_SECTION:
            continue
        for kind, part in Reader(module.data, section.start, section.end).parts():
            if kind == _FUNCTIONS:
                for _ in range(part.count()):
                    index = part.u32()
                    names[index] = part.name()
    return names


def name_section(functions: Mapping[int, str]) -> bytes:
    """Write a `name` section of functions' names."""
    entries: list[bytes] = []
    for index in sorted(functions):
        encoded = functions[index].encode()
        entries.append(unsigned(index) + unsigned(len(encoded)) + encoded)
    contents = vector(entries)
    return custom_section(_NAME_SECTION, bytes([_FUNCTIONS]) + unsigned(len(contents)) + contents)
