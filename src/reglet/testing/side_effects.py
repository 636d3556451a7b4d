"""Notice which files and variables a plugin touches in this process, as far as Python reports it.

Files: what Python's audit events report (open, listdir, remove …) and calls of `os.stat`, `os.lstat` and
`os.access`. Variables: reads through `os.environ`. What the standard library, the SDK and test tools do for
themselves is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from reglet.application.plugin import PluginDefinition
from reglet.domain.context import Context
from reglet.domain.entities.result import Result
from reglet.testing.usage import Usage, running_collections

_TOOLS = frozenset(
    {
        "reglet",
        "pytest",
        "_pytest",
        "pluggy",
        "hypothesis",
        "coverage",
        "attr",
        "attrs",
        "cattrs",
        "platformdirs",
        "wasmtime",
    }
)
_LOADERS = frozenset(
    {"importlib", "_frozen_importlib", "_frozen_importlib_external", "linecache", "tokenize", "zipimport"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_READ_EVENTS = frozenset({"os.listdir", "os.scandir"})
_WRITE_EVENTS = frozenset(
    {
        "os.chmod",
        "os.chown",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
    }
)
_LOOKS = ("stat", "lstat", "access")

_watching: list[Usage] = []
_hooked = False


@contextmanager
def side_effects_watched() -> Iterator[None]:
    """Note files and variables that are touched inside the block, if a collection runs."""
    running = running_collections()
    if not running or _watching:
        yield
        return
    _install_hook()
    environment = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001 - reads have no event
    looks = {name: getattr(os, name) for name in _LOOKS}
    _watching.extend(running)
    os.environ._data = _WatchedVariables(environment)  # type: ignore[attr-defined]  # noqa: SLF001 - put back below
    for name, look in looks.items():
        setattr(os, name, _noting(look))
    try:
        yield
    finally:
        for name, look in looks.items():
            setattr(os, name, look)
        os.environ._data = environment  # type: ignore[attr-defined]  # noqa: SLF001 - as it was
        _watching.clear()


@contextmanager
def checks_watched() -> Iterator[None]:
    """Watch every check of a `PluginDefinition` inside the block, whoever calls it."""
    unwatched = PluginDefinition.check

    def check(plugin: PluginDefinition, ctx: Context, config: bytes) -> Result:
        with side_effects_watched():
            return unwatched(plugin, ctx, config)

    PluginDefinition.check = check  # type: ignore[method-assign,assignment]  # put back below
    try:
        yield
    finally:
        PluginDefinition.check = unwatched  # type: ignore[method-assign]  # as it was


class _WatchedVariables(dict[Any, Any]):
    """The data behind `os.environ`, which notes what is asked for."""

    def __getitem__(self, key: Any) -> Any:
        if _is_plugins_doing():
            name = os.fsdecode(key)
            for usage in _watching:
                usage.variables.add(name)
        return super().__getitem__(key)


def _noting(look: Callable[..., Any]) -> Callable[..., Any]:
    def noted(path: Any, *arguments: Any, **options: Any) -> Any:
        _note_path(path, changes=None)
        return look(path, *arguments, **options)

    return noted


def _install_hook() -> None:
    """Add the audit hook once; Python has no way to take one off, so it is idle outside of a block."""
    global _hooked  # noqa: PLW0603 - the hook is the process's
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        _note_path(path, changes=_is_writing(mode, flags))
    elif event in _READ_EVENTS:
        _note_path(arguments[0], changes=False)
    elif event in _WRITE_EVENTS:
        _note_path(arguments[0], changes=True)


def _is_writing(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)


def _note_path(path: Any, *, changes: bool | None) -> None:
    if not isinstance(path, str | bytes | os.PathLike) or not _is_plugins_doing():
        return
    absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib would look at the file again
    if not _names_a_file(absolute):
        return
    for usage in _watching:
        (usage.writes if changes else usage.reads).add(absolute)
        if changes is False:
            usage.opened.add(absolute)


def _names_a_file(path: str) -> bool:
    """Whether a path can be one: the system refuses a NUL, and what it cannot encode, before any grant."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _is_plugins_doing() -> bool:
    """Whether the code behind the present call, past the standard library, is a plugin's or its packages'."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - who asks is what matters
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _LOADERS:
            return False
        if package in _TOOLS and frame.f_globals.get("__name__") != __name__:
            return False
        if package not in sys.stdlib_module_names and package not in _TOOLS:
            return True
        frame = frame.f_back
    return False
