"""Free memory of a finished guest, filled with zeros: stale bytes there cost size and load time.

wasi-libc's allocator is dlmalloc. Its heap is one run of chunks from the heap's base to the top chunk. Each
begins with the size of the chunk before it, if that is free, and its own size, whose two lowest bits say
whether the chunk before it and it itself are in use.
"""

from __future__ import annotations

from reglet.infrastructure.build.errors import BuildError

_ALIGNMENT = 16
_HEADER_SIZE = 8
_PREVIOUS_IN_USE, _IN_USE, _FLAGS = 1, 2, 7
_SMALL = 256
_SMALL_LINKS, _TREE_LINKS = 16, 32
"""Bytes at the start of a free chunk that the allocator's lists and trees use."""
_LEAST_CHUNKS_END = 64
"""Bytes: a free chunk that ends nearer to the memory's end is the top chunk; the allocator's foot follows."""


class HeapError(BuildError):
    """The heap is not as this file knows it: the runtime has another allocator."""


def zero_free_memory(memory: bytearray, heap_base: int, stack_size: int) -> None:
    """Zero the free chunks, the rest of the top chunk, and the stack, on which nothing lives between calls.

    Raises:
        HeapError: the chunks do not fit together.
    """
    *chunks, (top, top_size) = free_chunks(memory, heap_base)
    for address, size in chunks:
        keep = _SMALL_LINKS if size < _SMALL else _TREE_LINKS
        if size > keep:
            memory[address + keep : address + size] = bytes(size - keep)
    memory[top + _HEADER_SIZE : top + top_size] = bytes(top_size - _HEADER_SIZE)
    memory[:stack_size] = bytes(stack_size)


def free_chunks(memory: bytes | bytearray, heap_base: int) -> list[tuple[int, int]]:
    """Return (address, size) of each free chunk in order, the top chunk last.

    All chunks are looked at, about 60,000: so this is one loop over the memory as 32-bit words.

    Raises:
        HeapError: the chunks do not fit together.
    """
    free: list[tuple[int, int]] = []
    length = len(memory)
    at = (heap_base + _HEADER_SIZE + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT - _HEADER_SIZE
    previous_in_use = _PREVIOUS_IN_USE
    with memoryview(memory) as view, view.cast("I") as words:
        while at + _HEADER_SIZE <= length:
            head = words[(at >> 2) + 1]
            size = head & ~_FLAGS
            if (
                not size
                or size % _ALIGNMENT
                or at + size > length
                or head & _PREVIOUS_IN_USE != previous_in_use
            ):
                raise HeapError(
                    f"the heap is damaged at {at:#x} (chunk of {size} bytes); report this as a bug"
                )
            if head & _IN_USE:
                previous_in_use = _PREVIOUS_IN_USE
            else:
                previous_in_use = 0
                free.append((at, size))
                if length - at - size < _LEAST_CHUNKS_END:
                    return free
            at += size
    raise HeapError(f"the heap runs past the memory at {at:#x}; report this as a bug")
