"""The files that commands write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was.

    Raises:
        UsageError: the place cannot be written to.
    """
    from reglet.infrastructure.atomic import write_atomic

    try:
        write_atomic(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
