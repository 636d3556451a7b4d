"""A guest's linear memory, read and written within its bounds."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING

from reglet.infrastructure.wasi.errno import Errno, WasiError

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESS = 0xFFFF_FFFF
_MOST_VECTORS = 1024
"""As on Linux. A guest's memory holds tens of millions, which would take the host gigabytes to list."""
_LONGEST_PATH = 4096
"""Bytes, as on Linux."""
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class LinearMemory:
    """Bytes at a fixed place of this process. The guest's addresses arrive as signed 32-bit integers.

    Args:
        base: address of the guest's byte 0; it must not move while this is in use.
        length: answers the memory's present size in bytes; asked only when an access lies beyond the last
            known size, since a memory never shrinks.

    Every access outside raises WasiError(FAULT): a guest must not reach the host's bytes.
    """

    __slots__ = ("_base", "_known", "_length")

    def __init__(self, base: int, length: Callable[[], int]) -> None:
        self._base = base
        self._length = length
        self._known = length()

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes at `address`."""
        return ctypes.string_at(self._base + self._checked(address, size), size)

    def read_all(self) -> bytes:
        """Return the whole memory."""
        self._known = self._length()
        return self.read(0, self._known)

    def write(self, address: int, content: bytes) -> None:
        """Put `content` at `address`."""
        ctypes.memmove(self._base + self._checked(address, len(content)), content, len(content))

    def write_u32(self, address: int, value: int) -> None:
        """Put a 32-bit number at `address`."""
        self.write(address, _U32.pack(value))

    def write_u64(self, address: int, value: int) -> None:
        """Put a 64-bit number at `address`."""
        self.write(address, _U64.pack(value))

    def read_vectors(self, address: int, count: int) -> list[tuple[int, int]]:
        """Return the (address, size) pairs of an array of io vectors; WasiError(INVAL) beyond 1,024."""
        size = count & _ADDRESS
        if size > _MOST_VECTORS:
            raise WasiError(Errno.INVAL)
        return list(struct.iter_unpack("<II", self.read(address, size * 8)))

    def read_path(self, address: int, size: int) -> str:
        """Return the path at `address`.

        One of more than 4,096 bytes raises WasiError(NAMETOOLONG), one that is not UTF-8 or holds NUL ILSEQ.
        """
        length = size & _ADDRESS
        if length > _LONGEST_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        try:
            text = self.read(address, length).decode()
        except UnicodeDecodeError as error:
            raise WasiError(Errno.ILSEQ) from error
        if "\0" in text:
            raise WasiError(Errno.ILSEQ)
        return text

    def _checked(self, address: int, size: int) -> int:
        start = address & _ADDRESS
        if start + size > self._known:
            self._known = self._length()
            if start + size > self._known:
                raise WasiError(Errno.FAULT)
        return start
