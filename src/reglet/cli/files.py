"""Files written whole: beside their place, then renamed there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reglet.cli.errors import UsageError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was.

    Raises:
        UsageError: the place cannot be written to.
    """
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink()
        raise
