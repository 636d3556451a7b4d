"""What is in a file, read piece by piece, so that its size does not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from file_plugin.models import CheckInput
from reglet.errors import ConfigError

_PIECE = 1 << 16


@frozen
class Content:
    """What was asked about a file's content; empty and None where nothing was."""

    algorithm: str = ""
    checksum: str = ""
    contains: bool | None = None


def read_content(request: CheckInput, *, is_dir: bool, readable: bool) -> Content:
    """Return what a request asks about the content.

    Raises:
        ConfigError: there is no content, or it cannot be read.
    """
    algorithm = request.algorithm or ("sha256" if request.checksum else "")
    if algorithm:
        _ensure(is_dir, readable, "algorithm", "cannot calculate checksum of a directory", "hashing failed")
    if request.contains:
        _ensure(is_dir, readable, "contains", "cannot read content of a directory", "read failed")
    return Content(
        algorithm,
        _checksum(request.path, algorithm) if algorithm else "",
        _contains(request.path, request.contains) if request.contains else None,
    )


def can_read(path: str) -> bool:
    """Whether a file or directory can be opened for reading."""
    try:
        if Path(path).is_dir():
            next(Path(path).iterdir(), None)
        elif Path(path).is_file():
            with Path(path).open("rb"):
                pass
        else:
            return False  # to open a pipe waits for whoever writes to it
    except OSError:
        return False
    return True


def _ensure(is_dir: bool, readable: bool, field: str, if_directory: str, if_unreadable: str) -> None:
    if is_dir:
        raise ConfigError(field, if_directory)
    if not readable:
        raise ConfigError(field, f"{if_unreadable}: file not readable")


def _checksum(path: str, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _contains(path: str, string: str) -> bool:
    """Whether a file has a string in it, wherever the pieces are cut."""
    wanted = string.encode("utf-8", "surrogatepass")
    seen = b""
    for piece in _pieces(path):
        seen = seen[-(len(wanted) - 1) :] + piece if len(wanted) > 1 else piece
        if wanted in seen:
            return True
    return False


def _pieces(path: str) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
