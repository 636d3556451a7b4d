"""Files written whole: beside their place, then renamed there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file that only its owner reads."""

PUBLIC = 0o644
"""The mode of a file for everybody."""


def write_atomic(path: Path, *contents: bytes | bytearray, mode: int = PUBLIC) -> None:
    """Write the contents one after the other, so that the file is there whole or as it was.

    Any number of processes may write one file at once: the last to end wins. A link stays and its target is
    written; a device or a pipe is written to, for what is renamed there would take its place.

    Raises:
        OSError: it cannot be written there.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.writelines(contents)
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(contents)
        beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
