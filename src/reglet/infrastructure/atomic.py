"""Files written whole, beside their place and then renamed there; and read whole, but not without end."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

PRIVATE = 0o600
"""The mode of a file that only its owner reads."""

PUBLIC = 0o644
"""The mode of a file for everybody, apart from what the umask takes away."""

MIB = 1024 * 1024

MOST_BYTES = 128 * MIB
"""More than any file has that a user names: a plugin, a config, a recording."""

_SUFFIX = ".part"
_PATIENCE, _PAUSE = 2.0, 0.02
"""Seconds in which a rename is tried again, and between two tries, where an open file stands in its way."""
_LEAST_AGE = 1.0 if sys.platform == "win32" else 0.1
"""Seconds after which a file that is not locked was left behind, and is not about to be locked or renamed."""
_TRIES = 5
"""Files that are begun, where one that took long to be locked was swept, or none can be locked at all."""


def read_bounded(stream: BinaryIO) -> bytes:
    """Return what is in a file or a pipe.

    Raises:
        OSError: it cannot be read, or has more than `MOST_BYTES`, as a device without an end has.
    """
    expected = os.fstat(stream.fileno()).st_size + 1  # to make room for all that is allowed takes long
    content = stream.read(min(expected, MOST_BYTES + 1))
    if len(content) == expected:  # a pipe, or what grows
        content += stream.read(MOST_BYTES + 1 - expected)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MOST_BYTES >> 20} MB")
    return content


def write_atomic(path: Path, *contents: bytes | bytearray, mode: int = PUBLIC) -> None:
    """Write the contents one after the other, so that the file is there whole or as it was.

    Any number of processes may write one file at once: the last to end wins. What a killed process left in
    the folder is removed. A link stays and its target is written; a device or a pipe is written to, for what
    is renamed there would take its place.

    Raises:
        OSError: it cannot be written there.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.writelines(contents)
        return
    path = path.resolve()
    _sweep(path.parent)
    beside, descriptor = _create_beside(path, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(contents)
            file.flush()
            if sys.platform != "win32":  # where an open file cannot be renamed
                beside.replace(path)
        if sys.platform == "win32":
            _replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _create_beside(path: Path, mode: int) -> tuple[Path, int]:
    """Return a new file and its descriptor, locked: between the two, another process may sweep it."""
    for tries_left in reversed(range(_TRIES)):
        beside = path.parent / f".{os.urandom(8).hex()}{_SUFFIX}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        is_locked = _try_lock(descriptor)
        if (is_locked or not tries_left) and (sys.platform == "win32" or os.fstat(descriptor).st_nlink):
            return beside, descriptor
        os.close(descriptor)
        beside.unlink(missing_ok=True)
    raise OSError(errno.EAGAIN, "what is begun in this folder is removed by somebody", str(path.parent))


def _replace(beside: Path, path: Path, patience: float = _PATIENCE) -> None:
    """Rename over a file that somebody may have open for a moment: a reader, or what looks for viruses."""
    deadline = time.monotonic() + patience
    while True:
        try:
            beside.replace(path)
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _sweep(folder: Path) -> None:
    """Remove what killed processes left: a file that is being written is locked (on Windows: open)."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        found += folder.glob(f".????????????????{_SUFFIX}")
    for left in found:
        with contextlib.suppress(OSError):
            if not left.is_file() or time.time() - left.stat().st_mtime < _LEAST_AGE:
                continue
            if sys.platform == "win32":
                left.unlink()
                continue
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if _try_lock(descriptor):
                    left.unlink()
            finally:
                os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Report whether the file was free; it is not where files cannot be locked, as on some networks."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
