"""Trees of files as a guest sees them, and the tree that never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, Protocol, Self, TypeAlias

from attrs import frozen

from reglet.infrastructure.wasi.memory import Errno, FileType, WasiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import TypeIs


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
    """Follow a symbolic link that is the last name."""

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


class File(Protocol):
    """A file's content."""

    def size(self) -> int:
        """Return the content's length in bytes."""
        ...

    def content(self) -> bytes:
        """Return the content."""
        ...


class Directory(Protocol):
    """Names and what stands under them."""

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name; None for nothing."""
        ...

    def names(self) -> Sequence[str]:
        """Return the names in a fixed order."""
        ...


@frozen
class MemoryFile:
    """A file whose content is at hand."""

    data: bytes

    def size(self) -> int:
        """Return the content's length in bytes."""
        return len(self.data)

    def content(self) -> bytes:
        """Return the content."""
        return self.data


@frozen
class DiskFile:
    """A file on disk, read when asked for."""

    path: Path

    def size(self) -> int:
        """Return the file's length in bytes."""
        return self.path.stat().st_size

    def content(self) -> bytes:
        """Return the file's content."""
        return self.path.read_bytes()


@frozen
class MemoryDirectory:
    """A directory made of others' nodes."""

    children: Mapping[str, File | Directory]

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name."""
        return self.children.get(name)

    def names(self) -> Sequence[str]:
        """Return the names, sorted."""
        return sorted(self.children)


def directory_of(files: Mapping[str, File]) -> MemoryDirectory:
    """Return directories for files that are given by their paths (`a/b.txt`)."""
    root: dict[str, File | Directory] = {}
    folders: dict[str, dict[str, File | Directory]] = {"": root}
    for path, file in files.items():
        parent, _, name = path.rpartition("/")
        _folder(folders, parent)[name] = file
    return MemoryDirectory(root)


def _folder(folders: dict[str, dict[str, File | Directory]], path: str) -> dict[str, File | Directory]:
    if path not in folders:
        parent, _, name = path.rpartition("/")
        folders[path] = {}
        _folder(folders, parent)[name] = MemoryDirectory(folders[path])
    return folders[path]


# ruff: noqa: ARG002 - what would change it takes its protocol's parameters, and refuses


class ReadOnlyTree:
    """A tree over a directory node: names in order, no times, inodes that depend on the path alone."""

    def __init__(self, root: Directory) -> None:
        self._root = root

    def within(self, checkpoint: Checkpoint) -> Self:
        """Return the tree itself: no path in it is a long way."""
        return self

    def open(self, path: str, flags: OpenFlags) -> ReadOnlyFile:
        """Open a file or directory for reading; whatever else is asked for is refused with ROFS."""
        try:
            parts, node = self._find(path)
        except WasiError as error:
            if flags.create and error.number is Errno.NOENT:
                raise WasiError(Errno.ROFS) from error
            raise
        if flags.exclusive and flags.create:
            raise WasiError(Errno.EXIST)
        if flags.directory and not _is_directory(node):
            raise WasiError(Errno.NOTDIR)
        if flags.truncate or ((flags.write or flags.append) and not _is_directory(node)):
            raise WasiError(Errno.ROFS)
        return ReadOnlyFile(parts, node)

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return a path's status; there are no links, so `follow` changes nothing."""
        del follow
        return _status(*self._find(path))

    def read_link(self, path: str) -> str:
        """Refuse: there are no links."""
        self._find(path)
        raise WasiError(Errno.INVAL)

    def set_times(self, path: str, times: Times, *, follow: bool) -> NoReturn:
        """Refuse."""
        del follow
        raise WasiError(Errno.ROFS)

    def create_directory(self, path: str) -> NoReturn:
        """Refuse, as a disk does: what exists is EXIST, not ROFS."""
        try:
            self._find(path)
        except WasiError as error:
            raise WasiError(Errno.ROFS) from error
        raise WasiError(Errno.EXIST)

    def remove_directory(self, path: str) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def remove_file(self, path: str) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def rename(self, old: str, new: str) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def _find(self, path: str) -> tuple[tuple[str, ...], File | Directory]:
        trail: list[tuple[str, File | Directory]] = [("", self._root)]
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                if len(trail) == 1:
                    raise WasiError(Errno.NOTCAPABLE)
                if not _is_directory(trail[-1][1]):
                    raise WasiError(Errno.NOTDIR)
                trail.pop()
                continue
            trail.append((part, _child(trail[-1][1], part)))
        if names_directory(path) and not _is_directory(trail[-1][1]):
            raise WasiError(Errno.NOTDIR)
        return tuple(name for name, _ in trail[1:]), trail[-1][1]


class ReadOnlyFile:
    """An open node."""

    def __init__(self, parts: tuple[str, ...], node: File | Directory) -> None:
        self._parts = parts
        self._node = node
        self._content: bytes | None = None

    def status(self) -> FileStatus:
        """Return the node's status."""
        return _status(self._parts, self._node)

    def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes at `offset`."""
        if self._content is None:
            if _is_directory(self._node):
                raise WasiError(Errno.ISDIR)
            self._content = self._node.content()
        return self._content[offset : offset + size]

    def entries(self, checkpoint: Checkpoint = no_checkpoint) -> list[DirectoryEntry]:
        """Return a directory's entries."""
        if not _is_directory(self._node):
            raise WasiError(Errno.NOTDIR)
        entries: list[DirectoryEntry] = []
        for name in self._node.names():
            checkpoint()
            status = _status((*self._parts, name), _child(self._node, name))
            entries.append(DirectoryEntry(name, status.inode, status.type))
        return entries

    def write(self, offset: int | None, content: bytes) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def set_size(self, size: int) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def set_times(self, times: Times) -> NoReturn:
        """Refuse."""
        raise WasiError(Errno.ROFS)

    def sync(self) -> None:
        """Do nothing: nothing was written."""

    def close(self) -> None:
        """Let go of the content."""
        self._content = None


def _is_directory(node: File | Directory) -> TypeIs[Directory]:
    return hasattr(node, "names")


def _child(node: File | Directory, name: str) -> File | Directory:
    if not _is_directory(node):
        raise WasiError(Errno.NOTDIR)
    found = node.child(name)
    if found is None:
        raise WasiError(Errno.NOENT)
    return found


def _status(parts: tuple[str, ...], node: File | Directory) -> FileStatus:
    inode = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:6], "little")
    if _is_directory(node):
        return FileStatus(FileType.DIRECTORY, inode)
    return FileStatus(FileType.REGULAR_FILE, inode, size=node.size())
