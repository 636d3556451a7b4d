"""Error numbers of WASI preview 1, and how a call fails with one."""

from __future__ import annotations

import errno
from enum import IntEnum


class Errno(IntEnum):
    """The numbers that our calls answer with."""

    SUCCESS = 0
    ACCES = 2
    BADF = 8
    BUSY = 10
    EXIST = 20
    FAULT = 21
    FBIG = 22
    ILSEQ = 25
    INVAL = 28
    IO = 29
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    NAMETOOLONG = 37
    NOENT = 44
    NOMEM = 48
    NOSPC = 51
    NOSYS = 52
    NOTDIR = 54
    NOTEMPTY = 55
    NOTSUP = 58
    PERM = 63
    PIPE = 64
    ROFS = 69
    SPIPE = 70
    TIMEDOUT = 73
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
