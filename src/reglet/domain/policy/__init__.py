"""Does a `GrantSet` allow what a plugin asks for? Deny by default; patterns are those of ABI section 3."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter

from attrs import frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import CapabilityError
from reglet.domain.policy.globs import Glob, PatternError
from reglet.domain.policy.network import (
    Address,
    CompiledRule,
    HostPattern,
    InvalidHostError,
    Target,
    parse_address,
    parse_patterns,
    special_use,
)
from reglet.domain.urls import DNS_PORT, PORTS, join_host_port

_MOST_PORTS = 256
"""Ports of which the hosts are kept; a plugin may ask for all that there are."""


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


class Policy:
    """Decides what a `GrantSet` allows. Nothing is allowed that no rule names (ABI section 3).

    Patterns that cannot be read match nothing; `errors` reports which, and every refusal lists them.
    """

    def __init__(self, grants: GrantSet, cwd: str | None = None) -> None:
        """Compile the grants.

        `cwd` is where relative paths and relative patterns of paths start; without it they match nothing.
        """
        self.grants = grants
        self._cwd = cwd
        errors: list[str] = []

        def globs(patterns: Iterable[str]) -> tuple[Glob, ...]:
            return tuple(parse_patterns(Glob.parse, patterns, errors))

        network = grants.network.rules if grants.network is not None else ()
        files = grants.fs.rules if grants.fs is not None else ()
        self._network = tuple(CompiledRule.compile(rule, errors) for rule in network)
        paths = partial(parse_patterns, lambda pattern: Glob.parse(path_pattern(pattern, cwd)), errors=errors)
        self._read = tuple(paths([pattern for rule in files for pattern in rule.read]))
        self._write = tuple(paths([pattern for rule in files for pattern in rule.write]))
        self._vars = globs(grants.env.vars if grants.env is not None else ())
        self._commands = globs(grants.exec.commands if grants.exec is not None else ())
        self.errors = tuple(errors)
        self._hosts_of_port: dict[tuple[int, bool], Sequence[tuple[CompiledRule, HostPattern]]] = {}

    def network(self, host: str, port: int) -> Decision:
        """May this name or address be connected to on this port?"""
        try:
            return self.connection(Target.of(host, port))
        except InvalidHostError as error:
            return Decision(False, f"network:{join_host_port(host, port)}", str(error))

    def connection(self, target: Target) -> Decision:
        """May this target be connected to?"""
        if target.port not in PORTS:
            return Decision(False, f"network:{target}", f"a port is from {PORTS[0]} to {PORTS[-1]}")
        host, address = target.host, target.address
        for rule, pattern in self._hosts(target.port, names_alone=address is None):
            if pattern.covers(host, address) and (address is None or pattern.reaches(host, address)):
                return Decision(True, rule.name(pattern))
        return self._network_refusal(target)

    def address(self, host: str, port: int, ip: str) -> Decision:
        """May `ip`, which the granted `host` resolved to, be dialled on this port?

        An address of special use (private, loopback, cloud metadata and so on) needs a rule that names the
        host or the address without wildcards; any other may be dialled if the host may.
        """
        try:
            target, address = Target.of(host, port), parse_address(ip)
        except InvalidHostError as error:
            return Decision(False, f"network:{join_host_port(ip, port)}", str(error))
        if address is None:
            return Decision(False, f"network:{join_host_port(ip, port)}", f"{ip!r} is no address")
        return self.resolved(target, address)

    def resolved(self, target: Target, address: Address) -> Decision:
        """May this address, which the host of a granted target resolved to, be dialled? See `address`."""
        decision = self.connection(target)
        if not decision or not special_use(address):
            return decision
        for rule, pattern in self._hosts(target.port):
            if pattern.reaches(target.host, address):
                return Decision(True, rule.name(pattern))
        return self._network_refusal(Target(str(address), target.port, address), f"{target.host} is ")

    def dns(self, host: str) -> Decision:
        """May this name be looked up? It needs a grant on port 53."""
        try:
            target = Target.of_lookup(host)
        except InvalidHostError as error:
            return Decision(False, f"network:{join_host_port(host, DNS_PORT)}", str(error))
        for rule, pattern in self._hosts(DNS_PORT):
            if pattern.covers(target.host, target.address):
                return Decision(True, rule.name(pattern))
        return self._refusal(f"network:{target}", f"a look-up needs {_network_hint(target)}")

    def execute(
        self, command: str, *, resolved: str = "", environment: Mapping[str, str] | Iterable[str] = ()
    ) -> Decision:
        """May this program be run, with whatever arguments and with these environment variables?

        `command` is a bare name, found on the host's own search path, or an absolute path; `resolved` is the
        file that it turned out to be, symlinks followed. A rule may name any of them: a bare rule matches a
        bare name only. A wildcard grants what is known to run nothing else; all else needs its exact rule.
        `environment` is what the program is given, or the names of it.
        """
        # A relative path, or one with `..`, is known by its file alone: it means another one elsewhere.
        is_plain = "/" not in command or (command.startswith("/") and ".." not in command.split("/"))
        names = [posixpath.normpath(command)] if command and is_plain else []
        if resolved:
            names.append(resolved)
        harmless = bool(names) and only_reads(names[0], resolved)
        granted = _first_match(self._commands if harmless else filter(_is_exact, self._commands), names)
        if granted is None:
            needs_exact = not harmless and _first_match(self._commands, names) is not None
            why = "it may run other code, so a pattern with wildcards is not enough; " if needs_exact else ""
            hint = f"{why}add {json.dumps(names[-1] if names else command)} to exec.commands"
            return self._refusal(f"exec:{command}", hint)
        for name in environment:
            if not name or "=" in name or "\0" in name:
                reason = "a variable's name is not empty and holds no = and no NUL"
                return Decision(False, f"env:{name}", reason)
            value = environment[name] if isinstance(environment, Mapping) else ""
            exact = _first_match(filter(_is_exact, self._vars), [name])
            if exact is None and not is_harmless_variable(name, value):
                which = "that value" if is_harmless_variable(name) else "it"
                why = f"{which} may steer the program, so only its exact name grants it"
                return self._refusal(f"env:{name}", f"{why}; add {json.dumps(name)} to env.vars")
        return Decision(True, f"exec:{granted.pattern}")

    def environment(self, name: str) -> Decision:
        """May this environment variable be read?

        Variables that steer the linker or the shell (`LD_PRELOAD`, `BASH_ENV`) need a rule with that name.
        """
        injects = injects_code(name)
        granted = _first_match(filter(_is_exact, self._vars) if injects else self._vars, [name])
        if granted is not None:
            return Decision(True, f"env:{granted.pattern}")
        why = "it can make programs run other code, so only its exact name grants it; " if injects else ""
        return self._refusal(f"env:{name}", f"{why}add {json.dumps(name)} to env.vars")

    def read(self, path: str) -> Decision:
        """May this file be read? The path is absolute, its symlinks resolved."""
        return self._file("read", path, self._read)

    def write(self, path: str) -> Decision:
        """May this file be written? The path is absolute, its symlinks resolved."""
        return self._file("write", path, self._write)

    def _file(self, operation: str, path: str, patterns: Sequence[Glob]) -> Decision:
        whole = path if path.startswith("/") or self._cwd is None else f"{self._cwd.rstrip('/')}/{path}"
        # Symlinks are resolved already: . and .. can only stand in a path that someone made up.
        plain = whole == "/" or {"", ".", ".."}.isdisjoint(whole.split("/")[1:])
        if not plain or not whole.startswith("/") or "\0" in whole:
            return Decision(
                False, f"fs:{operation}:{path}", "a path is absolute, without empty parts, . and .."
            )
        folder = special_folder(whole)
        granted = _first_match(filter(_is_exact, patterns) if folder else patterns, [whole])
        if granted is not None:
            return Decision(True, f"fs:{operation}:{granted.pattern}")
        hint = f"add {json.dumps({operation: [whole]})} to fs.rules"
        if folder:
            hint = f"{folder} is {_SPECIAL_FOLDERS[folder]}, which no pattern with wildcards allows; {hint}"
        return self._refusal(f"fs:{operation}:{whole}", hint)

    def _hosts(self, port: int, *, names_alone: bool = False) -> Sequence[tuple[CompiledRule, HostPattern]]:
        """Return each host of the rules that name this port, or only those that may stand for a name."""
        found = self._hosts_of_port.get((port, names_alone))
        if found is None:
            found = [
                (rule, pattern)
                for rule in self._network
                if rule.has_port(port)
                for pattern in rule.hosts
                if not names_alone or pattern.block is None
            ]
            if len(self._hosts_of_port) < _MOST_PORTS:
                self._hosts_of_port[port, names_alone] = found
        return found

    def _network_refusal(self, target: Target, lead: str = "") -> Decision:
        use = "" if target.address is None else special_use(target.address)
        why = f"{target.address}, a {use} address, which no pattern with wildcards allows; " if use else ""
        return self._refusal(f"network:{target}", f"{lead}{why}{_network_hint(target)}")

    def _refusal(self, missing: str, hint: str) -> Decision:
        return Decision(False, missing, "; ".join((hint, *self.errors)))


@frozen(eq=False, repr=False)
class PolicyGuard:
    """Implements the `NetworkGuard` port with a policy."""

    policy: Policy

    def check_target(self, target: Target) -> None:
        """Raise `CapabilityError` unless a grant covers this target."""
        self.policy.connection(target).require()

    def check_address(self, target: Target, address: Address) -> None:
        """Raise `CapabilityError` unless `address`, which the target's host resolved to, may be dialled."""
        self.policy.resolved(target, address).require()


