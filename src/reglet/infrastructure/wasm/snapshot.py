"""A runtime and the memory of one of its guests, written as one module that begins where the guest stood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reglet.infrastructure.wasm.binary import ModuleFormatError, Reader
from reglet.infrastructure.wasm.entries import (
    PAGE_SIZE,
    Export,
    ExternKind,
    SizeLimits,
    data_segment,
    read_export,
    read_import,
)
from reglet.infrastructure.wasm.sections import (
    HEADER,
    Section,
    SectionId,
    name,
    read_sections,
    section,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

IMPORTED_MEMORY = ("snapshot", "memory")
"""The names under which code that was split from its memory imports one."""

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
            parts.append(section(each.id, _kept_exports(runtime, each, keep_exports)))
        elif each.id is SectionId.DATA:
            parts.append(
                section(each.id, vector(data_segment(at, part) for at, part in filled_runs(contents)))
            )
        else:
            parts.append(runtime[each.header : each.end])
    return b"".join(parts)


def code_module(module: bytes) -> bytes:
    """Return the code of a module as one that imports its memory (`IMPORTED_MEMORY`).

    The code of every plugin of one runtime is the same, so that it is compiled once for all of them.

    Raises:
        ModuleFormatError: the module has no memory of its own, or more than one.
    """
    sections = [each for each in read_sections(module) if each.id is not SectionId.CUSTOM]
    memory = next((each for each in sections if each.id is SectionId.MEMORY), None)
    if memory is None or module[memory.start] != 1:
        raise ModuleFormatError("not one memory of its own", 0 if memory is None else memory.start)
    kind = module[memory.start + 1 : memory.end]
    imports = [b"".join((*map(name, IMPORTED_MEMORY), bytes([ExternKind.MEMORY]), kind))]
    types = b""
    code: list[bytes] = []
    for each in sections:
        if each.id is SectionId.TYPE:
            types = module[each.header : each.end]
        elif each.id is SectionId.IMPORT:
            reader = Reader(module, each.start, each.end)
            imports = [module[reader.at : _after_import(reader)] for _ in range(reader.count())] + imports
        elif each.id not in (SectionId.MEMORY, SectionId.DATA, SectionId.DATA_COUNT):
            code.append(module[each.header : each.end])
    return b"".join((HEADER, types, section(SectionId.IMPORT, vector(imports)), *code))


def _after_import(reader: Reader) -> int:
    read_import(reader)
    return reader.at


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


def _kept_exports(runtime: bytes, where: Section, keep: Collection[str]) -> bytes:
    reader = Reader(runtime, where.start, where.end)
    exports = [read_export(reader) for _ in range(reader.count())]
    kept = [each for each in exports if each.name in keep]
    missing = set(keep) - {each.name for each in kept}
    if missing:
        raise ModuleFormatError(f"the runtime does not export {', '.join(sorted(missing))}", where.start)
    return vector(each.encode() for each in kept)
