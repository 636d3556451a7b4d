"""Finding a file by its path without being led astray.

A path is walked name by name from the root, each directory opened below the one before it and never
through a symbolic link; links are read and followed here. So the path that is judged is the path that was
walked, and whoever swaps a directory for a link meanwhile gets an error (POSIX `openat`, `O_NOFOLLOW`).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasi.errno import Errno, WasiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_LINKS = 40


def flags_of_system(*names: str) -> int:
    """Return the flags of `os.open` that this system has of those named; importing this must work on any."""
    return sum(getattr(os, name, 0) for name in names)


_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | flags_of_system("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC")


@frozen
class Place:
    """A name in an open directory, and the canonical path of both. The name may not exist."""

    parent: int
    name: str
    path: str


@contextlib.contextmanager
def located(path: str, *, follow: bool, may_pass: Callable[[str], bool]) -> Iterator[Place]:
    """Find where a path leads; with `follow` the last name is not a link either.

    Every directory on the way is asked of `may_pass`; one that may not be passed is answered as NOTCAPABLE
    whether it exists or not.
    """
    walk = _Walk(may_pass)
    try:
        yield walk.to(path, follow=follow)
    finally:
        walk.close()


class _Walk:
    """The directories opened so far, from the root."""

    def __init__(self, may_pass: Callable[[str], bool]) -> None:
        self._may_pass = may_pass
        self._names: list[str] = []
        self._open = [os.open("/", _DIRECTORY)]
        self._links = 0

    def to(self, path: str, *, follow: bool) -> Place:
        waiting = _parts(path)
        while waiting:
            name = waiting.pop()
            if name == "..":
                self._up()
                continue
            if not waiting and not follow:
                return self._place(name)
            target = self._link(name)
            if target is not None:
                waiting.extend(self._followed(target))
            elif not waiting:
                return self._place(name)
            else:
                self._down(name)
        return Place(self._open[-1], ".", self._path())

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def _place(self, name: str) -> Place:
        return Place(self._open[-1], name, self._path(name))

    def _path(self, *more: str) -> str:
        return "/" + "/".join((*self._names, *more))

    def _up(self) -> None:
        if self._names:
            self._names.pop()
            os.close(self._open.pop())

    def _down(self, name: str) -> None:
        if not self._may_pass(self._path(name)):
            raise WasiError(Errno.NOTCAPABLE)
        self._open.append(os.open(name, _DIRECTORY, dir_fd=self._open[-1]))
        self._names.append(name)

    def _link(self, name: str) -> str | None:
        """Return where a link points to; None for anything else, and for nothing."""
        try:
            return os.readlink(name, dir_fd=self._open[-1])
        except OSError:
            return None

    def _followed(self, target: str) -> list[str]:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise WasiError(Errno.LOOP)
        if target.startswith("/"):
            while self._names:
                self._up()
        return _parts(target)


def _parts(path: str) -> list[str]:
    """Return the names of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
