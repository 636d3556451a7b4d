"""Preview 1: what is done with a path below a directory (`path_*`)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from reglet.infrastructure.wasi.descriptors import Descriptor
from reglet.infrastructure.wasi.errno import Errno, WasiError
from reglet.infrastructure.wasi.file_calls import packed_status, times
from reglet.infrastructure.wasi.tree import OpenFlags

if TYPE_CHECKING:
    from reglet.infrastructure.wasi.system import System

_FOLLOW = 1
_CREATE, _DIRECTORY, _EXCLUSIVE, _TRUNCATE = 1, 2, 4, 8
_APPEND = 1
_RIGHT_READ = 1 << 1
_RIGHT_WRITE = 1 << 6


class PathCalls:
    """Opening and looking."""

    def __init__(self, system: System) -> None:
        self._system = system

    def path_open(
        self,
        number: int,
        lookup: int,
        path: int,
        size: int,
        how: int,
        rights: int,
        _inheriting: int,
        flags: int,
        result: int,
    ) -> None:
        """Open a file or directory."""
        parent, name, relative = self._resolve(number, path, size)
        wanted = OpenFlags(
            read=bool(rights & _RIGHT_READ) or not rights & _RIGHT_WRITE,
            write=bool(rights & _RIGHT_WRITE),
            append=bool(flags & _APPEND),
            create=bool(how & _CREATE),
            exclusive=bool(how & _EXCLUSIVE),
            truncate=bool(how & _TRUNCATE),
            directory=bool(how & _DIRECTORY),
            follow=bool(lookup & _FOLLOW),
        )
        file = parent.tree.open(relative, wanted)
        guest_path = posixpath.normpath(posixpath.join(parent.guest_path, name))
        opened = Descriptor(parent.tree, relative, file, file.status().type, wanted, guest_path)
        self._system.memory.write_u32(result, self._system.descriptors.add(opened))

    def path_filestat_get(self, number: int, lookup: int, path: int, size: int, result: int) -> None:
        """Tell a path's status."""
        parent, _, relative = self._resolve(number, path, size)
        status = parent.tree.status(relative, follow=bool(lookup & _FOLLOW))
        self._system.memory.write(result, packed_status(status))

    def path_readlink(self, number: int, path: int, size: int, address: int, room: int, result: int) -> None:
        """Give what a symbolic link points to, cut to the room there is."""
        parent, _, relative = self._resolve(number, path, size)
        content = parent.tree.read_link(relative).encode()[: room & 0xFFFF_FFFF]
        self._system.memory.write(address, content)
        self._system.memory.write_u32(result, len(content))

    def _resolve(self, number: int, path: int, size: int) -> tuple[Descriptor, str, str]:
        return _resolve(self._system, number, path, size)


class PathChanges:
    """Making, moving and removing. Links are refused: none of our trees makes them."""

    def __init__(self, system: System) -> None:
        self._system = system

    def path_filestat_set_times(
        self,
        number: int,
        lookup: int,
        path: int,
        size: int,
        accessed: int,
        modified: int,
        flags: int,
    ) -> None:
        """Set a path's times."""
        parent, _, relative = _resolve(self._system, number, path, size)
        wanted = times(self._system, accessed, modified, flags)
        parent.tree.set_times(relative, wanted, follow=bool(lookup & _FOLLOW))

    def path_create_directory(self, number: int, path: int, size: int) -> None:
        """Make a directory."""
        parent, _, relative = _resolve(self._system, number, path, size)
        parent.tree.create_directory(relative)

    def path_remove_directory(self, number: int, path: int, size: int) -> None:
        """Remove an empty directory."""
        parent, _, relative = _resolve(self._system, number, path, size)
        parent.tree.remove_directory(relative)

    def path_unlink_file(self, number: int, path: int, size: int) -> None:
        """Remove a file or link."""
        parent, _, relative = _resolve(self._system, number, path, size)
        parent.tree.remove_file(relative)

    def path_rename(self, number: int, old: int, old_size: int, target: int, new: int, new_size: int) -> None:
        """Move a file or directory within one preopen."""
        parent, _, relative = _resolve(self._system, number, old, old_size)
        other, _, destination = _resolve(self._system, target, new, new_size)
        if parent.tree is not other.tree:
            raise WasiError(Errno.XDEV)
        parent.tree.rename(relative, destination)

    def path_symlink(self, _target: int, _target_size: int, _number: int, _path: int, _size: int) -> None:
        """Refuse."""
        raise WasiError(Errno.NOTSUP)

    def path_link(
        self,
        _number: int,
        _lookup: int,
        _old: int,
        _old_size: int,
        _target: int,
        _new: int,
        _new_size: int,
    ) -> None:
        """Refuse."""
        raise WasiError(Errno.NOTSUP)


def _resolve(system: System, number: int, path: int, size: int) -> tuple[Descriptor, str, str]:
    """Return the directory, the path as given, and the path from its tree's root."""
    parent = system.descriptors.file(number)
    name = system.memory.read_path(path, size)
    return parent, name, parent.resolve(name)
