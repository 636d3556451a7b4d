"""A plugin's module, made of the runtime's: its memory as data, and no host function that it may not call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reglet.domain.ports import LOG_FUNCTION
from reglet.infrastructure.wasm import ModuleFormatError, Reader
from reglet.infrastructure.wasm.sections import (
    HEADER,
    PAGE_SIZE,
    Export,
    ExternKind,
    SectionId,
    data_segment,
    function_import,
    name,
    read_export,
    read_import,
    read_sections,
    section,
    vector,
)
from reglet.infrastructure.wasm.signatures import IMPORTED_MEMORY, SizeLimits, global_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from reglet.infrastructure.wasm.sections import Section
    from reglet.infrastructure.wasm.signatures import HostFunctionSlot


HOST_MODULE = "reglet_host"
"""The module that host functions are imported from (ABI section 1)."""

_NO_LOCALS_PUSH_ARGUMENT_CALL = b"\x00\x20\x00\x10"
_END = b"\x0b"
_ANSWER_NOTHING = b"\x00\x42\x00\x01\x01\x0b"  # no locals, i64.const 0, nop, nop, end


def calling_body(import_index: int) -> bytes:
    """Return the body of the function that calls import `import_index`.

    Raises:
        ValueError: the index takes more than one byte, so the body would have another length.
    """
    if import_index >= 0x80:  # noqa: PLR2004 - one byte of LEB128
        raise ValueError(f"import {import_index} is beyond the first 128")
    return _NO_LOCALS_PUSH_ARGUMENT_CALL + bytes([import_index]) + _END


def without_host_functions(
    module: bytes, slots: Mapping[str, HostFunctionSlot], dropped: Collection[str]
) -> bytes:
    """Write the module without importing the host functions named in `dropped`.

    Raises:
        ModuleFormatError: the module is not one of this runtime.
        KeyError: one of the names has no slot.
    """
    if not dropped:
        return module
    sections = {each.id: each for each in read_sections(module)}
    if not {SectionId.IMPORT, SectionId.CODE} <= sections.keys():
        raise ModuleFormatError("no imports, or no code", len(HEADER))
    imports, code = sections[SectionId.IMPORT], sections[SectionId.CODE]
    entries: list[bytes] = []
    indices: dict[str, int] = {}
    types: dict[str, int] = {}
    reader = Reader(module, imports.start, imports.end)
    for _ in range(reader.count()):
        at = reader.at
        entry = read_import(reader)
        if entry.kind is ExternKind.FUNCTION and entry.module == HOST_MODULE and isinstance(entry.type, int):
            indices[entry.name] = len(entries)
            types[entry.name] = entry.type
        entries.append(module[at : reader.at])
    missing = {LOG_FUNCTION, *dropped} - set(indices)
    if missing:
        names = ", ".join(sorted(missing))
        raise ModuleFormatError(f"does not import {names} of {HOST_MODULE}", imports.start)
    patched = bytearray(module)
    for each in dropped:
        # the log function, which every plugin has, takes its place, so that no index moves
        entries[indices[each]] = function_import(HOST_MODULE, LOG_FUNCTION, types[LOG_FUNCTION])
        start = code.start + slots[each].code_offset
        end = start + len(_ANSWER_NOTHING)
        if patched[start:end] != calling_body(indices[each]):
            raise ModuleFormatError(f"no call of import {indices[each]} stands here", start)
        patched[start:end] = _ANSWER_NOTHING
    view = memoryview(patched)
    new_imports = section(SectionId.IMPORT, vector(entries))
    return b"".join((view[: imports.header], new_imports, view[imports.end :]))


_ENDS_THE_GUEST = b"\x03\x00\x00\x0b"  # three bytes: no locals, unreachable, end


def size_left_out(entries: Collection[tuple[int, int]]) -> int:
    """Return how many bytes of code `without_functions` leaves out."""
    return sum(end - start - len(_ENDS_THE_GUEST) for start, end in entries)


def without_functions(module: bytes, entries: Iterable[tuple[int, int]]) -> bytes:
    """Write the module with functions that end the guest in place of those that nothing calls any more.

    Each of `entries` is where one begins and ends in the code section, in bytes from its contents' start; no
    two overlap. No index moves.
    """
    parts = [module[:8]]
    for each in read_sections(module):
        if each.id is not SectionId.CODE:
            parts.append(module[each.header : each.end])
            continue
        code: list[bytes] = []
        at = each.start
        for start, end in sorted(entries):
            code += (module[at : each.start + start], _ENDS_THE_GUEST)
            at = each.start + end
        parts.append(section(each.id, b"".join((*code, module[at : each.end]))))
    return b"".join(parts)


_BLOCK = 4096
_ZERO_BLOCK = bytes(_BLOCK)

ZERO_GAP = 256
"""Bytes: a run of zeros this long ends a data segment. Shorter runs make many segments, and each costs every
fresh instance time: at 128 there are three times as many, for 2 % of the file and nothing of its gzip."""

_GAP = bytes(ZERO_GAP)
_NOT_ZERO = re.compile(rb"[^\0]")


def write_snapshot(
    runtime: bytes, memory: bytes | bytearray | memoryview, keep_exports: Collection[str]
) -> bytes:
    """Write the runtime's code with `memory` as its initial memory, exporting only `keep_exports`.

    Raises:
        ModuleFormatError: the runtime lacks one of the exports, or the memory is not whole pages.
    """
    if len(memory) % PAGE_SIZE:
        raise ModuleFormatError(f"a memory of {len(memory)} bytes, which is not whole pages", 0)
    contents = bytes(memory)
    parts = [runtime[:8]]
    for each in read_sections(runtime):
        if each.id is SectionId.MEMORY:
            parts.append(section(each.id, vector([SizeLimits(len(memory) // PAGE_SIZE).encode()])))
        elif each.id is SectionId.EXPORT:
            exports = Reader(runtime, each.start, each.end).vector(read_export)
            missing = set(keep_exports) - {export.name for export in exports}
            if missing:
                raise ModuleFormatError(
                    f"the runtime does not export {', '.join(sorted(missing))}", each.start
                )
            kept = [export.encode() for export in exports if export.name in keep_exports]
            parts.append(section(each.id, vector(kept)))
        elif each.id is SectionId.DATA:
            parts.append(
                section(each.id, vector(data_segment(at, part) for at, part in filled_runs(contents)))
            )
        else:
            parts.append(runtime[each.header : each.end])
    return b"".join(parts)


_CODE = (
    SectionId.TYPE,
    SectionId.IMPORT,
    SectionId.FUNCTION,
    SectionId.TABLE,
    SectionId.GLOBAL,
    SectionId.START,
    SectionId.ELEMENT,
    SectionId.CODE,
)


def code_sections(module: bytes) -> dict[SectionId, memoryview]:
    """Return the sections that a plugin has in common with its runtime."""
    view = memoryview(module)
    return {each.id: view[each.start : each.end] for each in read_sections(module) if each.id in _CODE}


def code_module(module: bytes) -> bytes:
    """Return the code of a module, which imports its memory (`IMPORTED_MEMORY`) and exports its globals.

    The code of every plugin of one runtime is the same, so that it is compiled once for all of them. Nothing
    of it runs when it is instantiated. Globals are exported (`global_name`) for hosts that run it again.

    Raises:
        ModuleFormatError: the module has no memory of its own, or more than one, or a start function.
    """
    sections = [each for each in read_sections(module) if each.id is not SectionId.CUSTOM]
    for each in sections:
        if each.id is SectionId.START:
            raise ModuleFormatError("a start function", each.start)
    memory = next((each for each in sections if each.id is SectionId.MEMORY), None)
    if memory is None or module[memory.start] != 1:
        raise ModuleFormatError("not one memory of its own", 0 if memory is None else memory.start)
    kind = module[memory.start + 1 : memory.end]
    imported_memory = b"".join((*map(name, IMPORTED_MEMORY), bytes([ExternKind.MEMORY]), kind))
    types = b""
    imports: list[bytes] = []
    code: list[bytes] = []
    globals_: list[bytes] = []
    for each in sections:
        if each.id is SectionId.TYPE:
            types = module[each.header : each.end]
        elif each.id is SectionId.IMPORT:
            imports = _entries(module, each, read_import)
        elif each.id is SectionId.EXPORT:
            code.append(section(each.id, vector([*_entries(module, each, read_export), *globals_])))
        elif each.id not in (SectionId.MEMORY, SectionId.DATA, SectionId.DATA_COUNT):
            code.append(module[each.header : each.end])
            if each.id is SectionId.GLOBAL:  # which comes before the exports
                count = Reader(module, each.start, each.end).count()
                globals_ = [Export(global_name(n), ExternKind.GLOBAL, n).encode() for n in range(count)]
    return b"".join((HEADER, types, section(SectionId.IMPORT, vector([*imports, imported_memory])), *code))


def _entries(module: bytes, vector_: Section, read: Callable[[Reader], object]) -> list[bytes]:
    """Cut a section that is a vector into its entries."""
    reader = Reader(module, vector_.start, vector_.end)
    entries: list[bytes] = []
    for _ in range(reader.count()):
        at = reader.at
        read(reader)
        entries.append(module[at : reader.at])
    return entries


def memory_module(module: bytes) -> bytes:
    """Return the memory of a module, with its data, as one that exports it as `memory`.

    An engine maps such a memory copy-on-write, and has next to nothing to compile.
    """
    sections = {each.id: module[each.header : each.end] for each in read_sections(module)}
    export = section(SectionId.EXPORT, vector([Export("memory", ExternKind.MEMORY, 0).encode()]))
    return b"".join((HEADER, sections[SectionId.MEMORY], export, sections.get(SectionId.DATA, b"")))


def filled_runs(memory: bytes) -> Iterator[tuple[int, memoryview]]:
    """Cut memory at runs of at least ZERO_GAP zeros; give the pieces between as (address, bytes)."""
    view = memoryview(memory)
    for start, end in _filled_blocks(memory):
        at = _after_zeros(memory, start, end)
        while at < end:
            gap = memory.find(_GAP, at, end)
            stop = end if gap < 0 else gap
            yield at, view[at:stop]
            at = _after_zeros(memory, stop, end)


def _filled_blocks(memory: bytes) -> Iterator[tuple[int, int]]:
    started: int | None = None
    for at in range(0, len(memory), _BLOCK):
        if memory[at : at + _BLOCK] == _ZERO_BLOCK:
            if started is not None:
                yield started, at
                started = None
        elif started is None:
            started = at
    if started is not None:
        yield started, len(memory)


def _after_zeros(memory: bytes, at: int, end: int) -> int:
    filled = _NOT_ZERO.search(memory, at, end)
    return end if filled is None else filled.start()
