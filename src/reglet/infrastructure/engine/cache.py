"""Files kept between runs, named by what they were made from."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from reglet.infrastructure.atomic import PRIVATE, write_atomic

_TRAILER = b"reglet-1"
_TRAILER_SIZE = len(_TRAILER) + 4
_ROOT = 0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """Return the folder of every cache: `REGLET_CACHE_DIR`, else the platform's cache folder for `reglet`."""
    chosen = os.environ.get("REGLET_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "linux":  # platformdirs would say the same, and to import it takes as long as a check
        for variable, below in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
            folder = os.environ.get(variable, "")
            if folder.startswith("/"):
                return Path(folder, below, "reglet")
    import platformdirs

    return platformdirs.user_cache_path("reglet", appauthor=False)


@frozen(eq=False, repr=False)
class Cache:
    """One folder of entries, each written beside and renamed: any number of processes may share it.

    An entry ends in a mark and the CRC-32 of what precedes, which finds a torn or damaged file. That guards
    against accidents alone, and entries are code that will be run: so an entry, and the folder, must belong
    to this user or to root, and nobody else may write to them, nor move the folder or what it is in (POSIX).
    An entry that fails either check counts as absent. A folder that cannot be used is reported to the log,
    and nothing is kept.
    """

    folder: Path
    most_entries: int
    """The oldest entries beyond this number are dropped when one is added."""

    def read(self, key: str) -> bytes | None:
        """Return what was kept under `key`; None when absent or damaged."""
        with self._intact(key) as content:
            return None if content is None else bytes(content)

    def path(self, key: str) -> Path | None:
        """Return the file of an intact entry, for readers that map it; its last 12 bytes are the mark."""
        with self._intact(key) as content:
            return None if content is None else self.folder / key

    def write(self, key: str, content: bytes | bytearray) -> None:
        """Keep `content` under `key`, replacing what was there."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if (self.folder / key).is_fifo():
                (self.folder / key).unlink()  # to write to it would wait for a reader
            trailer = _TRAILER + zlib.crc32(content).to_bytes(4, "little")
            write_atomic(self.folder / key, content, trailer, mode=PRIVATE)
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries]
            if len(names) > self.most_entries:
                by_age = sorted((self.folder / name for name in names), key=_modified)
                for old in by_age[: len(names) - self.most_entries]:
                    with contextlib.suppress(OSError):  # another process dropped it, or has it open (Windows)
                        old.unlink()
        except OSError as error:
            _warn(
                "%s cannot be written (%s), so it is made each time: set REGLET_CACHE_DIR to another folder",
                self.folder / key,
                error.strerror,
            )

    @contextlib.contextmanager
    def _intact(self, key: str) -> Iterator[memoryview | None]:
        """Yield the content of an entry, mapped and not copied; None when absent or damaged."""
        with contextlib.ExitStack() as stack:
            content = None
            with contextlib.suppress(OSError, ValueError):  # absent; an empty file cannot be mapped
                if self._is_trusted(key):
                    file = stack.enter_context((self.folder / key).open("rb"))
                    mapped = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                    entry = stack.enter_context(memoryview(mapped))
                    payload = stack.enter_context(entry[:-_TRAILER_SIZE])
                    if entry[len(payload) :] == _TRAILER + zlib.crc32(payload).to_bytes(4, "little"):
                        content = payload
            if content is not None:
                with contextlib.suppress(OSError):  # a folder that is shared read-only
                    os.utime(self.folder / key)  # the newest in use are the last to be dropped
            yield content

    def _is_trusted(self, key: str) -> bool:
        """Whether nobody but this user and root could have written an entry; raises OSError without one."""
        if not stat.S_ISREG((self.folder / key).stat().st_mode):
            return False  # to read a pipe would wait for ever
        if sys.platform == "win32":
            return True  # its modes say nothing; its cache folder is the user's own
        folder = self.folder.absolute()
        parents = {*folder.parents, *folder.resolve().parents}
        for path in (folder / key, folder, *sorted(parents)):
            found = path.stat()
            others_write = found.st_mode & _OTHERS_WRITE
            if path in parents:
                if found.st_mode & stat.S_ISVTX:
                    others_write = 0  # as in /tmp, others neither rename nor remove what is not theirs
                elif found.st_gid == os.getegid() and sys.platform != "darwin":
                    others_write &= ~stat.S_IWGRP  # a group of the user's own; macOS has all users in one
            if found.st_uid not in (os.geteuid(), _ROOT) or others_write:
                _warn(
                    "%s is not used, for others may have written it or what it holds: "
                    "set REGLET_CACHE_DIR to another folder",
                    path,
                )
                return False
        return True


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _warn(message: str, *about: object) -> None:
    import logging

    logging.getLogger("reglet.cache").warning(message, *about)
