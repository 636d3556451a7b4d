"""What a file system reports of a path, and what it does not."""

from __future__ import annotations

import os
import stat
import sys
from datetime import UTC, datetime, timedelta

from attrs import frozen

from reglet.errors import ConfigError, RegletError

REPORTS_OWNERS = sys.platform not in {"wasi", "win32"}
"""Whether modes and owners mean anything here: WASI reports 0 for all of them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Facts:
    """What is at a path, links followed."""

    is_symlink: bool
    is_dir: bool
    size: int
    modified: datetime
    mode: int
    uid: int
    gid: int


class FileError(RegletError):
    """A file system refuses to report what is at a path."""

    error_type = "execution"


def look_at(path: str) -> Facts | None:
    """Return what is at a path, None if there is nothing or a link that leads nowhere.

    Raises:
        FileError: it cannot be seen; in a sandbox the SDK itself reports what was not granted.
        ConfigError: it cannot be a path.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"fs error: {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL, or what cannot be encoded
        raise ConfigError("path", f"{path!r} is no path: {error}") from error


def _read(path: str) -> Facts:
    link = os.lstat(path)
    status = os.stat(path)  # noqa: PTH116 - one kind of call for both
    return Facts(
        is_symlink=stat.S_ISLNK(link.st_mode),
        is_dir=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        modified=_timestamp(status.st_mtime_ns),
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def _timestamp(nanoseconds: int) -> datetime:
    """Return a time since 1970 or before it; `datetime.fromtimestamp` has none before it on Windows."""
    return _EPOCH + timedelta(seconds=nanoseconds // 1_000_000_000)
