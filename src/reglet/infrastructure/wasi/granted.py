"""A tree of the files of this machine that were granted, and of nothing else.

Paths are the machine's own, below one root. A directory that only leads to something granted is there,
but cannot be listed. What is not granted is refused as NOTCAPABLE, never as absent:
a check that a file does not exist must not pass for want of a grant.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from attrs import evolve, field, frozen

from reglet.domain.errors import UnsupportedOptionError
from reglet.domain.policy import path_pattern, special_folder
from reglet.domain.policy.globs import Glob, PatternError, alternatives, is_exact
from reglet.infrastructure.wasi.memory import Errno, FileType, WasiError
from reglet.infrastructure.wasi.real_files import (
    Location,
    RealDirectory,
    RealFile,
    file_status,
    flags_of_system,
    located,
    set_times,
)
from reglet.infrastructure.wasi.tree import (
    Checkpoint,
    FileStatus,
    OpenFile,
    OpenFlags,
    Times,
    Tree,
    no_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.domain.policy import Policy


FileObserver: TypeAlias = Callable[[str, bool | None], object]
"""Takes an absolute path, as the guest spells it, and whether it wants to change what is there."""


def granted_preopens(
    policy: Policy,
    directory: str,
    observe: FileObserver | None = None,
    *,
    opens_below: bool = os.open in os.supports_dir_fd,
) -> Callable[[], Sequence[tuple[str, Tree]]]:
    """Return the directories of a guest: `directory` and the root, with the granted files; none without any.

    Relative patterns start in `directory`, as for the policy, and so do a guest's relative paths, as guests
    take the first of their directories for the working directory. `observe` takes the paths asked for;
    `opens_below` says whether this system opens a name below an open directory.

    Raises:
        UnsupportedOptionError: files are granted and this platform cannot open them safely.
    """
    fs = policy.grants.fs
    if fs is None or not fs.rules:
        return tuple
    if not opens_below:
        reason = f"grants of files need a POSIX system, and this is {sys.platform}: use WSL or a container"
        raise UnsupportedOptionError("fs", fs.rules, reason)
    paths = GrantedPaths.of(policy, directory)

    def below(start: str) -> tuple[str, Tree]:
        tree = GrantedTree(paths, start)
        return start, tree if observe is None else ObservedTree(tree, observe, start)

    preopens = [below("/")]
    if directory != "/" and GrantedTree(paths, directory).is_there():
        preopens.insert(0, below(directory))
    return lambda: preopens


_ANY_DEPTH = "**"

_KERNEL_SYSTEMS = frozenset(
    {
        "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
        "fusectl", "mqueue", "nsfs", "proc", "pstore", "securityfs", "selinuxfs", "sysfs", "tracefs",
    }
)  # fmt: skip
"""Kinds of file systems that hold no files, but the kernel's own state and that of processes and devices."""

_MOUNT_POINT = 4
"""Which field of a line of `mountinfo` it is; the kind of file system stands behind ` - `."""


