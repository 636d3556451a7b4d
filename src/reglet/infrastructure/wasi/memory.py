"""A guest's memory, and how calls that were given addresses, numbers and names in it fail."""

from __future__ import annotations

import ctypes
import errno
import struct
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WASI_MODULE = "wasi_snapshot_preview1"
"""The module that guests import the functions of preview 1 from."""


class Errno(IntEnum):
    """The numbers that our calls answer with."""

    SUCCESS = 0
    ACCES = 2
    BADF = 8
    BUSY = 10
    DQUOT = 19
    EXIST = 20
    FAULT = 21
    FBIG = 22
    ILSEQ = 25
    INVAL = 28
    IO = 29
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    MLINK = 34
    NAMETOOLONG = 37
    NODEV = 43
    NOENT = 44
    NOMEM = 48
    NOSPC = 51
    NOSYS = 52
    NOTDIR = 54
    NOTEMPTY = 55
    NOTSUP = 58
    NXIO = 60
    OVERFLOW = 61
    PERM = 63
    PIPE = 64
    ROFS = 69
    SPIPE = 70
    TIMEDOUT = 73
    TXTBSY = 74
    XDEV = 75
    NOTCAPABLE = 76


class WasiError(Exception):
    """A call's failure; the guest sees its number."""

    def __init__(self, number: Errno) -> None:
        super().__init__(number.name)
        self.number = number


_BY_PLATFORM = {
    number: Errno[name.removeprefix("E")]
    for number, name in errno.errorcode.items()
    if name.removeprefix("E") in Errno.__members__
}


def from_os_error(error: OSError) -> Errno:
    """Return the number for a failure of the operating system; IO for those that preview 1 does not know."""
    return _BY_PLATFORM.get(error.errno or 0, Errno.IO)


class FileType(IntEnum):
    """Kinds of files, numbered as in preview 1."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET = 6
    SYMBOLIC_LINK = 7


_ADDRESS = 0xFFFF_FFFF
_MOST_VECTORS = 1024
"""As on Linux. A guest's memory holds tens of millions, which would take the host gigabytes to list."""
_LONGEST_PATH = 4096
"""Bytes, as on Linux."""
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

FILE_NAME_ERRORS = "surrogateescape"
"""How bytes that are no UTF-8 stand in names and variables: as in `os.fsdecode`, so they stay the same."""

_writable_view = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)(
    ("PyMemoryView_FromMemory", ctypes.pythonapi)
)
_WRITABLE = 0x200
"""`PyBUF_WRITE`."""


class LinearMemory:
    """Bytes at a fixed address of this process. The guest's addresses arrive as signed 32-bit integers.

    Args:
        base: address of the guest's byte 0; it must not move while this is in use.
        length: answers the memory's present size in bytes; asked only when an access lies beyond the last
            known size, since a memory never shrinks.

    Every access outside raises WasiError(FAULT): a guest must not reach the host's bytes.
    """

    __slots__ = ("_base", "_bytes", "_length")

    def __init__(self, base: int, length: Callable[[], int]) -> None:
        self._base = base
        self._length = length
        self._bytes = memoryview(b"")
        self.size()

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes at `address`."""
        start = address & _ADDRESS
        if start + size > len(self._bytes):
            self._look_for(start + size)
        return self._bytes[start : start + size].tobytes()

    def size(self) -> int:
        """Return how many bytes there are now."""
        size = self._length()
        self._bytes = _writable_view(self._base, size, _WRITABLE)
        return size

    def read_all(self) -> bytes:
        """Return the whole memory."""
        return self.read(0, self.size())

    def write(self, address: int, content: bytes) -> None:
        """Put `content` at `address`."""
        start = address & _ADDRESS
        end = start + len(content)
        if end > len(self._bytes):
            self._look_for(end)
        self._bytes[start:end] = content

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

        One of more than 4,096 bytes raises WasiError(NAMETOOLONG), one that holds NUL ILSEQ.
        """
        length = size & _ADDRESS
        if length > _LONGEST_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        path = self.read(address, length).decode(errors=FILE_NAME_ERRORS)
        if "\0" in path:
            raise WasiError(Errno.ILSEQ)
        return path

    def _look_for(self, end: int) -> None:
        """Raise WasiError(FAULT) unless memory has grown to `end`."""
        if end > self.size():
            raise WasiError(Errno.FAULT)
