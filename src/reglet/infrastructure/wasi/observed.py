"""A tree that tells which of its paths are asked for, granted or not."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from reglet.infrastructure.wasi.tree import FileStatus, OpenFile, OpenFlags, Times, Tree

FileObserver: TypeAlias = Callable[[str, bool], object]
"""Is told an absolute path, as the guest spells it, and whether it wants to change what is there."""


@frozen
class ObservedTree:
    """Implements `Tree` over a tree of what is below `start`. It tells of a path before it asks for it."""

    tree: Tree
    observe: FileObserver
    start: str = "/"

    def open(self, path: str, flags: OpenFlags) -> OpenFile:
        """Open a file or directory."""
        self._tell(path, changes=flags.changes)
        return self.tree.open(path, flags)

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return the status of a path."""
        self._tell(path)
        return self.tree.status(path, follow=follow)

    def read_link(self, path: str) -> str:
        """Return where a link points to."""
        self._tell(path)
        return self.tree.read_link(path)

    def set_times(self, path: str, times: Times, *, follow: bool) -> None:
        """Set the times of a path."""
        self._tell(path, changes=True)
        self.tree.set_times(path, times, follow=follow)

    def create_directory(self, path: str) -> None:
        """Make a directory."""
        self._tell(path, changes=True)
        self.tree.create_directory(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        self._tell(path, changes=True)
        self.tree.remove_directory(path)

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        self._tell(path, changes=True)
        self.tree.remove_file(path)

    def rename(self, old: str, new: str) -> None:
        """Move within this tree."""
        self._tell(old, changes=True)
        self._tell(new, changes=True)
        self.tree.rename(old, new)

    def _tell(self, path: str, *, changes: bool = False) -> None:
        self.observe(posixpath.normpath(posixpath.join(self.start, path)), changes)
