"""What is touched while a plugin runs: hosts and ports, commands, paths, variables.

In this process files are what Python's audit events report (open, listdir, remove …) and calls of `os.stat`,
`os.lstat` and `os.access`; variables are reads through `os.environ`. What the standard library, the SDK and
test tools do for themselves is left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve, field, fields, frozen

from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.result import Result
from reglet.domain.urls import DNS_PORT, SCHEME_PORTS
from reglet.infrastructure import (
    PACKAGES_ROOT,
    PLUGIN_ROOT,
    SDK_ROOT,
    STANDARD_LIBRARY_ROOT,
)
from reglet.infrastructure.atomic import write_atomic


@frozen
class Usage:
    """What was touched so far; the sets grow while a collection runs.

    Attributes:
        targets: pairs of host and port, look-ups with port 53.
        commands: programs that were run, or were to be.
        reads: absolute paths that were read or looked at.
        writes: absolute paths that were written, made or removed.
        variables: environment variables that were asked for, set or not.
        opened: those of the reads that were opened or listed, and not only looked at.
    """

    targets: set[tuple[str, int]] = field(factory=set)
    commands: set[str] = field(factory=set)
    reads: set[str] = field(factory=set)
    writes: set[str] = field(factory=set)
    variables: set[str] = field(factory=set)
    opened: set[str] = field(factory=set)

    def note_call(self, function: str, request: Mapping[str, Any]) -> None:
        """Note a host call by its request on the wire, in any dialect."""
        match function:
            case "http_request":
                self.note_url(str(request.get("url", "")))
            case "dns_lookup":
                self.note_lookup(str(request.get("hostname", "")))
            case "tcp_connect" | "smtp_connect":
                self.note_target(str(request.get("host", "")), request.get("port", 0))
            case "exec_command":
                self.commands.add(str(request.get("command", "")))

    def note_url(self, url: str) -> None:
        """Note the host and port of a URL; what is no URL touches nothing."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or SCHEME_PORTS.get(parts.scheme)
        except ValueError:
            return
        if host and port:
            self.note_target(host, port)

    def note_lookup(self, host: str) -> None:
        """Note a look-up, which needs a grant for port 53 of the name that is looked up."""
        self.note_target(host, DNS_PORT)

    def note_target(self, host: str, port: int | str) -> None:
        """Note a connection; what is no host and port touches nothing."""
        if host and str(port).isdecimal():
            self.targets.add((host.lower().rstrip("."), int(port)))

    def note_path(self, path: str, *, changes: bool | None) -> None:
        """Note a path that is read or changed; None: it is only looked at."""
        (self.writes if changes else self.reads).add(path)
        if changes is False:
            self.opened.add(path)

    def add(self, other: Usage) -> None:
        """Add what another collection holds."""
        for name in _NAMES:
            getattr(self, name).update(getattr(other, name))

    @property
    def lasting(self) -> Usage:
        """This without what asks for no grant: files for temporary use, and folders on the way to others.

        Who resolves a path looks at every folder above it; only a folder that was listed is a use of its own.
        """
        import tempfile

        touched = {Path(path) for path in self.reads | self.writes}
        on_the_way = {"/", *(str(parent) for path in touched for parent in path.parents)}
        used = {path for path in self.reads if path in self.opened or path not in on_the_way}
        temporary = tempfile.gettempdir() + os.sep
        reads, writes = (
            {path for path in paths if not path.startswith(temporary)} for paths in (used, self.writes)
        )
        return evolve(self, reads=reads, writes=writes)

    def least_grants(self) -> GrantSet:
        """Return the least that covers this; hosts with the same ports share a rule.

        Three files of a folder that was listed, or more, become one pattern if it reaches nothing else.
        """
        ports_of: dict[str, list[int]] = {}
        for host, port in sorted(self.targets):
            ports_of.setdefault(host, []).append(port)
        hosts_of: dict[tuple[int, ...], list[str]] = {}
        for host, ports in ports_of.items():
            hosts_of.setdefault(tuple(ports), []).append(host)
        rules = [NetworkRule(hosts, map(str, ports)) for ports, hosts in sorted(hosts_of.items())]

        lasting = self.lasting
        found: dict[Path, list[str]] = {}
        for path in lasting.reads:
            found.setdefault(Path(path).parent, []).append(path)
        reads, writes = [], sorted(lasting.writes)
        for folder, paths in found.items():
            # a pattern for the whole of `/etc`, or of a home, would reach things of another kind
            is_wide = len(folder.parts) <= _TOP_FOLDER or folder.parts[1] in _PERSONAL_FOLDERS
            is_hidden = any(part.startswith(".") for part in folder.parts)
            is_listed = str(folder) in self.opened and len(paths) >= _MANY
            reads += [f"{folder}/*"] if is_listed and not is_wide and not is_hidden else paths
        reads.sort()
        return GrantSet(
            network=NetworkCapability(rules) if rules else None,
            fs=FileSystemCapability([FileSystemRule(reads, writes)]) if reads or writes else None,
            env=EnvironmentCapability(sorted(self.variables)) if self.variables else None,
            exec=ExecCapability(sorted(self.commands)) if self.commands else None,
        )

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        lists = {name: sorted(getattr(self, name)) for name in _NAMES}
        write_atomic(path, (json.dumps(lists, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> Usage:
        """Read what `save` wrote."""
        lists = json.loads(path.read_text("utf-8"))
        targets = {(str(host), int(port)) for host, port in lists["targets"]}
        return cls(targets, *(set(lists[name]) for name in _NAMES[1:]))


_NAMES = tuple(each.name for each in fields(Usage))
_MANY = 3
_TOP_FOLDER = 2
_PERSONAL_FOLDERS = frozenset({"home", "root", "Users", "proc", "sys", "dev", "run"})
_running: list[Usage] = []
_open: list[bool] = []


@contextmanager
def usage_recorded() -> Iterator[Usage]:
    """Collect what plugins touch inside the block, in every thread."""
    usage = Usage()
    _running.append(usage)
    try:
        yield usage
    finally:
        _running[:] = [each for each in _running if each is not usage]  # others may be equal to it


@contextmanager
def usage_paused() -> Iterator[None]:
    """Collect nothing inside the block: what is tried at random is not what a plugin needs."""
    paused = _running.copy()
    _running.clear()
    try:
        yield
    finally:
        _running.extend(paused)


@contextmanager
def grants_opened() -> Iterator[None]:
    """Let hosts of fakes and the sandbox allow everything inside the block, so that a denial hides nothing.

    A fake's call without a route is then answered as one to a port where nobody listens.
    """
    _open.append(True)
    try:
        yield
    finally:
        _open.pop()


def are_grants_open() -> bool:
    """Whether everything is allowed, to see what is touched."""
    return bool(_open)


def note_fake_call(port: str, facts: Mapping[str, Any]) -> None:
    """Note a call that a fake got, in every collection that runs."""
    for usage in tuple(_running):
        match port:
            case "http":
                usage.note_url(facts["url"])
            case "dns":
                usage.note_lookup(facts["host"])
            case "tcp":
                host, _, number = facts["address"].rpartition(":")
                usage.note_target(host.strip("[]"), number)
            case "smtp":
                usage.note_target(facts["host"], facts["port"])
            case "command":
                usage.commands.add(facts["command"])


_OWN_SOURCES = tuple(f"{root}/" for root in (STANDARD_LIBRARY_ROOT, SDK_ROOT, PLUGIN_ROOT, PACKAGES_ROOT))


def note_file(path: str, changes: bool | None) -> None:
    """Note a path that is read or changed, in every collection that runs; None: it is only looked at.

    A traceback that is written in a module looks for the module's own sources, which no host has.
    """
    if path.endswith(".py") and path.startswith(_OWN_SOURCES):
        return
    for usage in tuple(_running):
        usage.note_path(path, changes=changes)


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
    global _hooked  # noqa: PLW0603 - the hook is the process's: Python has no way to take one off
    if not _running or _watching:
        yield
        return
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    environment = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001 - reads have no event
    looks = {name: getattr(os, name) for name in _LOOKS}
    _watching.extend(_running)
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
    from reglet.application.plugin import PluginDefinition

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
        if _is_asked_by_plugin():
            name = os.fsdecode(key)
            for usage in _watching:
                usage.variables.add(name)
        return super().__getitem__(key)


def _noting(look: Callable[..., Any]) -> Callable[..., Any]:
    def noted(path: Any, *arguments: Any, **options: Any) -> Any:
        _note_path(path, changes=None)
        return look(path, *arguments, **options)

    return noted


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        changes = (
            not {*mode}.isdisjoint("wax+")
            if isinstance(mode, str)
            else isinstance(flags, int) and bool(flags & _WRITING)
        )
        _note_path(path, changes=changes)
    elif event in _READ_EVENTS:
        _note_path(arguments[0], changes=False)
    elif event in _WRITE_EVENTS:
        _note_path(arguments[0], changes=True)


def _note_path(path: Any, *, changes: bool | None) -> None:
    if not isinstance(path, str | bytes | os.PathLike) or not _is_asked_by_plugin():
        return
    absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib would look at the file again
    try:
        is_possible = b"\0" not in os.fsencode(absolute)
    except UnicodeEncodeError:
        is_possible = False
    if not is_possible:  # the system refuses it before any grant
        return
    for usage in _watching:
        usage.note_path(absolute, changes=changes)


def _is_asked_by_plugin() -> bool:
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
