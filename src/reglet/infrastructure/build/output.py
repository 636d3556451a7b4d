"""A built file, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.build.errors import OutputError


def write_output(output: Path | None, name: str, content: bytes) -> Path:
    """Write beside the place and rename; return the place.

    Args:
        output: the file to write, or a folder to write `name` into; the working directory for None.
        name: what to call it where `output` does not.
        content: what to write.

    Raises:
        OutputError: it cannot be written there.
    """
    path = Path.cwd() / name if output is None else output / name if output.is_dir() else output
    try:
        write_atomic(path, content)
    except OSError as problem:
        raise OutputError(
            f"cannot write {path}: {problem.strerror or problem}; choose another place with -o"
        ) from problem
    return path
