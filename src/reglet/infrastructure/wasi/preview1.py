"""`wasi_snapshot_preview1` as a table of functions, for whatever engine runs the guest."""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from reglet.infrastructure.wasi.memory import FILE_NAME_ERRORS, Errno, FileType, WasiError, from_os_error
from reglet.infrastructure.wasi.system import (
    Descriptor,
    Stream,
    WriteQuota,
)
from reglet.infrastructure.wasi.tree import (
    ENTRIES_AT_ONCE,
    FileStatus,
    OpenFlags,
    Times,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reglet.infrastructure.wasi.system import System

WasiFunction = Callable[..., "int | None"]
"""Takes and answers integers, as the guest's import declares them; `proc_exit` answers nothing."""

_REALTIME, _MONOTONIC = 0, 1
_SUBSCRIPTION_SIZE = 48
_CLOCK_SUBSCRIPTION = struct.Struct("<QBxxxxxxxIxxxxQQHxxxxxx")
"""userdata, tag, clock id, timeout, precision, flags."""
_EVENT = struct.Struct("<QHBxxxxxxxxxxxxxxxxxxxxx")
"""userdata, error, type; the rest is for sockets."""
_CLOCK_TAG = 0
_ABSOLUTE = 1
_MOST_SUBSCRIPTIONS = 1024
_LARGEST_RANDOM = 1 << 20

_STATUS = struct.Struct("<QQBB6xQQQQQ")
_DESCRIPTOR_STATUS = struct.Struct("<BxHxxxxQQ")
_DIRECTORY_ENTRY = struct.Struct("<QQIB3x")
_PREOPEN = struct.Struct("<II")

_RIGHT_READ = 1 << 1
_RIGHT_WRITE = 1 << 6
_ALL_RIGHTS = (1 << 29) - 1

_FOLLOW = 1  # lookupflags
_CREATE, _DIRECTORY, _EXCLUSIVE, _TRUNCATE = 1, 2, 4, 8  # oflags
_APPEND = 1  # fdflags
_SET, _CURRENT, _END = 0, 1, 2  # whence
_SET_ACCESSED, _ACCESSED_NOW, _SET_MODIFIED, _MODIFIED_NOW = 1, 2, 4, 8  # fstflags

_U64 = (1 << 64) - 1
_LAST_OFFSET = (1 << 63) - 1
_LARGEST_TRANSFER = 1 << 20
"""Bytes that one read or write moves at most, so that a guest cannot make us hold more."""


class Preview1:
    """The functions of preview 1 over one guest's system, each under its name.

    Addresses, sizes and flags are the guest's, and none of them is to be believed. A call that fails raises
    WasiError, OSError or what Python raises for numbers and names that somebody made up.
    """

    def __init__(self, system: System) -> None:
        self._system = system

    def args_sizes_get(self, count: int, size: int) -> None:
        """Report how many arguments there are and how many bytes they take."""
        self._put_sizes(self._system.arguments, count, size)

    def args_get(self, pointers: int, strings: int) -> None:
        """Write the arguments."""
        self._put_strings(self._system.arguments, pointers, strings)

    def environ_sizes_get(self, count: int, size: int) -> None:
        """Report how many variables there are and how many bytes they take."""
        self._put_sizes(self._system.environment, count, size)

    def environ_get(self, pointers: int, strings: int) -> None:
        """Write the variables."""
        self._put_strings(self._system.environment, pointers, strings)

    def _put_sizes(self, values: Sequence[bytes], count: int, size: int) -> None:
        self._system.memory.write_u32(count, len(values))
        self._system.memory.write_u32(size, sum(len(value) + 1 for value in values))

    def _put_strings(self, values: Sequence[bytes], pointers: int, strings: int) -> None:
        memory = self._system.memory
        for position, value in enumerate(values):
            memory.write_u32(pointers + 4 * position, strings & 0xFFFF_FFFF)
            memory.write(strings, value + b"\0")
            strings += len(value) + 1

    def clock_time_get(self, clock: int, _precision: int, result: int) -> None:
        """Read a clock."""
        self._system.memory.write_u64(result, self._now(clock))

    def clock_res_get(self, clock: int, result: int) -> None:
        """Report a clock's smallest step."""
        if clock not in (_REALTIME, _MONOTONIC):
            raise WasiError(Errno.INVAL)
        self._system.memory.write_u64(result, self._system.clock.resolution())

    def sched_yield(self) -> None:
        """Do nothing: there is one thread."""

    def poll_oneoff(self, subscriptions: int, events: int, count: int, happened: int) -> None:
        """Wait for the first of some events. Files are always ready; so only clocks alone make a wait."""
        if not 0 < count <= _MOST_SUBSCRIPTIONS:
            raise WasiError(Errno.INVAL)
        memory = self._system.memory
        content = memory.read(subscriptions, count * _SUBSCRIPTION_SIZE)
        asked = [*_CLOCK_SUBSCRIPTION.iter_unpack(content)]
        ready = [(userdata, tag) for userdata, tag, *_ in asked if tag != _CLOCK_TAG]
        if not ready:
            waits = [
                (max(0, timeout - self._now(clock)) if flags & _ABSOLUTE else timeout, userdata)
                for userdata, _, clock, timeout, _, flags in asked
            ]
            shortest = min(duration for duration, _ in waits)
            self._system.clock.sleep(shortest)
            ready = [(userdata, _CLOCK_TAG) for duration, userdata in waits if duration == shortest]
        for position, (userdata, tag) in enumerate(ready):
            memory.write(events + position * _EVENT.size, _EVENT.pack(userdata, 0, tag))
        memory.write_u32(happened, len(ready))

    def _now(self, clock: int) -> int:
        if clock == _REALTIME:
            return self._system.clock.now()
        if clock == _MONOTONIC:
            return self._system.clock.monotonic()
        raise WasiError(Errno.INVAL)

    def random_get(self, address: int, size: int) -> None:
        """Write random bytes."""
        wanted = size & 0xFFFF_FFFF
        for start in range(0, wanted, _LARGEST_RANDOM):
            self._system.checkpoint()
            part = self._system.random(min(_LARGEST_RANDOM, wanted - start))
            self._system.memory.write(address + start, part)

    def proc_exit(self, status: int) -> None:
        """Note the exit; a guest that goes on after it traps."""
        self._system.exit_status = status

    def fd_read(self, fd: int, vectors: int, count: int, result: int) -> None:
        """Read at the descriptor's position; streams are at their end."""
        opened = self._system.descriptors.get(fd)
        if isinstance(opened, Stream):
            self._system.memory.write_u32(result, 0)
            return
        opened.position += self._read(opened, opened.position, vectors, count, result)

    def fd_pread(self, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Read at an offset."""
        self._read(self._system.descriptors.file(fd), offset, vectors, count, result)

    def fd_write(self, fd: int, vectors: int, count: int, result: int) -> None:
        """Write at the descriptor's position, at the file's end, or to a stream."""
        opened = self._system.descriptors.get(fd)
        if isinstance(opened, Descriptor):
            offset = None if opened.flags.append else opened.position
            done = self._write(opened, offset, vectors, count, result)
            opened.position = opened.file.status().size if offset is None else offset + done
            return
        if opened.sink is None:
            raise WasiError(Errno.BADF)
        content = self._gather(vectors, count)
        try:
            opened.sink(content)
        except OSError:
            raise
        except Exception as error:
            self._system.failure = error
            raise WasiError(Errno.IO) from error
        self._system.memory.write_u32(result, len(content))

    def fd_pwrite(self, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Write at an offset."""
        self._write(self._system.descriptors.file(fd), offset, vectors, count, result)

    def fd_seek(self, fd: int, offset: int, whence: int, result: int) -> None:
        """Move the descriptor's position."""
        opened = self._system.descriptors.file(fd)
        if whence not in (_SET, _CURRENT, _END):
            raise WasiError(Errno.INVAL)
        start = {_SET: 0, _CURRENT: opened.position}.get(whence)
        position = (opened.file.status().size if start is None else start) + offset
        if not 0 <= position <= _LAST_OFFSET:
            raise WasiError(Errno.INVAL)
        opened.position = position
        self._system.memory.write_u64(result, position)

    def fd_tell(self, fd: int, result: int) -> None:
        """Report the descriptor's position."""
        self._system.memory.write_u64(result, self._system.descriptors.file(fd).position)

    def _read(self, opened: Descriptor, offset: int, vectors: int, count: int, result: int) -> int:
        if opened.type is FileType.DIRECTORY:
            raise WasiError(Errno.ISDIR)
        if offset < 0:
            raise WasiError(Errno.INVAL)
        memory = self._system.memory
        done = 0
        for address, size in memory.read_vectors(vectors, count):
            self._system.checkpoint()
            wanted = min(size, _LARGEST_TRANSFER - done)
            content = opened.file.read(offset + done, wanted)
            memory.write(address, content)
            done += len(content)
            if len(content) < size:
                break
        memory.write_u32(result, done)
        return done

    def _write(self, opened: Descriptor, offset: int | None, vectors: int, count: int, result: int) -> int:
        if opened.type is FileType.DIRECTORY:
            raise WasiError(Errno.ISDIR)
        if offset is not None and offset < 0:
            raise WasiError(Errno.INVAL)
        content = self._gather(vectors, count)
        size = opened.file.status().size
        end = (size if offset is None else offset) + len(content)
        self._system.quota.take(max(len(content), end - size))
        done = opened.file.write(offset, content)
        self._system.memory.write_u32(result, done)
        return done

    def _gather(self, vectors: int, count: int) -> bytes:
        content = bytearray()
        for address, size in self._system.memory.read_vectors(vectors, count):
            content += self._system.memory.read(address, min(size, _LARGEST_TRANSFER - len(content)))
        return bytes(content)

    def fd_close(self, fd: int) -> None:
        """Close a descriptor."""
        self._system.descriptors.close(fd)

    def fd_renumber(self, fd: int, target: int) -> None:
        """Refuse: nothing of ours moves descriptors."""
        self._system.descriptors.get(fd)
        self._system.descriptors.get(target)
        raise WasiError(Errno.NOTSUP)

    def fd_fdstat_get(self, fd: int, result: int) -> None:
        """Report a descriptor's type, flags and rights."""
        opened = self._system.descriptors.get(fd)
        if isinstance(opened, Stream):
            rights = _RIGHT_READ if opened.sink is None else _RIGHT_WRITE
            status = _DESCRIPTOR_STATUS.pack(FileType.CHARACTER_DEVICE, 0, rights, 0)
        else:
            rights = _ALL_RIGHTS & ~(_RIGHT_READ | _RIGHT_WRITE)
            if opened.flags.read:
                rights |= _RIGHT_READ
            if opened.flags.write or opened.flags.append:
                rights |= _RIGHT_WRITE
            flags = _APPEND if opened.flags.append else 0
            status = _DESCRIPTOR_STATUS.pack(opened.type, flags, rights, _ALL_RIGHTS)
        self._system.memory.write(result, status)

    def fd_fdstat_set_flags(self, fd: int, _flags: int) -> None:
        """Refuse: flags are fixed when a file is opened."""
        self._system.descriptors.get(fd)
        raise WasiError(Errno.NOTSUP)

    def fd_filestat_get(self, fd: int, result: int) -> None:
        """Report the status of the file that is open."""
        opened = self._system.descriptors.get(fd)
        if isinstance(opened, Stream):
            status = FileStatus(FileType.CHARACTER_DEVICE, inode=0)
        else:
            status = opened.file.status()
        self._system.memory.write(result, _packed_status(status))

    def fd_filestat_set_size(self, fd: int, size: int) -> None:
        """Cut or lengthen the file that is open."""
        file = self._system.descriptors.file(fd).file
        if size < 0:
            raise WasiError(Errno.INVAL)
        self._system.quota.take(max(size - file.status().size, 0))
        file.set_size(size)

    def fd_filestat_set_times(self, fd: int, accessed: int, modified: int, flags: int) -> None:
        """Set the times of the file that is open."""
        opened = self._system.descriptors.file(fd)
        opened.file.set_times(self._times(accessed, modified, flags))

    def fd_advise(self, fd: int, _offset: int, _length: int, _advice: int) -> None:
        """Take note of nothing: advice changes no meaning."""
        self._system.descriptors.file(fd)

    def fd_sync(self, fd: int) -> None:
        """Bring what was written to the disk."""
        self._system.descriptors.file(fd).file.sync()

    def fd_datasync(self, fd: int) -> None:
        """Bring what was written to the disk."""
        self.fd_sync(fd)

    def fd_prestat_get(self, fd: int, result: int) -> None:
        """Report the length of a preopen's name; BADF for others ends the guest's search."""
        self._system.memory.write(result, _PREOPEN.pack(0, len(self._preopen(fd))))

    def fd_prestat_dir_name(self, fd: int, address: int, size: int) -> None:
        """Write a preopen's name."""
        name = self._preopen(fd)
        if size & 0xFFFF_FFFF < len(name):
            raise WasiError(Errno.NAMETOOLONG)
        self._system.memory.write(address, name)

    def fd_readdir(self, fd: int, address: int, size: int, cookie: int, result: int) -> None:
        """Write entries from `cookie` on; the last may be cut, so that the guest asks again."""
        opened = self._system.descriptors.file(fd)
        if opened.type is not FileType.DIRECTORY:
            raise WasiError(Errno.NOTDIR)
        if opened.listing is None or cookie == 0:
            opened.listing = opened.file.entries(self._system.checkpoint)
            self._system.descriptors.forget_listings_but(opened)
        content = bytearray()
        room = min(size & 0xFFFF_FFFF, _LARGEST_TRANSFER)
        for position in range(max(cookie, 0), len(opened.listing)):
            if len(content) >= room:
                break
            if position % ENTRIES_AT_ONCE == 0:
                self._system.checkpoint()
            entry = opened.listing[position]
            name = entry.name.encode(errors=FILE_NAME_ERRORS)
            content += _DIRECTORY_ENTRY.pack(position + 1, entry.inode, len(name), entry.type) + name
        self._system.memory.write(address, bytes(content[:room]))
        self._system.memory.write_u32(result, min(len(content), room))

    def _preopen(self, fd: int) -> bytes:
        opened = self._system.descriptors.get(fd)
        if isinstance(opened, Stream) or not opened.preopened:
            raise WasiError(Errno.BADF)
        return opened.guest_path.encode(errors=FILE_NAME_ERRORS)

    def path_open(
        self,
        fd: int,
        lookup: int,
        path: int,
        size: int,
        oflags: int,
        rights: int,
        _inheriting: int,
        fdflags: int,
        result: int,
    ) -> None:
        """Open a file or directory."""
        parent, name, relative = self._resolve(fd, path, size)
        wanted = OpenFlags(
            read=bool(rights & _RIGHT_READ) or not rights & _RIGHT_WRITE,
            write=bool(rights & _RIGHT_WRITE),
            append=bool(fdflags & _APPEND),
            create=bool(oflags & _CREATE),
            exclusive=bool(oflags & _EXCLUSIVE),
            truncate=bool(oflags & _TRUNCATE),
            directory=bool(oflags & _DIRECTORY),
            follow=bool(lookup & _FOLLOW),
        )
        if wanted.changes:
            self._system.quota.take(WriteQuota.ENTRY)
        file = parent.tree.open(relative, wanted)
        guest_path = posixpath.normpath(posixpath.join(parent.guest_path, name))
        opened = Descriptor(parent.tree, relative, file, file.status().type, wanted, guest_path)
        self._system.memory.write_u32(result, self._system.descriptors.add(opened))

    def path_filestat_get(self, fd: int, lookup: int, path: int, size: int, result: int) -> None:
        """Report a path's status."""
        parent, _, relative = self._resolve(fd, path, size)
        status = parent.tree.status(relative, follow=bool(lookup & _FOLLOW))
        self._system.memory.write(result, _packed_status(status))

    def path_readlink(self, fd: int, path: int, size: int, address: int, room: int, result: int) -> None:
        """Write what a symbolic link points to, cut to the room there is."""
        parent, _, relative = self._resolve(fd, path, size)
        content = parent.tree.read_link(relative).encode(errors=FILE_NAME_ERRORS)[: room & 0xFFFF_FFFF]
        self._system.memory.write(address, content)
        self._system.memory.write_u32(result, len(content))

    def path_filestat_set_times(
        self,
        fd: int,
        lookup: int,
        path: int,
        size: int,
        accessed: int,
        modified: int,
        flags: int,
    ) -> None:
        """Set a path's times."""
        parent, _, relative = self._resolve(fd, path, size)
        wanted = self._times(accessed, modified, flags)
        parent.tree.set_times(relative, wanted, follow=bool(lookup & _FOLLOW))

    def path_create_directory(self, fd: int, path: int, size: int) -> None:
        """Make a directory."""
        parent, _, relative = self._resolve(fd, path, size)
        self._system.quota.take(WriteQuota.ENTRY)
        parent.tree.create_directory(relative)

    def path_remove_directory(self, fd: int, path: int, size: int) -> None:
        """Remove an empty directory."""
        parent, _, relative = self._resolve(fd, path, size)
        parent.tree.remove_directory(relative)

    def path_unlink_file(self, fd: int, path: int, size: int) -> None:
        """Remove a file or link."""
        parent, _, relative = self._resolve(fd, path, size)
        parent.tree.remove_file(relative)

    def path_rename(self, fd: int, old: int, old_size: int, target: int, new: int, new_size: int) -> None:
        """Move a file or directory within one preopen."""
        parent, _, relative = self._resolve(fd, old, old_size)
        other, _, destination = self._resolve(target, new, new_size)
        if parent.tree is not other.tree:
            raise WasiError(Errno.XDEV)
        parent.tree.rename(relative, destination)

    def path_symlink(self, _target: int, _target_size: int, _fd: int, _path: int, _size: int) -> None:
        """Refuse."""
        raise WasiError(Errno.NOTSUP)

    def path_link(
        self,
        _fd: int,
        _lookup: int,
        _old: int,
        _old_size: int,
        _target: int,
        _new: int,
        _new_size: int,
    ) -> None:
        """Refuse."""
        raise WasiError(Errno.NOTSUP)

    def _resolve(self, fd: int, path: int, size: int) -> tuple[Descriptor, str, str]:
        """Return the directory, the path as given, and the path from its tree's root."""
        parent = self._system.descriptors.file(fd)
        name = self._system.memory.read_path(path, size)
        return parent, name, parent.resolve(name)

    def _times(self, accessed: int, modified: int, flags: int) -> Times:
        """Return the times that a `*_set_times` call asks for."""
        now = self._system.clock.now() if flags & (_ACCESSED_NOW | _MODIFIED_NOW) else 0
        return Times(
            accessed=now if flags & _ACCESSED_NOW else accessed if flags & _SET_ACCESSED else None,
            modified=now if flags & _MODIFIED_NOW else modified if flags & _SET_MODIFIED else None,
        )


def _packed_status(status: FileStatus) -> bytes:
    """Return a file's status as preview 1 lays it out; a time before 1970 in two's complement, as Go does.

    Of an unknown type is a pipe alone: the byte behind the type, which is unused, says that it is one.
    """
    is_pipe = status.type is FileType.UNKNOWN
    times = (each & _U64 for each in (status.accessed, status.modified, status.changed))
    return _STATUS.pack(
        status.device & _U64, status.inode & _U64, status.type, is_pipe, status.links, status.size, *times
    )


FUNCTION_NAMES = tuple(name for name in vars(Preview1) if not name.startswith("_"))
"""The functions of preview 1 that are known here."""


def function(name: str, system: System) -> WasiFunction:
    """Return a function of preview 1 over a system; one that is not known answers NOSYS.

    It answers an error number and never raises: a failure of ours is kept in `system.failure` and answered
    as an I/O error. `proc_exit` returns too: the guest traps when it goes on.
    """
    if name not in FUNCTION_NAMES:
        return unknown
    method: Callable[..., None] = getattr(Preview1(system), name)
    if name == "proc_exit":  # the only one whose import declares no result
        return method

    def call(*arguments: int) -> int:
        number = Errno.SUCCESS
        try:
            method(*arguments)
        except WasiError as error:
            number = error.number
        except OSError as error:
            number = from_os_error(error)
        except UnicodeError:
            number = Errno.ILSEQ
        except MemoryError:
            number = Errno.NOMEM
        except (OverflowError, struct.error):
            number = Errno.OVERFLOW
        except BaseException as error:  # noqa: BLE001  # the engine would lose it, or give it to another guest
            system.failure = error
            number = Errno.IO
        return number

    return call


def unknown(*_arguments: int) -> int:
    """Stand in for a function that is not known here."""
    return Errno.NOSYS
