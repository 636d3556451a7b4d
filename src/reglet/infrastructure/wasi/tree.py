"""What a tree of files must answer to be shown to a guest, and the numbers with which a call fails."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Protocol, TypeAlias

from attrs import frozen


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
    NAMETOOLONG = 37
    NOENT = 44
    NOMEM = 48
    NOSPC = 51
    NOSYS = 52
    NOTDIR = 54
    NOTEMPTY = 55
    NOTSUP = 58
    OVERFLOW = 61
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


class FileType(IntEnum):
    """Kinds of files, numbered as in preview 1."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET = 6
    SYMBOLIC_LINK = 7


@frozen
class FileStatus:
    """What preview 1 can say of a file: no mode and no owner. Times are nanoseconds since 1970."""

    type: FileType
    inode: int
    size: int = 0
    links: int = 1
    device: int = 1
    accessed: int = 0
    modified: int = 0
    changed: int = 0


@frozen
class DirectoryEntry:
    """One name in a directory."""

    name: str
    inode: int
    type: FileType


@frozen
class OpenFlags:
    """How a path is to be opened."""

    read: bool = True
    write: bool = False
    append: bool = False
    create: bool = False
    exclusive: bool = False
    truncate: bool = False
    directory: bool = False
    """The path must be a directory."""
    follow: bool = True
    """Follow a symbolic link in the last place."""

    @property
    def changes(self) -> bool:
        """Whether the tree or a file in it could be altered."""
        return self.write or self.append or self.create or self.truncate


@frozen
class Times:
    """New times of a file in nanoseconds since 1970; None leaves one as it is."""

    accessed: int | None
    modified: int | None


Checkpoint: TypeAlias = Callable[[], object]
"""Is called now and then in long work; raises WasiError(TIMEDOUT) once the guest must stop."""

ENTRIES_AT_ONCE = 256
"""How many entries of a directory are looked at between two checkpoints."""


def no_checkpoint() -> None:
    """Let work go on for as long as it takes."""


def names_directory(path: str) -> bool:
    """Whether a path can only be a directory's: `f/` and `f/.` are no names of a regular file."""
    return path.endswith(("/", "/."))


class OpenFile(Protocol):
    """A file or directory that the guest has open. Every method may raise WasiError or OSError."""

    def status(self) -> FileStatus:
        """Return the file's present status."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes at `offset`; none at the end."""
        ...

    def write(self, offset: int | None, content: bytes) -> int:
        """Write at `offset`, or at the end for None; return how many bytes were written."""
        ...

    def set_size(self, size: int) -> None:
        """Cut or lengthen the file."""
        ...

    def set_times(self, times: Times) -> None:
        """Set the file's times."""
        ...

    def sync(self) -> None:
        """Bring what was written to the disk."""
        ...

    def entries(self, checkpoint: Checkpoint = no_checkpoint) -> Sequence[DirectoryEntry]:
        """Return a directory's entries in a fixed order, without `.` and `..`; there may be a million."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Tree(Protocol):
    """A directory with all below it. Paths are relative to its root, `/` between parts, and may hold `..`.

    A tree never answers for a file outside its root, whatever links lie in it: it raises
    WasiError(NOTCAPABLE). Every method may raise WasiError or OSError.
    """

    def within(self, checkpoint: Checkpoint) -> Tree:
        """Return the tree for one guest: what walks far calls `checkpoint` on its way."""
        ...

    def open(self, path: str, flags: OpenFlags) -> OpenFile:
        """Open a file or directory."""
        ...

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return the status of a path, or of a symbolic link itself without `follow`."""
        ...

    def read_link(self, path: str) -> str:
        """Return where a symbolic link points to."""
        ...

    def set_times(self, path: str, times: Times, *, follow: bool) -> None:
        """Set the times of a path."""
        ...

    def create_directory(self, path: str) -> None:
        """Make a directory."""
        ...

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        ...

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Move within this tree."""
        ...
