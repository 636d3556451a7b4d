"""What a plugin does at import that belongs in a run: calling the host, reading the environment."""

from __future__ import annotations

import os
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
        type(self).seen.append({"name": name, "where": where()})
        return super().__getitem__(name)


class Watch:
    """Notes, while it is entered, every host call and every reading of the environment."""

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
        self.host_calls.append({"name": name, "where": where()})
        raise HostCallError(f"{name} was called while the plugin was imported for its build")


def where(frame: FrameType | None = None) -> str:
    """Return the author's frames of a stack, this one's if None; none for what others do at import."""
    stack = traceback.extract_stack(frame)
    own = [index for index, each in enumerate(stack) if each.filename.startswith(_AUTHORS)]
    if not own or any(each.name == "<module>" for each in stack[own[-1] + 1 :]):
        return ""
    return "".join(traceback.format_list([stack[index] for index in own]))
