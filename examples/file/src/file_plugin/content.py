"""What is in a file, read piece by piece, so that its size does not matter."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from attrs import frozen

from file_plugin.facts import FileError
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
        ConfigError: a directory has no content.
        FileError: it cannot be read.
    """
    algorithm = request.algorithm or ("sha256" if request.checksum else "")
    if is_dir and algorithm:
        raise ConfigError("algorithm", "cannot calculate checksum of a directory")
    if is_dir and request.contains:
        raise ConfigError("contains", "cannot read content of a directory")
    if not readable and (algorithm or request.contains):
        raise FileError(f"read failed: {request.path} is not readable")
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
            _opened(path).close()
        else:
            return False  # a pipe or a device has no content that is the same twice
    except OSError:
        return False
    return True


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
    try:
        with _opened(path) as file:
            while piece := file.read(_PIECE):
                yield piece
            if piece is None:
                raise FileError(f"read failed: {path} has no content until something happens")
    except OSError as error:  # it is gone, or another's meanwhile, or the disk fails
        raise FileError(f"read failed: {path}: {error.strerror}") from error


def _opened(path: str) -> FileIO:
    """Open a file without waiting for whoever writes to it, as a pipe that took its place would."""

    def at_once(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))

    return FileIO(path, opener=at_once)
