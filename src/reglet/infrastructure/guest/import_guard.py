"""What a plugin does at import that belongs in a run: host calls, reading the environment, a clock."""

from __future__ import annotations

import os
import sys
import traceback
from types import FrameType, TracebackType
from typing import Any, Self

from reglet.infrastructure.build_contract import PACKAGES_ROOT, PLUGIN_ROOT
from reglet.infrastructure.guest.interpreter import interpreter

_AUTHORS = (PLUGIN_ROOT + "/", PACKAGES_ROOT + "/")


class HostCallError(RuntimeError):
    """A host function was called during a build."""


class _WatchedEnvironment(os._Environ[str]):  # noqa: SLF001 - os.environ's own class
    """`os.environ` that notes who reads it."""

    seen: list[dict[str, str]]

    def __getitem__(self, name: str) -> str:
        type(self).seen.append({"name": name, "where": author_frames()})
        return super().__getitem__(name)


class ImportGuard:
    """Refuses host calls while it is entered, and notes them and every reading of the environment."""

    def __init__(self) -> None:
        self.host_calls: list[dict[str, str]] = []
        self.environment: list[dict[str, str]] = []

    def __enter__(self) -> Self:
        self._call = interpreter.call
        self._environment_class = type(os.environ)
        vars(interpreter)["call"] = self._refuse
        _WatchedEnvironment.seen = self.environment
        os.environ.__class__ = _WatchedEnvironment
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        vars(interpreter)["call"] = self._call
        os.environ.__class__ = self._environment_class

    def _refuse(self, name: str, _request: bytes) -> Any:
        self.host_calls.append({"name": name, "where": author_frames()})
        raise HostCallError(f"{name} was called while the plugin was imported for its build")


def author_frames(frame: FrameType | None = None) -> str:
    """Return the author's frames of a stack, this one's if None; none for what others do at import."""
    stack = traceback.extract_stack(frame)
    own = [index for index, each in enumerate(stack) if each.filename.startswith(_AUTHORS)]
    if not own or any(each.name == "<module>" for each in stack[own[-1] + 1 :]):
        return ""
    return "".join(traceback.format_list([stack[index] for index in own]))


_OF_CLOCK = frozenset({"now", "utcnow", "today", "poll"})  # selectors polls as it is imported, by a deadline
_OF_RANDOM = frozenset({"urandom", "getrandom", "seed"})


class ImportTracer:
    """Notes, while it is entered, where the author first reads a clock and takes random bytes.

    A profile function sees the calls of C functions, which a patch of their modules would not. It is slow, so
    an import is traced only when it was seen to do either.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        """The author's frames by kind, `clock` or `random`; empty where only others read it."""

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        kind = ""
        if function.__module__ == "time" or function.__name__ in _OF_CLOCK:
            kind = "clock"
        elif function.__name__ in _OF_RANDOM:
            kind = "random"
        if kind and not self.found.get(kind):
            self.found[kind] = author_frames(frame)
