"""The table of what a guest has open."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import attrs

from reglet.infrastructure.wasi.errno import Errno, WasiError
from reglet.infrastructure.wasi.tree import DirectoryEntry, FileType, OpenFlags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reglet.infrastructure.wasi.tree import OpenFile, Tree

_FIRST_FREE = 3
_MOST_OPEN = 128
"""A process often may have 1,024 files open, which all of its guests share with the host itself."""


@attrs.define
class Stream:
    """One of the standard streams; standard input is always at its end."""

    sink: Callable[[bytes], object] | None


@attrs.define
class Descriptor:
    """An open file or directory within a tree."""

    tree: Tree
    path: str
    """Relative to the tree's root; empty for the root."""
    file: OpenFile
    type: FileType
    flags: OpenFlags
    guest_path: str
    """As the guest named it, for messages."""
    preopened: bool = False
    position: int = 0
    listing: Sequence[DirectoryEntry] | None = None

    def resolve(self, path: str) -> str:
        """Return `path`, which is relative to this directory, relative to the tree's root.

        A path that is absolute or climbs above this directory raises WasiError(NOTCAPABLE).
        """
        if self.type is not FileType.DIRECTORY:
            raise WasiError(Errno.NOTDIR)
        if not path:
            raise WasiError(Errno.NOENT)
        if path.startswith("/") or posixpath.normpath(path).split("/")[0] == "..":
            raise WasiError(Errno.NOTCAPABLE)
        return posixpath.join(self.path, path)


class Descriptors:
    """Numbers of what is open: streams 0 to 2, the preopens, then what the guest opens (128 at most)."""

    def __init__(
        self,
        preopens: Sequence[tuple[str, Tree]],
        stdout: Callable[[bytes], object],
        stderr: Callable[[bytes], object],
    ) -> None:
        self._open: dict[int, Stream | Descriptor] = {0: Stream(None), 1: Stream(stdout), 2: Stream(stderr)}
        flags = OpenFlags(directory=True)
        for guest_path, tree in preopens:
            root = tree.open("", flags)
            self.add(Descriptor(tree, "", root, FileType.DIRECTORY, flags, guest_path, preopened=True))

    def add(self, descriptor: Descriptor) -> int:
        """Give the lowest free number to what was opened."""
        if len(self._open) >= _MOST_OPEN:
            descriptor.file.close()
            raise WasiError(Errno.MFILE)
        number = next(n for n in range(_FIRST_FREE, _FIRST_FREE + _MOST_OPEN) if n not in self._open)
        self._open[number] = descriptor
        return number

    def get(self, number: int) -> Stream | Descriptor:
        """Return what is open under a number."""
        try:
            return self._open[number]
        except KeyError as problem:
            raise WasiError(Errno.BADF) from problem

    def file(self, number: int) -> Descriptor:
        """Return the file or directory open under a number; a stream is none."""
        found = self.get(number)
        if isinstance(found, Stream):
            raise WasiError(Errno.SPIPE)
        return found

    def close(self, number: int) -> None:
        """Close what is open under a number."""
        found = self.get(number)
        del self._open[number]
        if isinstance(found, Descriptor):
            found.file.close()

    def close_all(self) -> None:
        """Close everything."""
        for number in list(self._open):
            self.close(number)

    def opened_by_guest(self) -> list[Descriptor]:
        """Return what the guest opened itself and has not closed."""
        return [d for d in self._open.values() if isinstance(d, Descriptor) and not d.preopened]