@frozen
class GrantedPaths:
    """Asks the policy about canonical paths: absolute, symlinks resolved."""

    policy: Policy
    _ways: tuple[tuple[str, ...], ...] = field(repr=False)
    _kernel: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def of(cls, policy: Policy, directory: str, mounts: str | None = None) -> Self:
        """Return what a policy grants, relative patterns starting in `directory`, as for the policy.

        That this directory exists a guest may know in any case: its relative paths start there. `mounts` is
        `/proc/self/mountinfo`: where the kernel shows itself elsewhere, as the host's `/proc` in a container,
        no wildcard leads either.
        """
        if mounts is None:
            try:
                mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
            except OSError:  # other systems have no more such folders than those that the policy knows
                mounts = ""
        kernel: list[str] = []
        for line in mounts.splitlines():
            mount, _, system = line.partition(" - ")
            fields = mount.split(" ")
            if system.partition(" ")[0] in _KERNEL_SYSTEMS and len(fields) > _MOUNT_POINT:
                folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[_MOUNT_POINT])
                kernel.append(folder)
        return cls(policy, tuple(_ways(policy, directory)), tuple(kernel))

    def may_read(self, path: str) -> bool:
        """Whether the file may be read."""
        return self.policy.read(path).allowed and (not self._is_kernels(path) or self._names("read", path))

    def may_write(self, path: str) -> bool:
        """Whether the file may be written, made and removed."""
        return self.policy.write(path).allowed and (not self._is_kernels(path) or self._names("write", path))

    def _is_kernels(self, path: str) -> bool:
        return any(path == each or path.startswith(f"{each}/") for each in self._kernel)

    def _names(self, operation: str, path: str) -> bool:
        """Whether a rule names this very path."""
        fs = self.policy.grants.fs
        return fs is not None and any(path in getattr(rule, operation) for rule in fs.rules)

    def is_granted(self, path: str) -> bool:
        """Whether a rule names the path."""
        return self.may_read(path) or self.may_write(path)

    def leads_on(self, directory: str) -> bool:
        """Whether something below a directory may be granted."""
        names = _names(directory)
        return any(_leads(way, names) for way in self._ways_into(directory))

    def may_list(self, directory: str) -> bool:
        """Whether the names in a directory are granted, all of them or those that fit a wildcard.

        Of one that only leads to granted files the names are not: a list of those files would look whole.
        """
        names = _names(directory)
        return self.may_read(directory) or any(
            _leads(way, names) and (_ANY_DEPTH in way[: len(names)] or not is_exact(way[len(names)]))
            for way in self._ways_into(directory)
        )

    def _ways_into(self, directory: str) -> Iterator[tuple[str, ...]]:
        """Yield the ways through a directory: into one of special use, those without wildcards."""
        is_special = special_folder(directory) != "" or self._is_kernels(directory)
        return (way for way in self._ways if not is_special or all(map(is_exact, way)))

    def is_known(self, path: str) -> bool:
        """Whether a guest may know that the path exists."""
        # of a path of a thousand directories each is asked for, and patterns read all of it anew
        return self.leads_on(path) or self.is_granted(path)


def _ways(policy: Policy, directory: str) -> Iterator[tuple[str, ...]]:
    """Split the granted patterns into the names that lead to what they match, and the directory itself."""
    rules = () if policy.grants.fs is None else policy.grants.fs.rules
    yield (*_names(directory), ".")
    for pattern in (pattern for rule in rules for pattern in (*rule.read, *rule.write)):
        try:
            found = alternatives(path_pattern(pattern, directory))
        except PatternError:  # the policy matches nothing with it, and says so
            continue
        yield from map(_names, found)


def _names(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name)