_is_exact = attrgetter("is_exact")


def _first_match(patterns: Iterable[Glob], names: Sequence[str]) -> Glob | None:
    for glob in patterns:
        for name in names:
            if glob.matches(name):
                return glob
    return None


def _network_hint(target: Target) -> str:
    return f"add {json.dumps({'hosts': [target.host], 'ports': [str(target.port)]})} to network.rules"


_SPECIAL_FOLDERS = {
    "/proc": "of the kernel",
    "/sys": "of the kernel",
    "/dev": "of devices",
    "/run": "of running services",
    "/var/run": "of running services",
}


def special_folder(path: str) -> str:
    """Return which folder of special use a canonical path lies in, such as `/proc`; an empty string for none.

    It holds the memory, variables and sockets of processes, the host's own too: no wildcard reaches it.
    """
    return next((each for each in _SPECIAL_FOLDERS if path == each or path.startswith(each + "/")), "")


def path_pattern(pattern: str, cwd: str | None) -> str:
    """Return a pattern of paths as an absolute one; without a `cwd` a relative one stays as it is.

    Raises:
        PatternError: no path is ever like it.
    """
    if pattern.startswith(("~", "$")):
        advice = "write the whole path, or a pattern such as /home/*/.config"
        raise PatternError(pattern, f"no host reads {pattern[0]} in a path; {advice}")
    if "\0" in pattern:
        raise PatternError(pattern, "a path has no NUL")
    parts = pattern.removeprefix("./").removeprefix("/").split("/")
    if pattern != "/" and not {"", ".", ".."}.isdisjoint(parts):
        plain = posixpath.normpath(f"/{pattern.lstrip('/')}")
        advice = json.dumps(plain) if pattern.startswith("/") else "the whole path"
        raise PatternError(pattern, f"a path that is judged has no empty parts, . and ..; write {advice}")
    if cwd is None or pattern.startswith(("/", "**")):
        return pattern
    escaped = re.sub(r"([*?\[\]{}\\])", r"\\\1", cwd.rstrip("/"))
    return f"{escaped}/{pattern.removeprefix('./')}"


