"""Directories and files that a read-only tree shows, from memory or from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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


@attrs.frozen
class MemoryFile:
    """A file whose content is at hand."""

    data: bytes

    def size(self) -> int:
        """Return the content's length in bytes."""
        return len(self.data)

    def content(self) -> bytes:
        """Return the content."""
        return self.data


@attrs.frozen
class DiskFile:
    """A file on disk, read when asked for."""

    path: Path

    def size(self) -> int:
        """Return the file's length in bytes."""
        return self.path.stat().st_size

    def content(self) -> bytes:
        """Return the file's content."""
        return self.path.read_bytes()


@attrs.frozen
class MemoryDirectory:
    """A directory made of others' nodes."""

    children: Mapping[str, File | Directory]

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name."""
        return self.children.get(name)

    def names(self) -> Sequence[str]:
        """Return the names, sorted."""
        return sorted(self.children)


@attrs.frozen
class DiskDirectory:
    """A directory on disk. Links are followed: whoever shows it to a guest means all that it leads to."""

    path: Path

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name."""
        path = self.path / name
        if path.is_dir():
            return DiskDirectory(path)
        return DiskFile(path) if path.is_file() else None

    def names(self) -> Sequence[str]:
        """Return the names, sorted: the disk's own order differs from machine to machine."""
        return sorted(entry.name for entry in self.path.iterdir())


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
