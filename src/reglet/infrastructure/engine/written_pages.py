"""The pages of its memory that a guest writes: put back in one step, or given to another guest (Linux).

A guest's memory is mapped copy-on-write, so the first write to a page is a fault; where the page was read
before, it also interrupts every other core that runs a thread of this process, as does each memory that goes.
Guests on several threads would mostly wait for that. So the pages that a guest wrote are made again what its
memory began with, and it serves another check; and one that is new is given the pages that others wrote.

Which pages were written is never guessed: the system reports it, or nothing is put back. A page of a private
mapping that was written is no page of the mapped file any more, be it in memory or swapped out.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import sys
from array import array
from ctypes import c_size_t, c_void_p
from functools import cache
from typing import TYPE_CHECKING

from reglet.infrastructure.engine.compilation import c_library

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PAGES = 1000
"""A guest that wrote more is dropped, and no example; so many ranges are one call at most (`IOV_MAX`)."""

_ENTRY_BYTES = 8

_WRITTEN = re.compile(rb"[\x40-\x5f\x80-\x9f\xc0-\xdf]+")
"""Of the last bytes of entries of `/proc/self/pagemap`: present (bit 7) or swapped (6), not of a file (5).

A page that was only read is of the file, or of zeros where there is none: those count as written.
"""


class WrittenPages:
    """Those that one guest wrote of the first `size` bytes of its memory, which begins at `base`."""

    def __init__(self, base: int, size: int) -> None:
        self._base = base
        self._size = size
        self._kinds = b""
        """Of its pages, when they were looked at last."""
        self.ranges: list[tuple[int, int]] = []
        """From where in the memory, and how many bytes; once they were looked at."""
        self._vectors: tuple[array[int], array[int]] | None = None

    def look(self) -> bool:
        """Find out which they are; report whether the system says so, and they are not too many."""
        if not can_write_at_once():
            return False
        before, self._kinds = self._kinds, _kinds(self._base, self._size)
        if before == self._kinds != b"":  # as is usual from the second check on
            return True
        self._vectors = None
        found = [each.span() for each in _WRITTEN.finditer(self._kinds)]
        if not self._kinds or sum(end - start for start, end in found) > _MOST_PAGES:
            self._kinds = b""
            return False
        self.ranges = [(start * mmap.PAGESIZE, (end - start) * mmap.PAGESIZE) for start, end in found]
        return True

    def restore(self, pristine: int) -> bool:
        """Make the memory what another holds, which begins at `pristine`, and was the same at the start.

        Returns whether that was done; else it is in an unknown state.
        """
        if not self.look():
            return False
        if self._vectors is None:
            self._vectors = _vector(pristine, self.ranges), _vector(self._base, self.ranges)
        return _write_at_once(*self._vectors)


def populate(base: int, ranges: Sequence[tuple[int, int]]) -> None:
    """Give a guest whose memory begins at `base` its own pages there, with what they hold: it is a hint."""
    if ranges and can_write_at_once():
        vector = _vector(base, ranges)
        _write_at_once(vector, vector)


def _kinds(base: int, size: int) -> bytes:
    """Return what the system reports of each page, in a byte; nothing where it does not."""
    if sys.platform != "linux":
        return b""
    pages = size // mmap.PAGESIZE
    try:
        pagemap, identity = _pagemap(os.getpid())
        if _identity(pagemap) != identity:  # somebody closed it, and opened another file
            return b""
        entries = os.pread(pagemap, pages * _ENTRY_BYTES, base // mmap.PAGESIZE * _ENTRY_BYTES)
    except (OSError, OverflowError):
        return b""
    kinds = entries[_ENTRY_BYTES - 1 :: _ENTRY_BYTES]
    return kinds if len(kinds) == pages else b""


@cache
def _pagemap(_process: int) -> tuple[int, tuple[int, int]]:
    """Return the open file about this process, and which it is: one inherited by a fork is about another."""
    opened = os.open("/proc/self/pagemap", os.O_RDONLY)
    return opened, _identity(opened)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _vector(base: int, ranges: Sequence[tuple[int, int]]) -> array[int]:
    """Return addresses and sizes, as an array of `struct iovec` has them."""
    return array("Q", (each for start, size in ranges for each in (base + start, size)))


@cache
def can_write_at_once() -> bool:
    """Whether this system copies ranges of memory in one call."""
    if sys.platform != "linux" or not hasattr(c_library(), "process_vm_writev"):
        return False
    content = ctypes.create_string_buffer(b"content")
    copy = ctypes.create_string_buffer(len(content))
    source, target = (_vector(ctypes.addressof(each), [(0, len(each))]) for each in (content, copy))
    return _write_at_once(source, target) and copy.raw == content.raw


def _write_at_once(source: array[int], target: array[int]) -> bool:
    """Copy ranges of this process's memory to others of the same sizes; report whether all were copied."""
    (source_start, length), (target_start, _) = source.buffer_info(), target.buffer_info()
    number = c_size_t(length // 2)
    of_source, of_target = (c_void_p(source_start), number), (c_void_p(target_start), number)
    copied = c_library().process_vm_writev(os.getpid(), *of_source, *of_target, c_size_t(0))
    return bool(copied == sum(target[1::2]))
