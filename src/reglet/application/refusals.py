"""Looks at files that no grant covers: what is said after one is no verdict, unless its author says so."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from attrs import evolve

from reglet.domain.entities.result import Result, result_error
from reglet.domain.errors import CapabilityError


class RefusedLook(NamedTuple):
    """A path that was asked for, and which grant it would have taken."""

    operation: Literal["read", "write"]
    path: str


class RefusedLooks:
    """Collects the refused looks of the check under way. In process there are none to take."""

    def __init__(self) -> None:
        self.take: Callable[[], Sequence[RefusedLook]] = tuple
        """Returns those since it was last called; a guest puts its own here."""
        self._kept: list[RefusedLook] = []

    def begin(self) -> None:
        """Forget all: a check begins."""
        self._kept.clear()
        self.take()

    def keep(self) -> None:
        """Keep those so far, so that `take` returns only later ones."""
        self._kept += self.take()

    def judged(self, result: Result) -> Result:
        """Return a Result as it is, or an error in its place if a look was refused before it."""
        self.keep()
        if not self._kept:
            return result
        detail = _denial(self._kept).detail()
        earlier = result.error
        if earlier is None:
            return result_error(detail)
        follows = earlier.type == "panic" or earlier.code.startswith("fs:")
        return result_error(evolve(detail, stack=earlier.stack, wrapped=None if follows else earlier))


refused_looks = RefusedLooks()
"""Those of this module; a module answers one check at a time."""


@contextmanager
def refusals_are_answers() -> Iterator[None]:
    """Take a refusal for an answer, for what is looked at in the block.

    In a sandbox nothing is seen of a path that no grant covers: `open` raises `PermissionError`, and
    `os.path.exists` and `glob` find nothing. So a Result after such a look is an error of type capability,
    whatever the handler returns. Looks in this block do not count: use it where a file is one of several
    sources, or where being refused is what the check is about. In process it changes nothing.
    """
    refused_looks.keep()
    try:
        yield
    finally:
        refused_looks.take()


def denial_of(error: BaseException) -> CapabilityError | None:
    """Return what a guest's error means if a missing grant is behind it, None otherwise."""
    if sys.platform != "wasi" or not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    return _denial([RefusedLook(_REFUSALS[error.errno], path)])


_REFUSALS: dict[int, Literal["read", "write"]] = {
    errno.EPERM: "read",
    getattr(errno, "ENOTCAPABLE", errno.EPERM): "read",
    errno.EROFS: "write",
}


def _denial(looks: Sequence[RefusedLook]) -> CapabilityError:
    """Return the error for the first of some looks, with a rule for all of them.

    A directory is left out if it was only passed on the way to another of them, as `realpath` does.
    """
    ends = [each for each in dict.fromkeys(looks) if not any(_leads_to(each, other) for other in looks)]
    rule: dict[str, list[str]] = {}
    for operation, path in ends:
        rule.setdefault(operation, []).append(path)
    first = ends[0]
    return CapabilityError(
        f"fs:{first.operation}:{first.path}", hint=f"add {json.dumps(rule, ensure_ascii=False)} to fs.rules"
    )


def _leads_to(look: RefusedLook, other: RefusedLook) -> bool:
    return other.path.startswith(look.path.rstrip("/") + "/") and other.path != look.path