def _leads(way: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a pattern, name by name, may match something below these names."""
    for pattern, name in zip(way, names, strict=False):
        if pattern == _ANY_DEPTH:
            return True
        if not _matches(pattern, name):
            return False
    return len(way) > len(names)


@lru_cache(maxsize=4096)
def _matches(pattern: str, name: str) -> bool:
    try:
        return Glob.parse(pattern).matches(name)
    except PatternError:
        return False


_ALWAYS = flags_of_system("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY")
"""No link as the last name, and no waiting for the other end of a pipe."""

_DIRECTORY = flags_of_system("O_DIRECTORY")


class GrantedTree:
    """Implements `Tree` over the real file system. It holds no state: guests may share it."""

    def __init__(self, paths: GrantedPaths, start: str = "/", checkpoint: Checkpoint = no_checkpoint) -> None:
        """Show what `paths` knows; what is asked for is relative to `start`, an absolute path."""
        self._paths = paths
        self._start = start
        self._checkpoint = checkpoint

    def within(self, checkpoint: Checkpoint) -> GrantedTree:
        """Return the tree for one guest."""
        return GrantedTree(self._paths, self._start, checkpoint)

    def is_there(self) -> bool:
        """Whether there is a directory in which it starts, and a guest may know it."""
        try:
            return self.status("", follow=True).type is FileType.DIRECTORY
        except (WasiError, OSError):
            return False

    def open(self, path: str, flags: OpenFlags) -> OpenFile:
        """Open a file or directory; only regular files and directories are."""
        must_make = flags.create and flags.exclusive
        with self._located(path, follow=flags.follow and not must_make, makes=flags.create) as location:
            found = self._lstat(location)
            if found is not None and must_make:
                raise WasiError(Errno.EXIST)
            if found is not None and stat.S_ISDIR(found.st_mode):
                # The path is empty where the host itself opens the directory that it gives to a guest.
                if path and not self._paths.may_list(location.path):
                    raise WasiError(Errno.NOTCAPABLE)
                if flags.changes:
                    raise WasiError(Errno.ISDIR)
                start, shows_all = location.path.rstrip("/"), self._paths.may_read(location.path)

                def shows(name: str, kind: FileType) -> bool:
                    is_shown = self._paths.is_known if kind is FileType.DIRECTORY else self._paths.is_granted
                    return shows_all or is_shown(f"{start}/{name}")

                shown = self._status(location, found)
                opened = os.open(location.name, os.O_RDONLY | _DIRECTORY | _ALWAYS, dir_fd=location.parent)
                may_change = self._paths.may_write(location.path)
                return RealDirectory(opened, shown, shows, may_change=may_change)
            if flags.directory and found is not None:
                raise WasiError(Errno.NOTDIR)
            return self._open_file(location, found, flags)

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return the status of a path."""
        with self._located(path, follow=follow) as location:
            found = self._lstat(location)
            if found is None:
                raise WasiError(Errno.NOENT)
            return self._status(location, found)

    def read_link(self, path: str) -> str:
        """Return where a link points to, also of one that only leads to something granted.

        So a guest can name the place that takes the grant.
        """
        with self._located(path, follow=False) as location:
            if not self._paths.is_known(location.path):
                raise WasiError(Errno.NOTCAPABLE)
            return os.readlink(location.name, dir_fd=location.parent)

    def set_times(self, path: str, times: Times, *, follow: bool) -> None:
        """Set the times of a file."""
        with self._located(path, follow=follow) as location:
            self._require_write(location.path)
            present = os.stat(location.name, dir_fd=location.parent, follow_symlinks=False)
            set_times(location.name, times, present, location.parent)

    def create_directory(self, path: str) -> None:
        """Make a directory."""
        with self._located(path.rstrip("/"), follow=False) as location:
            if self._lstat(location) is not None:
                raise WasiError(Errno.EXIST)
            self._require_write(location.path)
            os.mkdir(location.name, dir_fd=location.parent)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        with self._located(path.rstrip("/"), follow=False) as location:
            self._require_write(location.path)
            os.rmdir(location.name, dir_fd=location.parent)

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        with self._located(path.rstrip("/"), follow=False) as location:
            self._require_write(location.path)
            found = self._lstat(location)
            if found is not None and path.endswith("/") and not stat.S_ISDIR(found.st_mode):
                raise WasiError(Errno.NOTDIR)
            os.unlink(location.name, dir_fd=location.parent)

    def rename(self, old: str, new: str) -> None:
        """Move a file or link. Directories stay: what is in them would get other grants."""
        with (
            self._located(old.rstrip("/"), follow=False) as source,
            self._located(new.rstrip("/"), follow=False) as target,
        ):
            if "." in (source.name, target.name):
                raise WasiError(Errno.BUSY)
            self._require_write(source.path)
            self._require_write(target.path)
            if self._paths.may_read(target.path) and not self._paths.may_read(source.path):
                raise WasiError(Errno.NOTCAPABLE)
            present = os.stat(source.name, dir_fd=source.parent, follow_symlinks=False)
            if stat.S_ISDIR(present.st_mode):
                raise WasiError(Errno.NOTCAPABLE)
            if old.endswith("/") or new.endswith("/"):
                raise WasiError(Errno.NOTDIR)
            os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)

    def _located(self, path: str, *, follow: bool, makes: bool = False) -> AbstractContextManager[Location]:
        def may_pass(directory: str) -> bool:
            self._checkpoint()
            return self._paths.is_known(directory)

        # "." is what a guest calls the directory itself where its own path has no more names
        whole = self._start if path in ("", ".") else posixpath.join(self._start, path.lstrip("/"))
        return located(whole, follow=follow, may_pass=may_pass, makes=makes)

    def _lstat(self, location: Location) -> os.stat_result | None:
        """Return what stands at a location, None for nothing; refuse paths that a guest may not know."""
        if not self._paths.is_known(location.path):
            raise WasiError(Errno.NOTCAPABLE)
        try:
            return os.stat(location.name, dir_fd=location.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _status(self, location: Location, found: os.stat_result) -> FileStatus:
        if self._paths.is_granted(location.path) or stat.S_ISLNK(found.st_mode):
            return file_status(found)
        if not stat.S_ISDIR(found.st_mode):
            raise WasiError(Errno.NOTCAPABLE)
        return FileStatus(FileType.DIRECTORY, found.st_ino, device=found.st_dev)

    def _require_write(self, path: str) -> None:
        if self._paths.may_write(path):
            return
        raise WasiError(Errno.ROFS if self._paths.is_known(path) else Errno.NOTCAPABLE)

    def _open_file(self, location: Location, found: os.stat_result | None, flags: OpenFlags) -> RealFile:
        makes = flags.create and found is None
        writes = flags.write or flags.append or flags.truncate
        if found is None and not makes:
            raise WasiError(Errno.NOENT)
        if flags.read and not self._paths.may_read(location.path) and not makes:
            raise WasiError(Errno.NOTCAPABLE)
        if makes or writes:
            self._require_write(location.path)
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise WasiError(Errno.LOOP if stat.S_ISLNK(found.st_mode) else Errno.ACCES)
        wanted = os.O_RDWR if writes and flags.read else os.O_WRONLY if writes else os.O_RDONLY
        wanted |= os.O_CREAT if flags.create else 0
        wanted |= os.O_TRUNC if flags.truncate else 0
        # what is not ours to read must not appear meanwhile
        wanted |= os.O_EXCL if makes or flags.exclusive else 0
        descriptor = os.open(location.name, wanted | _ALWAYS, 0o666, dir_fd=location.parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise WasiError(Errno.ACCES)
        return RealFile(descriptor, may_change=self._paths.may_write(location.path))


@frozen
class ObservedTree:
    """Implements `Tree` over a tree of what is below `start`. It reports a path before it asks for it."""

    tree: Tree
    observe: FileObserver
    start: str = "/"

    def within(self, checkpoint: Checkpoint) -> Self:
        """Return the tree for one guest."""
        return evolve(self, tree=self.tree.within(checkpoint))

    def open(self, path: str, flags: OpenFlags) -> OpenFile:
        """Open a file or directory."""
        self._report(path, changes=flags.changes)
        return self.tree.open(path, flags)

    def status(self, path: str, *, follow: bool) -> FileStatus:
        """Return the status of a path."""
        self._report(path, changes=None)
        return self.tree.status(path, follow=follow)

    def read_link(self, path: str) -> str:
        """Return where a link points to."""
        self._report(path, changes=None)
        return self.tree.read_link(path)

    def set_times(self, path: str, times: Times, *, follow: bool) -> None:
        """Set the times of a path."""
        self._report(path, changes=True)
        self.tree.set_times(path, times, follow=follow)

    def create_directory(self, path: str) -> None:
        """Make a directory."""
        self._report(path, changes=True)
        self.tree.create_directory(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        self._report(path, changes=True)
        self.tree.remove_directory(path)

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        self._report(path, changes=True)
        self.tree.remove_file(path)

    def rename(self, old: str, new: str) -> None:
        """Move within this tree."""
        self._report(old, changes=True)
        self._report(new, changes=True)
        self.tree.rename(old, new)

    def _report(self, path: str, *, changes: bool | None) -> None:
        if path:  # else the host itself opens the directory that it gives to a guest
            self.observe(posixpath.normpath(posixpath.join(self.start, path)), changes)