_SYSTEM_FOLDERS = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin"})
"""Where a name means the system's own program."""

_READING_PROGRAMS = frozenset(
    {
        "[", "arch", "b2sum", "base32", "base64", "basename", "cat", "cksum", "cmp", "comm", "cut", "df",
        "dirname", "du", "echo", "expand", "expr", "factor", "false", "findmnt", "fmt",
        "fold", "free", "getent", "getfacl", "grep", "groups", "head", "hostid", "id", "join",
        "last", "locale", "logname", "ls", "lsattr", "lsblk", "lscpu", "lsmem", "lsmod", "lsns",
        "md5sum", "mountpoint", "netstat", "nl", "nproc", "numfmt", "od", "paste", "pathchk", "pgrep",
        "pidof", "pinky", "printf", "ps", "pwd", "readlink", "realpath", "seq", "sha1sum", "sha224sum",
        "sha256sum", "sha384sum", "sha512sum", "sleep", "stat", "strings", "sum", "tac", "tail", "test", "tr",
        "true", "tsort", "tty", "uname", "unexpand", "uptime", "users", "vmstat", "w", "wc", "who", "whoami",
    }
)  # fmt: skip
"""Programs that run no other program and change nothing, whatever their arguments are."""

_MULTICALL_PROGRAMS = frozenset({"busybox", "toybox", "coreutils"})
"""One file behind many names: the name decides which program it is."""

