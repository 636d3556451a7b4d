"""Files and directories of this machine: found by path without leaving what is granted, and open for a guest.

A path is walked name by name from the root, each directory opened below the one before it and never through
a symbolic link; links are read and followed here. So the path that is judged is the path that was walked,
and whoever swaps a directory for a link meanwhile gets an error (POSIX `openat`, `O_NOFOLLOW`).
"""

from __future__ import annotations

import contextlib
import heapq
import os
import stat
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn

from attrs import frozen

from reglet.infrastructure.wasi.memory import Errno, FileType, WasiError
from reglet.infrastructure.wasi.tree import (
    ENTRIES_AT_ONCE,
    Checkpoint,
    DirectoryEntry,
    FileStatus,
    Times,
    no_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_MOST_LINKS = 40

_OF_THIS_PROCESS = ("/proc/self", "/proc/thread-self")
"""Links that are taken for the directories that they lead to: no rule can name the number of a process."""


def flags_of_system(*names: str) -> int:
    """Return the flags of `os.open` that this system has of those named; importing this must work on any."""
    return sum(getattr(os, name, 0) for name in names)


_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | flags_of_system("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC")


@frozen
class Location:
    """A name in an open directory, and the canonical path of both. The name may not exist."""

    parent: int
    name: str
    path: str


@contextlib.contextmanager
def located(
    path: str, *, follow: bool, may_pass: Callable[[str], bool], makes: bool = False
) -> Iterator[Location]:
    """Find where a path leads, as Linux does; with `follow` the last name is not a link either.

    A path that ends in a slash is a directory's, and so is a link to such a path; with `makes`, where a file
    could be made, it is an error. Every directory on the way is asked of `may_pass`; one that may not be
    passed is answered as NOTCAPABLE whether it exists or not.
    """
    walk = _Walk(may_pass)
    try:
        yield walk.to(path, follow=follow, makes=makes)
    finally:
        walk.close()


class _Walk:
    """The directories opened so far, from the root."""

    def __init__(self, may_pass: Callable[[str], bool]) -> None:
        self._may_pass = may_pass
        self._names: list[str] = []
        self._open = [os.open("/", _DIRECTORY)]
        self._links = 0

    def to(self, path: str, *, follow: bool, makes: bool) -> Location:
        """Return where a path leads; the last name of all is not walked."""
        waiting = _parts(path)
        while waiting:
            name = waiting.pop()
            if name == "..":
                self._up()
            if name in ("..", ".", _SLASH):
                continue
            if waiting == [_SLASH] and makes:
                raise WasiError(Errno.ISDIR if self._may_pass(self._path(name)) else Errno.NOTCAPABLE)
            if not waiting and not follow and self._path(name) not in _OF_THIS_PROCESS:
                return self._location(name)
            names = self._names_of_target(name)
            if names:
                waiting += names
            elif not waiting:
                return self._location(name)
            elif not self._may_pass(self._path(name)):
                raise WasiError(Errno.NOTCAPABLE)
            elif waiting == [_SLASH]:
                return self._directory(name)
            else:
                self._enter(name, _DIRECTORY)
        return Location(self._open[-1], ".", self._path())

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def _names_of_target(self, name: str) -> list[str]:
        """Return the names that a link leads to, from where the walk is then; none for what is no link."""
        if self._path(name) in _OF_THIS_PROCESS and self._may_pass(self._path(name)):
            self._enter(name, _DIRECTORY & ~flags_of_system("O_NOFOLLOW"))
            return ["."]
        try:
            target = os.readlink(name, dir_fd=self._open[-1])
        except OSError:  # no link, or nothing at all
            return []
        self._links += 1
        if self._links > _MOST_LINKS:
            raise WasiError(Errno.LOOP)
        while target.startswith("/") and self._names:
            self._up()
        return _parts(target) or ["."]

    def _enter(self, name: str, flags: int) -> None:
        self._open.append(os.open(name, flags, dir_fd=self._open[-1]))
        self._names.append(name)

    def _location(self, name: str) -> Location:
        return Location(self._open[-1], name, self._path(name))

    def _directory(self, name: str) -> Location:
        """Return where a name is that can only be a directory's; it need not exist."""
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISDIR(os.stat(name, dir_fd=self._open[-1], follow_symlinks=False).st_mode):
                raise WasiError(Errno.NOTDIR)
        return self._location(name)

    def _path(self, *more: str) -> str:
        return "/" + "/".join((*self._names, *more))

    def _up(self) -> None:
        if self._names:
            self._names.pop()
            os.close(self._open.pop())


_SLASH = ""
"""Stands last among the names of a path that ends in a slash."""


def _parts(path: str) -> list[str]:
    """Return the names of a path, the last one first."""
    *before, last = path.split("/")
    names = [last, *filter(None, reversed(before))]
    return names if names != [_SLASH] else []


# ruff: noqa: ARG002 - what is refused takes the parameters of its protocol


_TYPES = {
    stat.S_IFBLK: FileType.BLOCK_DEVICE,
    stat.S_IFCHR: FileType.CHARACTER_DEVICE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFREG: FileType.REGULAR_FILE,
    stat.S_IFSOCK: FileType.SOCKET,
    stat.S_IFLNK: FileType.SYMBOLIC_LINK,
}


def file_type(mode: int) -> FileType:
    """Return the preview 1 type of a file mode; a pipe has none."""
    return _TYPES.get(stat.S_IFMT(mode), FileType.UNKNOWN)


def file_status(found: os.stat_result) -> FileStatus:
    """Return what preview 1 can say of a file."""
    return FileStatus(
        type=file_type(found.st_mode),
        inode=found.st_ino,
        size=found.st_size,
        links=found.st_nlink,
        device=found.st_dev,
        accessed=found.st_atime_ns,
        modified=found.st_mtime_ns,
        changed=found.st_ctime_ns,
    )


def set_times(target: int | str, times: Times, present: os.stat_result, parent: int | None = None) -> None:
    """Set the times of an open file, or of a name in a directory without following it."""
    accessed = present.st_atime_ns if times.accessed is None else times.accessed
    modified = present.st_mtime_ns if times.modified is None else times.modified
    if parent is None:
        os.utime(target, ns=(accessed, modified))
    else:
        os.utime(target, ns=(accessed, modified), dir_fd=parent, follow_symlinks=False)


_name_of = attrgetter("name")


class RealFile:
    """A regular file, by its descriptor; `may_change` says whether its times may be set."""

    def __init__(self, descriptor: int, *, may_change: bool) -> None:
        self._descriptor = descriptor
        self._may_change = may_change

    def status(self) -> FileStatus:
        """Return the file's present status."""
        return file_status(os.fstat(self._descriptor))

    def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes at `offset`."""
        if sys.platform == "win32":  # where no guest is given a tree of real files
            raise WasiError(Errno.NOTSUP)
        return os.pread(self._descriptor, size, offset)

    def write(self, offset: int | None, content: bytes) -> int:
        """Write at `offset`, or at the end for None."""
        if sys.platform == "win32":
            raise WasiError(Errno.NOTSUP)
        at = os.fstat(self._descriptor).st_size if offset is None else offset
        return os.pwrite(self._descriptor, content, at)

    def set_size(self, size: int) -> None:
        """Cut or lengthen the file."""
        os.ftruncate(self._descriptor, size)

    def set_times(self, times: Times) -> None:
        """Set the file's times, however it was opened, if it may be written."""
        if not self._may_change:
            raise WasiError(Errno.ROFS)
        set_times(self._descriptor, times, os.fstat(self._descriptor))

    def entries(self, checkpoint: Checkpoint = no_checkpoint) -> NoReturn:
        """Refuse: a file has no entries."""
        raise WasiError(Errno.NOTDIR)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class RealDirectory:
    """A directory of which only known names are shown."""

    def __init__(
        self,
        descriptor: int,
        status: FileStatus,
        shows: Callable[[str, FileType], bool],
        *,
        may_change: bool,
    ) -> None:
        """Take an open directory; `shows` says of a name and its type whether a guest may know it."""
        self._descriptor = descriptor
        self._status = status
        self._shows = shows
        self._may_change = may_change

    def status(self) -> FileStatus:
        """Return the status it had when it was opened."""
        return self._status

    def entries(self, checkpoint: Checkpoint = no_checkpoint) -> Sequence[DirectoryEntry]:
        """Return the known entries, sorted by name."""
        parts: list[list[DirectoryEntry]] = []
        with os.scandir(self._descriptor) as found:
            for count, each in enumerate(found):
                if count % ENTRIES_AT_ONCE == 0:
                    checkpoint()
                    parts.append([])
                if each.is_symlink():
                    kind = FileType.SYMBOLIC_LINK
                elif each.is_dir(follow_symlinks=False):
                    kind = FileType.DIRECTORY
                elif each.is_file(follow_symlinks=False):
                    kind = FileType.REGULAR_FILE
                else:  # which takes a look at the file itself
                    try:
                        kind = file_type(each.stat(follow_symlinks=False).st_mode)
                    except FileNotFoundError:
                        continue
                if self._shows(each.name, kind):
                    parts[-1].append(DirectoryEntry(each.name, each.inode(), kind))
        # sorted part by part: to sort a million at once would keep every other thread waiting
        entries: list[DirectoryEntry] = []
        for entry in heapq.merge(*(sorted(part, key=_name_of) for part in parts), key=_name_of):
            if len(entries) % ENTRIES_AT_ONCE == 0:
                checkpoint()
            entries.append(entry)
        return entries

    def read(self, offset: int, size: int) -> NoReturn:
        """Refuse: a directory has no bytes."""
        raise WasiError(Errno.ISDIR)

    def write(self, offset: int | None, content: bytes) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ISDIR)

    def set_size(self, size: int) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ISDIR)

    def set_times(self, times: Times) -> None:
        """Set the directory's times, if it may be written."""
        if not self._may_change:
            raise WasiError(Errno.ROFS)
        set_times(self._descriptor, times, os.fstat(self._descriptor))

    def sync(self) -> None:
        """Do nothing: entries are made at once."""

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._descriptor)
