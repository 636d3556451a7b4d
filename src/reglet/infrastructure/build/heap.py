"""Free memory of a finished guest, filled with zeros: stale bytes there cost size and load time.

wasi-libc's allocator is dlmalloc. Its heap is one run of chunks from the heap's base to the top chunk. Each
begins with the size of the chunk before it, if that is free, and its own size, whose two lowest bits say
whether the chunk before it and it itself are in use.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import attrs

from reglet.infrastructure.build.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIGNMENT = 16
_HEADER = struct.Struct("<II")
_PREVIOUS_IN_USE, _IN_USE, _FLAGS = 1, 2, 7
_SMALL = 256
_SMALL_LINKS, _TREE_LINKS = 16, 32
"""Bytes at the start of a free chunk that the allocator's lists and trees use."""
_LEAST_TOP = 64


class HeapError(BuildError):
    """The heap is not as this file knows it: the runtime has another allocator."""


@attrs.frozen
class Chunk:
    """A piece of the heap."""

    address: int
    size: int
    in_use: bool


def zero_free_memory(memory: bytearray, heap_base: int, stack_size: int) -> None:
    """Zero the free chunks, the rest of the top chunk, and the stack, on which nothing lives between calls.

    Raises:
        HeapError: the chunks do not fit together.
    """
    *chunks, top = walk(memory, heap_base)
    for chunk in chunks:
        if not chunk.in_use:
            _zero(memory, chunk, _SMALL_LINKS if chunk.size < _SMALL else _TREE_LINKS)
    _zero(memory, top, _HEADER.size)
    memory[:stack_size] = bytes(stack_size)


def walk(memory: bytes | bytearray, heap_base: int) -> Iterator[Chunk]:
    """Give the chunks in order, the top chunk last."""
    at = (heap_base + 8 + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT - 8
    previous_in_use = True
    while True:
        chunk, flags = _read(memory, at)
        if bool(flags & _PREVIOUS_IN_USE) != previous_in_use:
            raise HeapError(f"the heap is damaged at {at:#x}: its chunks disagree; report this as a bug")
        yield chunk
        at += chunk.size
        previous_in_use = chunk.in_use
        if not chunk.in_use and _ends(memory, at, chunk.size):
            return


def _read(memory: bytes | bytearray, at: int) -> tuple[Chunk, int]:
    if at + _HEADER.size > len(memory):
        raise HeapError(f"the heap runs past the memory at {at:#x}; report this as a bug")
    _, head = _HEADER.unpack_from(memory, at)
    size = head & ~_FLAGS
    if size < _ALIGNMENT or size % _ALIGNMENT or at + size > len(memory):
        raise HeapError(f"the heap has a chunk of {size} bytes at {at:#x}; report this as a bug")
    return Chunk(at, size, bool(head & _IN_USE)), head & _FLAGS


def _ends(memory: bytes | bytearray, at: int, free_size: int) -> bool:
    """Tell whether a free chunk that ends here is the top: no chunk follows that knows of it."""
    if len(memory) - at < _LEAST_TOP:
        return True
    previous_size, head = _HEADER.unpack_from(memory, at)
    return previous_size != free_size or bool(head & _PREVIOUS_IN_USE)


def _zero(memory: bytearray, chunk: Chunk, keep: int) -> None:
    if chunk.size > keep:
        memory[chunk.address + keep : chunk.address + chunk.size] = bytes(chunk.size - keep)
