"""A guest's files: where relative paths start, and which looks its host refused."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from reglet.application.results import RefusedLook, refused_looks
from reglet.infrastructure.guest.interpreter import interpreter

_UNKNOWN = "/./."
"""The working directory of a guest that is told none: a path below it was relative."""


def enter_working_directory() -> None:
    """Start relative paths where Go does: in `PWD`, else in the first of the host's directories."""
    preopens = interpreter.preopens()
    start = os.environ.get("PWD") or (os.fsdecode(preopens[0]) if preopens else "")
    interpreter.start_in(os.fsencode(posixpath.normpath(f"/{start}") if start else _UNKNOWN))


def report_refused_looks() -> None:
    """Have the looks that the host refuses count in a Result."""
    refused_looks.take = take_refused_looks


def take_refused_looks() -> Sequence[RefusedLook]:
    """Return the refused looks since the last call, apart from those of libraries for data of their own."""
    found = interpreter.refusals()
    if found is None:
        return ()
    own = tuple(_paths_of_libraries())
    looks: list[RefusedLook] = []
    for each in found:
        operation, _, name = os.fsdecode(each).partition(":")
        path = _plain(name)
        if not path.startswith(own) and not _is_of_no_file(path):
            looks.append(RefusedLook(cast('Literal["read", "write"]', operation), path))
    return looks


def _plain(path: str) -> str:
    if path.startswith(_UNKNOWN):
        return posixpath.normpath(path.removeprefix(_UNKNOWN).lstrip("/"))
    return posixpath.normpath(path)


def _is_of_no_file(path: str) -> bool:
    """Whether it is what Python calls code that has no file, whose source a traceback looks for."""
    name = posixpath.basename(path)
    return name.startswith("<") and name.endswith(">")


def _paths_of_libraries() -> Iterator[str]:
    """Yield where modules of the standard library look for data that they can do without."""
    zones = sys.modules.get("zoneinfo")
    if zones is not None:
        yield from (f"{folder}/" for folder in zones.TZPATH)
    types = sys.modules.get("mimetypes")
    if types is not None:
        yield from types.knownfiles
