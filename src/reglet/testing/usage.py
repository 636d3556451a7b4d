"""What was touched: hosts and ports, commands, paths, variables; collected while a plugin runs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import filterfalse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.urls import DNS_PORT, SCHEME_PORTS
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
        if host and str(port).isdigit():
            self.targets.add((host.lower().rstrip("."), int(port)))

    def add(self, other: Usage) -> None:
        """Add what another collection holds."""
        self.targets.update(other.targets)
        self.commands.update(other.commands)
        self.reads.update(other.reads)
        self.writes.update(other.writes)
        self.variables.update(other.variables)
        self.opened.update(other.opened)

    @property
    def lasting(self) -> Usage:
        """This without what asks for no grant: files for temporary use, and folders on the way to others.

        Who resolves a path looks at every folder above it; only a folder that was listed is a use of its own.
        """
        touched = {Path(path) for path in self.reads | self.writes}
        on_the_way = {"/", *(str(parent) for path in touched for parent in path.parents)}
        reads = {path for path in self.reads if path in self.opened or path not in on_the_way}
        kept, writes = (set(filterfalse(is_temporary, paths)) for paths in (reads, self.writes))
        return evolve(self, reads=kept, writes=writes)

    def least_grants(self) -> GrantSet:
        """Return the least that covers this; hosts with the same ports share a rule.

        Files of a folder that was listed become one pattern, where nothing else is in reach of it.
        """
        network = NetworkCapability(self._network_rules()) if self.targets else None
        lasting = self.lasting
        reads, writes = _folded(lasting.reads, self.opened), sorted(lasting.writes)
        return GrantSet(
            network=network,
            fs=FileSystemCapability([FileSystemRule(reads, writes)]) if reads or writes else None,
            env=EnvironmentCapability(sorted(self.variables)) if self.variables else None,
            exec=ExecCapability(sorted(self.commands)) if self.commands else None,
        )

    def _network_rules(self) -> list[NetworkRule]:
        ports_of: dict[str, list[int]] = {}
        for host, port in sorted(self.targets):
            ports_of.setdefault(host, []).append(port)
        hosts_of: dict[tuple[int, ...], list[str]] = {}
        for host, ports in ports_of.items():
            hosts_of.setdefault(tuple(ports), []).append(host)
        return [NetworkRule(hosts, map(str, ports)) for ports, hosts in sorted(hosts_of.items())]

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


def _folded(reads: set[str], listed: set[str]) -> list[str]:
    """Return paths with `folder/*` in place of three files or more that were found by listing the folder."""
    found: dict[str, list[str]] = {}
    for path in reads:
        found.setdefault(str(Path(path).parent), []).append(path)
    folders = {
        folder
        for folder, paths in found.items()
        if folder in listed and len(paths) >= _MANY and _may_be_folded(Path(folder))
    }
    single = {path for path in reads if str(Path(path).parent) not in folders}
    return sorted([*single, *(f"{folder}/*" for folder in folders)])


def _may_be_folded(folder: Path) -> bool:
    """Whether a pattern for a whole folder reaches nothing of another kind, as `/etc/*` or a home would."""
    personal = folder.parts[1:2] in (
        ("home",),
        ("root",),
        ("Users",),
        ("proc",),
        ("sys",),
        ("dev",),
        ("run",),
    )
    return (
        len(folder.parts) > _TOP_FOLDER and not personal and not any(part[0] == "." for part in folder.parts)
    )


_NAMES = ("targets", "commands", "reads", "writes", "variables", "opened")
_MANY = 3
_TOP_FOLDER = 2
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
        _running.remove(usage)


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


def running_collections() -> tuple[Usage, ...]:
    """Return the collections that run."""
    return tuple(_running)


def is_temporary(path: str) -> bool:
    """Whether a path lies in the folder for files of temporary use."""
    return path.startswith(tempfile.gettempdir() + os.sep)


def note_fake_call(port: str, facts: Mapping[str, Any]) -> None:
    """Note a call that a fake got, in every collection that runs."""
    for usage in running_collections():
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


def note_file(path: str, changes: bool | None) -> None:
    """Note a path that is read or changed, in every collection that runs; None: it is only looked at."""
    for usage in running_collections():
        (usage.writes if changes else usage.reads).add(path)
        if changes is False:
            usage.opened.add(path)
