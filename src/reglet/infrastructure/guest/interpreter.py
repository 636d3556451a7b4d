"""The interpreter of a guest: what the runtime offers it, its first call, and which looks were refused."""

from __future__ import annotations

import os
import posixpath
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, cast

import _reglet  # type: ignore[import-not-found]  # built into the guest's interpreter

from reglet.application.results import RefusedLook, refused_looks
from reglet.infrastructure.guest.exports import reseed


class Interpreter(Protocol):
    """What the runtime offers to Python."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call a host function; None if the module imports none of that name."""
        ...

    def set_handler(self, handler: Callable[[str, bytes], bytes]) -> None:
        """Have every call of an export answered by `handler(entry, payload)`."""
        ...

    def environ(self) -> list[bytes]:
        """Return the host's environment, each `NAME=value`."""
        ...

    def preopens(self) -> list[bytes]:
        """Return the guest's paths of the directories that the host gives it."""
        ...

    def refusals(self) -> list[bytes] | None:
        """Return `read:PATH` or `write:PATH` of each look that was refused since the last call, or None."""
        ...

    def start_in(self, directory: bytes) -> None:
        """Set the working directory to an absolute path, which need not exist."""
        ...


interpreter = cast("Interpreter", _reglet)


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


def on_first_call(
    handler: Callable[[str, bytes], bytes], environ: Callable[[], list[bytes]]
) -> Callable[[str, bytes], bytes]:
    """Return a handler that resumes the interpreter before its first call of `handler`."""
    resumed = False

    def answer(entry: str, payload: bytes) -> bytes:
        nonlocal resumed
        if not resumed:
            resumed = True
            resume(environ())
        return handler(entry, payload)

    return answer


def resume(environ: list[bytes]) -> None:
    """Take environment, working directory, seed and start of the clock from the host that runs the plugin."""
    pairs = (os.fsdecode(each).partition("=") for each in environ)
    os.environ.clear()
    os.environ.update({name: value for name, _, value in pairs if name})
    enter_working_directory()
    reseed()


def pass_breakpoint(*_: object, **__: object) -> None:
    """Stand for the debugger, which needs a terminal, at `breakpoint()`: in the log of a host too."""
    warnings.warn(
        "breakpoint() does nothing in a built plugin: run the project in process",
        RuntimeWarning,
        stacklevel=2,
    )
