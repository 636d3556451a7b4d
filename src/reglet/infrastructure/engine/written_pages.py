"""The pages of memory that every guest of a module writes, given to it in one step (Linux).

A guest's memory is mapped copy-on-write, so the first write to a page is a fault; where the page was read
before, it also interrupts every other core that runs a thread of this process, and guests on several threads
would mostly wait for that. What the first guests wrote is therefore copied for those that follow before they
start. It is a hint alone: contents stay the same, and where the system has no such call nothing is done.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from array import array
from collections.abc import Callable
from ctypes import c_size_t, c_void_p
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from reglet.infrastructure.engine.compilation import c_library

_GUESTS = 4
"""How many are looked at: a manifest and the first checks."""

_MOST_PAGES = 1000
"""A guest that wrote more is no example; and so many ranges are one call at most (`IOV_MAX`)."""

_MOST_PLACES = 16
"""Where guests' memories begin: each that is gone leaves its place to another."""

_PRESENT, _OF_FILE = 1 << 63, 1 << 61
"""Bits of an entry of `/proc/self/pagemap`: a page that was written is no longer one of the mapped file."""

_ENTRY_BYTES = 8

_POPULATE_WRITE = 23
"""`MADV_POPULATE_WRITE`."""


class WrittenPages:
    """What the guests of one module write. Threads share it unguarded: to miss a page costs a fault."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        """From where in the memory, and how many bytes."""
        self._vectors: dict[int, array[int]] = {}
        """The ranges of guests whose memory begins at an address, as the system is told them."""
        self._learned = 0

    def populate(self, base: int) -> None:
        """Copy the pages for a guest whose memory begins at an address."""
        way = populating()
        if not self._ranges or way is None:
            return
        vectors = self._vectors.get(base)
        if vectors is None:
            vectors = array("Q", (each for start, size in self._ranges for each in (base + start, size)))
            if len(self._vectors) == _MOST_PLACES:
                self._vectors = {}
            self._vectors[base] = vectors
        way.populate(vectors)

    def learn(self, base: int, size: int) -> None:
        """Look at what a guest has written to the first `size` bytes of its memory, before it is closed.

        All guests of a module begin with a memory of at least this size.
        """
        way = populating()
        if way is None or self._learned == _GUESTS:
            return
        self._learned += 1
        pages = _written(base, size)  # those that were given to this guest among them
        if len(pages) <= _MOST_PAGES:
            apart = way.largest_gap + 1
            neighbours = list(pairwise([-_MOST_PAGES, *pages, sys.maxsize]))
            starts = [page for before, page in neighbours[:-1] if page - before > apart]
            ends = [page + 1 for page, after in neighbours[1:] if after - page > apart]
            self._ranges = [
                (start * mmap.PAGESIZE, (end - start) * mmap.PAGESIZE)
                for start, end in zip(starts, ends, strict=True)
            ]
            self._vectors = {}


def _written(base: int, size: int) -> list[int]:
    """Return the indices of the pages that were written, as far as the system reports them."""
    entries = array("Q")
    try:
        with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
            pagemap.seek(base // mmap.PAGESIZE * _ENTRY_BYTES)
            entries.frombytes(pagemap.read(size // mmap.PAGESIZE * _ENTRY_BYTES))
    except (OSError, ValueError):
        return []
    return [index for index, entry in enumerate(entries) if entry & _PRESENT and not entry & _OF_FILE]


class _Way(NamedTuple):
    """How ranges are populated; pages between two that are no further apart are copied with them."""

    populate: Callable[[array[int]], bool]
    """Takes an address and a size by turns; reports whether the system does this."""
    largest_gap: int


@cache
def populating() -> _Way | None:
    """Return what this system offers: Linux 6.13 one call for all ranges, 5.14 a call for each."""
    if sys.platform != "linux":
        return None
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ways = (_Way(_at_once, 0), _Way(_one_by_one, 8))
        return next((way for way in ways if way.populate(array("Q", (address, mmap.PAGESIZE)))), None)


def _at_once(vectors: array[int]) -> bool:
    if sys.platform != "linux" or not hasattr(c_library(), "process_madvise"):
        return False
    start = c_void_p(vectors.buffer_info()[0])  # of `struct iovec`
    try:
        process = _descriptor(os.getpid())
    except OSError:
        return False
    return int(c_library().process_madvise(process, start, len(vectors) // 2, _POPULATE_WRITE, 0)) > 0


@cache
def _descriptor(process: int) -> int:
    """Return what stands for this process; should somebody close it, pages are not populated any more."""
    if sys.platform != "linux":
        raise OSError
    return os.pidfd_open(process)


def _one_by_one(vectors: array[int]) -> bool:
    advise = c_library().madvise
    ranges = zip(vectors[::2], vectors[1::2], strict=True)
    return all(advise(c_void_p(start), c_size_t(size), _POPULATE_WRITE) == 0 for start, size in ranges)
