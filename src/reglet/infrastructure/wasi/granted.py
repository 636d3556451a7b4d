"""A tree of the files of this machine that were granted, and of nothing else.

Paths are the machine's own, below one root. A directory that only leads to something granted is there,
but cannot be listed. What is not granted is refused as NOTCAPABLE, never as absent:
a check that a file does not exist must not pass for want of a grant.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from reglet.domain.errors import UnsupportedOptionError
from reglet.infrastructure.wasi.errno import Errno, WasiError
from reglet.infrastructure.wasi.granted_paths import GrantedPaths
from reglet.infrastructure.wasi.observed import FileObserver, ObservedTree
from reglet.infrastructure.wasi.real_files import RealDirectory, RealFile, file_status, set_times
from reglet.infrastructure.wasi.tree import FileStatus, FileType, OpenFile, OpenFlags, Times, Tree
from reglet.infrastructure.wasi.walk import Place, flags_of_system, located

if TYPE_CHECKING:
    from reglet.domain.policy import Policy

_ALWAYS = flags_of_system("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY")
"""No link in the last place, and no waiting for the other end of a pipe."""


def granted_preopens(
    policy: Policy, directory: str, observe: FileObserver | None = None
) -> Callable[[], Sequence[tuple[str, Tree]]]:
    """Return the directories of a guest: `directory` and the root, with the granted files; none without any.

    Relative patterns start in `directory`, as for the policy, and so do a guest's relative paths, as guests
    take the first of their directories for the working directory. `observe` is told the paths asked for.

    Raises:
        UnsupportedOptionError: files are granted and this platform cannot open them safely.
    """
    fs = policy.grants.fs
    if fs is None or not fs.rules:
        return tuple
    if os.open not in os.supports_dir_fd:
        raise UnsupportedOptionError("fs", fs.rules, "grants of files need a POSIX system (openat)")
    paths = GrantedPaths.of(policy, directory)

    def below(start: str) -> tuple[str, Tree]:
        tree = GrantedTree(paths, start)
        return start, tree if observe is None else ObservedTree(tree, observe, start)

    preopens = [below("/")]
    if directory != "/" and GrantedTree(paths, directory).is_there():
        preopens.insert(0, below(directory))
    return lambda: preopens


class GrantedTree:
    """Implements `Tree` over the real file system. It holds no state: guests may share it."""

    def __init__(self, paths: GrantedPaths, start: str = "/") -> None:
        """Show what `paths` knows; what is asked for is relative to `start`, an absolute path."""
        self._paths = paths
        self._start = start

    def is_there(self) -> bool:
        """Whether there is a directory in which it starts, and a guest may know it."""
        try:
            return self.status("", follow=True).type is FileType.DIRECTORY
        except (WasiError, OSError):
            return False

    def open(self, path: str, flags: OpenFlags) -> OpenFile:
        """Open a file or directory; only regular files and directories are."""
        with self._located(path, follow=flags.follow) as place:
            found = self._lstat(place)
            if found is not None and stat.S_ISDIR(found.st_mode):
                # The path is empty where the host itself opens the directory that it gives to a guest.
                if path and not self._paths.may_list(place.path):
                    raise WasiError(Errno.NOTCAPABLE)
                return self._open_directory(place, found, flags)
            if flags.directory and found is not None:
                raise WasiError(Errno.NOTDIR)
            return self._open_file(place, found, flags)

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return the status of a path."""
        with self._located(path, follow=follow) as place:
            found = self._lstat(place)
            if found is None:
                raise WasiError(Errno.NOENT)
            return self._status(place, found)

    def read_link(self, path: str) -> str:
        """Return where a link points to."""
        with self._located(path, follow=False) as place:
            if not self._paths.is_granted(place.path):
                raise WasiError(Errno.NOTCAPABLE)
            return os.readlink(place.name, dir_fd=place.parent)

    def set_times(self, path: str, times: Times, *, follow: bool) -> None:
        """Set the times of a file."""
        with self._located(path, follow=follow) as place:
            self._require_write(place.path)
            present = os.stat(place.name, dir_fd=place.parent, follow_symlinks=False)
            set_times(place.name, times, present, place.parent)

    def create_directory(self, path: str) -> None:
        """Make a directory."""
        with self._located(path, follow=False) as place:
            if self._lstat(place) is not None:
                raise WasiError(Errno.EXIST)
            self._require_write(place.path)
            os.mkdir(place.name, dir_fd=place.parent)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        with self._located(path, follow=False) as place:
            self._require_write(place.path)
            os.rmdir(place.name, dir_fd=place.parent)

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        with self._located(path, follow=False) as place:
            self._require_write(place.path)
            os.unlink(place.name, dir_fd=place.parent)

    def rename(self, old: str, new: str) -> None:
        """Move a file or link. Directories stay: what is in them would get other grants."""
        with self._located(old, follow=False) as source, self._located(new, follow=False) as target:
            self._require_write(source.path)
            self._require_write(target.path)
            if self._paths.may_read(target.path) and not self._paths.may_read(source.path):
                raise WasiError(Errno.NOTCAPABLE)
            present = os.stat(source.name, dir_fd=source.parent, follow_symlinks=False)
            if stat.S_ISDIR(present.st_mode):
                raise WasiError(Errno.NOTCAPABLE)
            os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)

    def _located(self, path: str, *, follow: bool) -> AbstractContextManager[Place]:
        return located(
            posixpath.join(self._start, path.lstrip("/")), follow=follow, may_pass=self._paths.is_known
        )

    def _lstat(self, place: Place) -> os.stat_result | None:
        """Return what stands at a place, None for nothing; refuse places that a guest may not know."""
        if not self._paths.is_known(place.path):
            raise WasiError(Errno.NOTCAPABLE)
        try:
            return os.stat(place.name, dir_fd=place.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _status(self, place: Place, found: os.stat_result) -> FileStatus:
        if self._paths.is_granted(place.path):
            return file_status(found)
        if not stat.S_ISDIR(found.st_mode):
            raise WasiError(Errno.NOTCAPABLE)
        return FileStatus(FileType.DIRECTORY, found.st_ino, device=found.st_dev)

    def _require_write(self, path: str) -> None:
        if self._paths.may_write(path):
            return
        raise WasiError(Errno.ROFS if self._paths.is_known(path) else Errno.NOTCAPABLE)

    def _open_directory(self, place: Place, found: os.stat_result, flags: OpenFlags) -> RealDirectory:
        if flags.write or flags.append or flags.truncate:
            raise WasiError(Errno.ISDIR)
        if flags.create and flags.exclusive:
            raise WasiError(Errno.EXIST)
        descriptor = os.open(place.name, os.O_RDONLY | os.O_DIRECTORY | _ALWAYS, dir_fd=place.parent)
        return RealDirectory(descriptor, self._status(place, found), self._shown_in(place.path))

    def _shown_in(self, directory: str) -> Callable[[str, FileType], bool]:
        start = directory.rstrip("/")
        shows_all = self._paths.may_read(directory)

        def shows(name: str, kind: FileType) -> bool:
            path = f"{start}/{name}"
            leads_on = kind is FileType.DIRECTORY and self._paths.leads_on(path)
            return shows_all or leads_on or self._paths.is_granted(path)

        return shows

    def _open_file(self, place: Place, found: os.stat_result | None, flags: OpenFlags) -> RealFile:
        makes = flags.create and found is None
        if found is None and not makes:
            raise WasiError(Errno.NOENT)
        if flags.read and not self._paths.may_read(place.path) and not makes:
            raise WasiError(Errno.NOTCAPABLE)
        if makes or flags.write or flags.append or flags.truncate:
            self._require_write(place.path)
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise WasiError(Errno.LOOP if stat.S_ISLNK(found.st_mode) else Errno.ACCES)
        exclusive = os.O_EXCL if makes else 0  # what is not ours to read must not appear meanwhile
        descriptor = os.open(place.name, _os_flags(flags) | exclusive, 0o666, dir_fd=place.parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise WasiError(Errno.ACCES)
        return RealFile(descriptor, writable=flags.write or flags.append)


def _os_flags(flags: OpenFlags) -> int:
    writes = flags.write or flags.append or flags.truncate
    access = os.O_RDWR if writes and flags.read else os.O_WRONLY if writes else os.O_RDONLY
    wanted = (
        (flags.create, os.O_CREAT),
        (flags.exclusive, os.O_EXCL),
        (flags.truncate, os.O_TRUNC),
    )
    return access | _ALWAYS | sum(bit for asked, bit in wanted if asked)
