"""The memory of a plugin over the code of the runtime that it was built from.

A built plugin has the runtime's code and a memory of its own. So the runtime is compiled once for all
plugins, and an instance of it is given the plugin's memory.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
from functools import cached_property
from typing import TYPE_CHECKING, Self

import wasmtime
from attrs import field, frozen

from reglet.infrastructure.engine import Cache, cache_folder, compiled
from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.entries import PAGE_SIZE
from reglet.infrastructure.wasm.inspect import PluginModule, read_plugin
from reglet.infrastructure.wasm.sections import SectionId, read_sections
from reglet.infrastructure.wasm.snapshot import HOST_MODULE, HostFunctionSlot, without_host_functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
"""The sections that a plugin has in common with its runtime."""

_BLOCK = 4096
_MOST_BYTES = 256 * 1024 * 1024
"""A plugin that begins with more is left to the engine, which knows the limits of the run."""

_MOST_KEPT = 12
"""About 8 MB each."""

_COUNTS = struct.Struct("<QQ")
"""Pages and the number of changes; of each change, its first byte and how many."""

_FORMAT = 1
"""Of what is kept: a new number makes entries of the old form unknown."""


@frozen
class MemoryDelta:
    """The size in pages, and what is not as the runtime begins: first byte, and the bytes."""

    pages: int
    changes: tuple[tuple[int, bytes], ...] = field(repr=False)

    def encode(self) -> bytes:
        """Write the counts, where the changes are, then their bytes."""
        head = [_COUNTS.pack(self.pages, len(self.changes))]
        head += [_COUNTS.pack(offset, len(contents)) for offset, contents in self.changes]
        return b"".join((*head, *(contents for _, contents in self.changes)))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote; the cache has found that it is whole."""
        pages, count = _COUNTS.unpack_from(data)
        changes: list[tuple[int, bytes]] = []
        at = (1 + count) * _COUNTS.size
        for index in range(count):
            offset, size = _COUNTS.unpack_from(data, (1 + index) * _COUNTS.size)
            changes.append((offset, data[at : at + size]))
            at += size
        return cls(pages, tuple(changes))


@frozen
class MemoryImage:
    """The shared code, and what the memory of an instance starts as."""

    module: wasmtime.Module = field(repr=False)
    delta: MemoryDelta = field(repr=False)

    def apply(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        """Write the plugin's memory into a fresh instance of the shared code."""
        missing = self.delta.pages - memory.size(store)
        if missing > 0:
            memory.grow(store, missing)
        start = ctypes.addressof(memory.data_ptr(store).contents)
        for offset, contents in self.delta.changes:
            ctypes.memmove(start + offset, contents, len(contents))


class MemoryImageFinder:
    """Finds out whether a plugin's code is that of one runtime, host functions that it dropped aside.

    Laid over the runtime, a plugin that dropped a host function could still call it, if it wrote its own
    memory; the host asks the policy all the same.
    """

    def __init__(self, runtime: bytes, slots: Mapping[str, HostFunctionSlot], key: str | None = None) -> None:
        """Take the runtime's module, where it calls host functions, and what its content is called."""
        self._runtime = runtime
        self._slots = slots
        self._key = key or hashlib.sha256(runtime).hexdigest()

    def __call__(self, binary: bytes, digest: str) -> MemoryImage | None:
        """Return what lays the plugin over the runtime; None if its code is not the runtime's.

        `digest` is the SHA-256 of the plugin: what was found out is kept under it on disk.
        """
        kept = Cache(cache_folder() / "memory-images", _MOST_KEPT)
        name = hashlib.sha256(f"{_FORMAT} {digest} {self._key}".encode()).hexdigest()[:32] + ".memory"
        entry = kept.read(name)
        delta = self._delta(binary) if entry is None else MemoryDelta.decode(entry)
        if delta is None:
            return None
        if entry is None:
            kept.write(name, delta.encode())
        return MemoryImage(compiled(self._runtime, self._key), delta)

    def _delta(self, binary: bytes) -> MemoryDelta | None:
        try:
            plugin = read_plugin(binary)
        except ModuleFormatError:
            return None
        if plugin.memory is None or not self._has_code_of_runtime(plugin, binary):
            return None
        size = max(_data_end(self._parsed), _data_end(plugin))
        if size > min(plugin.memory.minimum * PAGE_SIZE, _MOST_BYTES):
            return None
        changes = _changes(_image(self._parsed, size), _image(plugin, size))
        return MemoryDelta(plugin.memory.minimum, tuple(changes))

    @cached_property
    def _parsed(self) -> PluginModule:
        return read_plugin(self._runtime)

    def _has_code_of_runtime(self, plugin: PluginModule, binary: bytes) -> bool:
        ours = {each.name: each for each in self._parsed.exports}
        if any(ours.get(each.name) != each for each in plugin.exports):
            return False
        code = plugin.section_sizes.get(SectionId.CODE)
        if code != self._parsed.section_sizes[SectionId.CODE]:
            return False
        dropped = set(self._slots) - set(plugin.imported_functions(HOST_MODULE))
        runtime = without_host_functions(self._runtime, self._slots, dropped)
        return _code_sections(binary) == _code_sections(runtime)


def _code_sections(binary: bytes) -> dict[SectionId, memoryview]:
    view = memoryview(binary)
    return {each.id: view[each.start : each.end] for each in read_sections(binary) if each.id in _CODE}


def _data_end(module: PluginModule) -> int:
    return max((address + len(contents) for address, contents in module.data), default=0)


def _image(module: PluginModule, size: int) -> bytearray:
    """Return the first `size` bytes of a module's memory, rounded up to a page."""
    image = bytearray(-(-size // PAGE_SIZE) * PAGE_SIZE)
    for address, contents in module.data:
        image[address : address + len(contents)] = contents
    return image


def _changes(old: bytearray, new: bytearray) -> Iterator[tuple[int, bytes]]:
    """Yield the runs of blocks that differ: what needs no copy costs no page either."""
    start: int | None = None
    for at in range(0, len(new), _BLOCK):
        differs = old[at : at + _BLOCK] != new[at : at + _BLOCK]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            yield start, bytes(new[start:at])
            start = None
    if start is not None:
        yield start, bytes(new[start:])