_HARMLESS_VARIABLES = frozenset(
    {"CLICOLOR", "COLUMNS", "LANG", "LANGUAGE", "LINES", "LOGNAME", "NO_COLOR", "TERM", "TZ", "USER"}
)
"""What a program may be given without a rule: they change how it writes, not what it does."""
_PLAIN_VALUE = re.compile(r"[\w.,:@+=<> -]*")
_TIME_ZONE = re.compile(r"(?![:/])(?!.*\.\.)[\w.,/+<>:-]*")
"""What such a variable may hold: catalogues of messages, locales and time zones are files elsewhere too."""

_INJECTED_PREFIXES = ("LD_", "DYLD_", "_RLD", "BASH_FUNC_")
_INJECTED_VARIABLES = frozenset(
    {
        "IFS", "LOCPATH", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "GCONV_PATH",
        "HOSTALIASES", "NLSPATH", "RES_OPTIONS", "LOCALDOMAIN", "MALLOC_TRACE", "GLIBC_TUNABLES",
        "ZDOTDIR", "SHLIB_PATH", "LIBPATH", "GETCONF_DIR", "TZDIR", "RESOLV_HOST_CONF",
    }
)  # fmt: skip
"""The linker's and the shell's own (tier one of the Go host SDK)."""


def only_reads(command: str, resolved: str) -> bool:
    """Whether a command is known to run nothing else and to change nothing.

    `command` is a bare name or an absolute path, `resolved` the file behind its symlinks, empty if unknown.
    """
    name = posixpath.basename(command)
    files = [each for each in (command, resolved) if "/" in each]
    known = {posixpath.basename(resolved or command)} <= {name, *_MULTICALL_PROGRAMS}
    return (
        name in _READING_PROGRAMS
        and known
        and all(posixpath.dirname(file) in _SYSTEM_FOLDERS for file in files)
    )


def is_harmless_variable(name: str, value: str = "") -> bool:
    """Whether a command may be given a variable that no rule names, with this value: a word, no path."""
    plain = _TIME_ZONE if name == "TZ" else _PLAIN_VALUE
    return (name in _HARMLESS_VARIABLES or name.startswith("LC_")) and plain.fullmatch(value) is not None


def injects_code(name: str) -> bool:
    """Whether a variable is one that makes the linker or the shell run other code."""
    upper = name.upper()
    return upper in _INJECTED_VARIABLES or upper.startswith(_INJECTED_PREFIXES)
