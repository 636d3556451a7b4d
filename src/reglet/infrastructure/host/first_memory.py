"""What a plugin's memory starts as, told as what differs from its runtime's: kept as one file."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS = struct.Struct("<QQ")
"""Pages and the number of changes; of each change, its first byte and how many."""


@frozen
class FirstMemory:
    """The size in pages, and what is not as the runtime begins: first byte, and the bytes."""

    pages: int
    changes: tuple[tuple[int, bytes], ...] = field(repr=False)


def written(memory: FirstMemory) -> bytes:
    """Write a memory: the counts, where the changes are, then their bytes."""
    head = [_COUNTS.pack(memory.pages, len(memory.changes))]
    head += [_COUNTS.pack(offset, len(contents)) for offset, contents in memory.changes]
    return b"".join((*head, *(contents for _, contents in memory.changes)))


def read_first_memory(data: bytes) -> FirstMemory:
    """Read what `written` wrote; the cache has found that it is whole."""
    pages, count = _COUNTS.unpack_from(data)
    return FirstMemory(pages, tuple(_read_changes(data, count)))


def _read_changes(data: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    at = (1 + count) * _COUNTS.size
    for index in range(count):
        offset, size = _COUNTS.unpack_from(data, (1 + index) * _COUNTS.size)
        yield offset, data[at : at + size]
        at += size
