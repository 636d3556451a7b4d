"""A plugin laid over the runtime that it was built from.

A built plugin has the runtime's code and a memory of its own. So the runtime is compiled once for all
plugins, and an instance of it is given the plugin's memory.
"""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import TYPE_CHECKING

import wasmtime
from attrs import field, frozen

from reglet.infrastructure.engine import compiled
from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.host_functions import HOST_MODULE, HostFunctionSlot, without_host_functions
from reglet.infrastructure.module.plugin import PluginModule, read_plugin
from reglet.infrastructure.module.sections import SectionId, read_sections
from reglet.infrastructure.module.types import PAGE_SIZE

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


@frozen
class Overlay:
    """The shared code, and what the memory of an instance starts as."""

    module: wasmtime.Module = field(repr=False)
    pages: int
    image: ctypes.Array[ctypes.c_char] = field(repr=False)
    changes: tuple[tuple[int, int], ...] = field(repr=False)
    """What is not as the runtime begins: first byte, and how many."""

    def lay(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        """Give a fresh instance of the shared code the plugin's memory."""
        missing = self.pages - memory.size(store)
        if missing > 0:
            memory.grow(store, missing)
        start = ctypes.addressof(memory.data_ptr(store).contents)
        source = ctypes.addressof(self.image)
        for offset, size in self.changes:
            ctypes.memmove(start + offset, source + offset, size)


class OverlayFinder:
    """Finds out whether a plugin's code is that of one runtime, host functions that it dropped aside.

    Laid over the runtime, a plugin that dropped a host function could still call it, if it wrote its own
    memory; the host asks the policy all the same.
    """

    def __init__(self, runtime: bytes, slots: Mapping[str, HostFunctionSlot], key: str | None = None) -> None:
        """Take the runtime's module, where it calls host functions, and what its content is called."""
        self._runtime = runtime
        self._slots = slots
        self._key = key

    def __call__(self, binary: bytes) -> Overlay | None:
        """Return what lays the plugin over the runtime; None if its code is not the runtime's."""
        try:
            plugin = read_plugin(binary)
        except ModuleFormatError:
            return None
        if plugin.memory is None or not self._is_made_of_it(plugin, binary):
            return None
        size = max(_data_end(self._parsed), _data_end(plugin))
        if size > min(plugin.memory.minimum * PAGE_SIZE, _MOST_BYTES):
            return None
        image = _image(plugin, size)
        changes = tuple(_changes(_image(self._parsed, size), image))
        return Overlay(compiled(self._runtime, self._key), plugin.memory.minimum, image, changes)

    @cached_property
    def _parsed(self) -> PluginModule:
        return read_plugin(self._runtime)

    def _is_made_of_it(self, plugin: PluginModule, binary: bytes) -> bool:
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


def _image(module: PluginModule, size: int) -> ctypes.Array[ctypes.c_char]:
    """Return the first `size` bytes of a module's memory, rounded up to a page."""
    image = ctypes.create_string_buffer(-(-size // PAGE_SIZE) * PAGE_SIZE)
    view = memoryview(image).cast("B")
    for address, contents in module.data:
        view[address : address + len(contents)] = contents
    return image


def _changes(
    before: ctypes.Array[ctypes.c_char], after: ctypes.Array[ctypes.c_char]
) -> Iterator[tuple[int, int]]:
    """Yield the runs of blocks that differ: what needs no copy costs no page either."""
    old, new = before.raw, after.raw
    start: int | None = None
    for at in range(0, len(after), _BLOCK):
        differs = old[at : at + _BLOCK] != new[at : at + _BLOCK]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            yield start, at - start
            start = None
    if start is not None:
        yield start, len(after) - start
