"""A core module of anybody's: what it has and needs, but for its code, and how large it may be.

The types of what it imports and exports are read here, and never asked of the engine for a module of unknown
origin: its C interface ends the whole process at a type that it does not know. What is beyond the limits was
made to be so: no compiler of a language comes near them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.atomic import MIB, MOST_BYTES
from reglet.infrastructure.wasm import ModuleFormatError, Reader
from reglet.infrastructure.wasm.sections import (
    CustomSection,
    Export,
    ExternKind,
    Import,
    Section,
    SectionId,
    read_custom_section,
    read_data_segment,
    read_export,
    read_function_type,
    read_import,
    read_items,
    read_limits,
    read_sections,
    read_type_indices,
)
from reglet.infrastructure.wasm.signatures import FunctionImport, FunctionType, Signatures, SizeLimits

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def read_signatures(module: bytes) -> Signatures:
    """Read what a core module imports and exports.

    Raises:
        ModuleFormatError: the bytes are not a core module, or have a type that hosts do not take.
    """
    sections = {each.id: each for each in read_sections(module)}
    types = read_items(module, sections.get(SectionId.TYPE), read_function_type)
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
        others=tuple((each.module, each.name) for each in imports if each.kind is not ExternKind.FUNCTION),
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


LARGEST_MODULE = MOST_BYTES
"""Bytes."""

_MOST_SECTIONS = 1_000
_MOST_ITEMS = {
    SectionId.TYPE: 10_000,
    SectionId.IMPORT: 1_000,
    SectionId.FUNCTION: 100_000,
    SectionId.TABLE: 4,
    SectionId.GLOBAL: 10_000,
    SectionId.EXPORT: 10_000,
    SectionId.ELEMENT: 100_000,
    SectionId.CODE: 100_000,
    SectionId.DATA: 200_000,
}
_LARGEST_SECTIONS = {SectionId.TYPE: MIB, SectionId.IMPORT: MIB, SectionId.EXPORT: MIB}
"""Bytes; the others are as large as their items."""

LARGEST_BODY = MIB
"""Bytes of one function's code. The largest of CPython has 160,000, of a small Go program 30,000."""

MOST_LOCALS = 5_000
"""Of one function. CPython's have 271 at most."""

_MOST_LOCALS_IN_ALL = 1_000_000

DEEPEST_LOOPS = 100
"""Loops in loops: a compiler takes more than linear time for them. CPython has 6."""

DEEPEST_BLOCKS = 20_000
"""Blocks in blocks: Go makes one for every point where a function may stop."""


class TooLargeError(ModuleFormatError):
    """A module has more of something than is compiled; the reason says how many there may be."""


def check_counts(module: bytes) -> None:
    """Check the size of a module and of all its sections, in next to no time.

    Raises:
        TooLargeError: it has too much of something.
        ModuleFormatError: it is not a core module.
    """
    if len(module) > LARGEST_MODULE:
        raise TooLargeError(f"it has {len(module)} bytes; a module may have {LARGEST_MODULE}", 0)
    for number, section in enumerate(read_sections(module)):
        if number >= _MOST_SECTIONS:
            raise TooLargeError(f"it has more than {_MOST_SECTIONS} sections", section.header)
        size, largest = section.end - section.start, _LARGEST_SECTIONS.get(section.id, LARGEST_MODULE)
        if size > largest:
            raise TooLargeError(
                f"its {section.id.name} section has {size} bytes; it may have {largest}", section.start
            )
        most = _MOST_ITEMS.get(section.id)
        if most is not None and (count := Reader(module, section.start, section.end).u32()) > most:
            raise TooLargeError(
                f"its {section.id.name} section has {count} items; it may have {most}", section.start
            )


def check_code(module: bytes) -> None:
    """Check every function of a module. That takes a second for ten megabytes.

    Raises:
        TooLargeError: a function has too much of something.
        ModuleFormatError: it is not a core module, or has an instruction that is not understood.
    """
    for section in read_sections(module):
        if section.id is not SectionId.CODE:
            continue
        reader = Reader(module, section.start, section.end)
        locals_in_all = 0
        for number in range(reader.count()):
            size = reader.u32()
            body = Reader(module, reader.skip(size), reader.at)
            _allow(number, "bytes", size, LARGEST_BODY)
            declarations = body.count()
            _allow(number, "declarations of locals", declarations, MOST_LOCALS)
            locals_ = 0
            for _ in range(declarations):
                locals_ += body.u32()
                body.byte()
            _allow(number, "locals", locals_, MOST_LOCALS)
            locals_in_all += locals_
            _allow(number, "locals with those before it", locals_in_all, _MOST_LOCALS_IN_ALL)
            loops, blocks = _deepest(body)
            _allow(number, "loops in loops", loops, DEEPEST_LOOPS)
            _allow(number, "blocks in blocks", blocks, DEEPEST_BLOCKS)


def _allow(function: int, what: str, count: int, most: int) -> None:
    if count > most:
        raise TooLargeError(f"its function {function} has {count} {what}; it may have {most}", 0)


_BLOCK, _LOOP, _IF, _END = 0x02, 0x03, 0x04, 0x0B
_BRANCH_TABLE, _SELECT_OF_TYPES = 0x0E, 0x1C
_NUMBER = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_PLAIN = re.compile(
    rb"(?:[\x00\x01\x05\x0f\x1a\x1b\x45-\xc4\xd1]++"
    rb"|(?:[\x0c\x0d\x10\x20-\x26\x3f-\x42\xd0\xd2]|\xfc[\x09\x0b\x0d\x0f-\x11])"
    + _NUMBER
    + rb"|(?:[\x11\x28-\x3e]|\xfc[\x08\x0a\x0c\x0e])"
    + _NUMBER * 2
    + rb"|\x43.{4}|\x44.{8}|\xfc[\x00-\x07])*+",
    re.DOTALL,
)
"""Instructions in a row that neither open nor close a block, of a length that a pattern can tell by what
follows their opcode: nothing, a number, two numbers, a float."""


def _deepest(body: Reader) -> tuple[int, int]:
    """Return how deep loops and blocks are nested in a function's instructions."""
    data, at, end = body.data, body.at, body.end
    if sum(data.count(opcode, at, end) for opcode in (_BLOCK, _LOOP, _IF)) <= DEEPEST_LOOPS:
        return 0, 0  # not too deep, whatever else these bytes are
    open_blocks: list[bool] = []
    loops = deepest_loops = deepest_blocks = 0
    while at < end:
        plain = _PLAIN.match(data, at, end)
        body.at = at = plain.end() if plain else at
        opcode = body.byte()
        if opcode in (_BLOCK, _LOOP, _IF):
            open_blocks.append(opcode == _LOOP)
            loops += opcode == _LOOP
            deepest_loops, deepest_blocks = max(deepest_loops, loops), max(deepest_blocks, len(open_blocks))
            body.skip_number()
        elif opcode == _END:
            loops -= bool(open_blocks and open_blocks.pop())
        elif opcode == _BRANCH_TABLE:
            for _ in range(body.count() + 1):
                body.skip_number()
        elif opcode == _SELECT_OF_TYPES:
            body.skip(body.count())
        else:
            raise ModuleFormatError(f"instruction 0x{opcode:02x} is not understood", at)
        at = body.at
    return deepest_loops, deepest_blocks
