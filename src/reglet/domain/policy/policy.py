"""The policy: each question a host asks before it does what a plugin wants."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import CapabilityError
from reglet.domain.policy.files import canonical_path, path_pattern
from reglet.domain.policy.globs import Glob, is_exact
from reglet.domain.policy.network import (
    MAX_PORT,
    Address,
    CompiledRule,
    HostError,
    HostPattern,
    canonical_host,
    compile_rule,
    parse_address,
    readable,
    special_use,
)
from reglet.domain.policy.programs import is_blocked, is_gated, runs_code


@frozen
class Decision:
    """Allowed or not, and why.

    Attributes:
        allowed: the answer.
        rule: the rule that allowed it, or the grant that is missing, such as `network:example.com:443`.
        hint: for a refusal, what to add to the grants.
    """

    allowed: bool
    rule: str
    hint: str = ""

    def __bool__(self) -> bool:
        return self.allowed

    def require(self) -> None:
        """Raise `CapabilityError` unless allowed."""
        if not self.allowed:
            raise CapabilityError(self.rule, hint=self.hint)


DNS_PORT = 53


class Policy:
    """Decides what a `GrantSet` allows. Nothing is allowed that no rule names (ABI section 3).

    Each question has a `require_*` form that raises `CapabilityError`, which names the missing grant and
    says what to add. Patterns that cannot be read match nothing; `problems` tells which.
    """

    def __init__(self, grants: GrantSet, cwd: str | None = None) -> None:
        """Compile the grants.

        `cwd` is where relative paths and relative patterns of paths start; without it they match nothing.
        """
        self.grants = grants
        self._cwd = cwd
        problems: list[str] = []
        rules = grants.network.rules if grants.network is not None else ()
        files = grants.fs.rules if grants.fs is not None else ()
        self._network = tuple(compile_rule(rule, problems) for rule in rules)
        self._read = self._paths((text for rule in files for text in rule.read), problems)
        self._write = self._paths((text for rule in files for text in rule.write), problems)
        self._vars = _globs(grants.env.vars if grants.env is not None else (), problems)
        self._commands = _globs(grants.exec.commands if grants.exec is not None else (), problems)
        self.problems = tuple(problems)

    def network(self, host: str, port: int) -> Decision:
        """May this name or address be connected to on this port?"""
        missing = _missing(host, port)
        try:
            name, address = canonical_host(host), parse_address(host)
        except HostError as error:
            return Decision(False, missing, str(error))
        if not 0 < port <= MAX_PORT:
            return Decision(False, missing, f"a port is from 1 to {MAX_PORT}")
        for rule, pattern in self._hosts(port):
            if pattern.covers(name, address) and (address is None or _reaches(pattern, name, address)):
                return Decision(True, rule.text(pattern))
        hint = _network_hint(name, port) if address is None else _address_hint(name, port, address)
        return self._refusal(_missing(name, port), hint)

    def address(self, host: str, port: int, ip: str) -> Decision:
        """May `ip`, which the granted `host` resolved to, be dialled on this port?

        An address of special use (private, loopback, cloud metadata and so on) needs a rule that names the
        host or the address without wildcards; any other may be dialled if the host may.
        """
        target = self.network(host, port)
        try:
            name, address = canonical_host(host), parse_address(ip)
        except HostError as error:
            return Decision(False, _missing(ip, port), str(error))
        if address is None:
            return Decision(False, _missing(ip, port), f"{ip!r} is no address")
        if not target or not special_use(address):
            return target
        for rule, pattern in self._hosts(port):
            if _reaches(pattern, name, address):
                return Decision(True, rule.text(pattern))
        return self._refusal(
            _missing(str(address), port), f"{name} is {_address_hint(str(address), port, address)}"
        )

    def dns(self, host: str) -> Decision:
        """May this name be looked up? It needs a grant on port 53."""
        try:
            name, address = canonical_host(host), parse_address(host)
        except HostError as error:
            return Decision(False, _missing(host, DNS_PORT), str(error))
        for rule, pattern in self._hosts(DNS_PORT):
            if pattern.covers(name, address):
                return Decision(True, rule.text(pattern))
        return self._refusal(_missing(name, DNS_PORT), "a look-up needs " + _network_hint(name, DNS_PORT))

    def execute(
        self, command: str, args: Sequence[str] = (), *, resolved: str = "", environment: Iterable[str] = ()
    ) -> Decision:
        """May this program be run with these arguments and these environment variables?

        `resolved` is the file that the command turned out to be, symlinks followed. A rule may name either.
        Shells, interpreters given code and programs that run others need a rule without wildcards.
        """
        names = _program_names(command, resolved)
        reason = runs_code(command, args, resolved)
        patterns = [glob for glob in self._commands if not reason or is_exact(glob.text)]
        granted = _first(patterns, names)
        if granted is None:
            why = f"{reason}, so a pattern with wildcards is not enough; " if reason else ""
            hint = f"{why}add {json.dumps(names[-1] if names else command)} to exec.commands"
            return self._refusal(f"exec:{command}", hint)
        refused = next((refusal for refusal in map(self._passed_on, environment) if not refusal), None)
        return Decision(True, f"exec:{granted.text}") if refused is None else refused

    def _passed_on(self, name: str) -> Decision:
        """May a command be given this environment variable?"""
        if is_blocked(name) or is_gated(name):
            return self.environment(name)
        if not name or "=" in name or "\0" in name:
            return Decision(False, f"env:{name}", "a variable's name is not empty and holds no = and no NUL")
        return Decision(True, f"env:{name}")

    def environment(self, name: str) -> Decision:
        """May this environment variable be read?

        Variables that steer the linker or the shell (`LD_PRELOAD`, `BASH_ENV`) need a rule with that name.
        """
        blocked = is_blocked(name)
        patterns = [glob for glob in self._vars if not blocked or is_exact(glob.text)]
        granted = _first(patterns, [name])
        if granted is not None:
            return Decision(True, f"env:{granted.text}")
        why = "it can make programs run other code, so only its exact name grants it; " if blocked else ""
        return self._refusal(f"env:{name}", f"{why}add {json.dumps(name)} to env.vars")

    def read(self, path: str) -> Decision:
        """May this file be read? The path is absolute, its symlinks resolved."""
        return self._file("read", path, self._read)

    def write(self, path: str) -> Decision:
        """May this file be written? The path is absolute, its symlinks resolved."""
        return self._file("write", path, self._write)

    def require_network(self, host: str, port: int) -> None:
        """Raise `CapabilityError` unless `network` allows it."""
        self.network(host, port).require()

    def require_address(self, host: str, port: int, ip: str) -> None:
        """Raise `CapabilityError` unless `address` allows it."""
        self.address(host, port, ip).require()

    def require_dns(self, host: str) -> None:
        """Raise `CapabilityError` unless `dns` allows it."""
        self.dns(host).require()

    def require_execute(
        self, command: str, args: Sequence[str] = (), *, resolved: str = "", environment: Iterable[str] = ()
    ) -> None:
        """Raise `CapabilityError` unless `execute` allows it."""
        self.execute(command, args, resolved=resolved, environment=environment).require()

    def require_environment(self, name: str) -> None:
        """Raise `CapabilityError` unless `environment` allows it."""
        self.environment(name).require()

    def require_read(self, path: str) -> None:
        """Raise `CapabilityError` unless `read` allows it."""
        self.read(path).require()

    def require_write(self, path: str) -> None:
        """Raise `CapabilityError` unless `write` allows it."""
        self.write(path).require()

    def _hosts(self, port: int) -> Iterator[tuple[CompiledRule, HostPattern]]:
        for rule in self._network:
            if rule.has_port(port):
                yield from ((rule, pattern) for pattern in rule.hosts)

    def _paths(self, texts: Iterable[str], problems: list[str]) -> tuple[Glob, ...]:
        return _globs((path_pattern(text, self._cwd) for text in texts), problems)

    def _file(self, operation: str, path: str, patterns: Sequence[Glob]) -> Decision:
        whole = canonical_path(path, self._cwd)
        if whole is None:
            return Decision(
                False, f"fs:{operation}:{path}", "a path is absolute, without empty parts, . and .."
            )
        granted = _first(patterns, [whole])
        if granted is not None:
            return Decision(True, f"fs:{operation}:{granted.text}")
        rule = json.dumps({operation: [whole]})
        return self._refusal(f"fs:{operation}:{whole}", f"add {rule} to fs.rules")

    def _refusal(self, missing: str, hint: str) -> Decision:
        return Decision(False, missing, "; ".join((hint, *self.problems)))


def _globs(texts: Iterable[str], problems: list[str]) -> tuple[Glob, ...]:
    return tuple(readable(Glob.parse, texts, problems))


def _first(patterns: Iterable[Glob], names: Sequence[str]) -> Glob | None:
    return next((glob for glob in patterns if any(glob.matches(name) for name in names)), None)


def _program_names(command: str, resolved: str) -> list[str]:
    """Return the names that a rule may grant a program by.

    A command with `..` in it is known by its file alone: behind a symlink `..` leads elsewhere than its text.
    """
    given = [] if not command or ".." in command.split("/") else [posixpath.normpath(command)]
    return [*given, resolved] if resolved else given


def _reaches(pattern: HostPattern, name: str, address: Address) -> bool:
    """Whether a pattern lets this address be dialled: one of special use wants no wildcard."""
    return not special_use(address) or pattern.names(name) or pattern.holds(address)


def _missing(host: str, port: int) -> str:
    return f"network:[{host}]:{port}" if ":" in host else f"network:{host}:{port}"


def _network_hint(host: str, port: int) -> str:
    rule: dict[str, Any] = {"hosts": [host], "ports": [str(port)]}
    return f"add {json.dumps(rule)} to network.rules"


def _address_hint(host: str, port: int, address: Address) -> str:
    use = special_use(address)
    if not use:
        return _network_hint(host, port)
    why = f"{address}, a {use} address, which no pattern with wildcards allows"
    return f"{why}; {_network_hint(host, port)}"


@frozen
class PolicyGuard:
    """Implements the `NetworkGuard` port with a policy."""

    policy: Policy

    def check_target(self, host: str, port: int) -> None:
        """Raise `CapabilityError` unless a grant covers this name or address with this port."""
        self.policy.network(host, port).require()

    def check_address(self, host: str, port: int, address: str) -> None:
        """Raise `CapabilityError` unless `address`, which `host` resolved to, may be dialled."""
        self.policy.address(host, port, address).require()
