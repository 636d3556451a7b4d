"""What a plugin asks for and a user grants: network, files, environment, commands, keys (ABI section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

KeyOperation = Literal["read", "write", "read-write"]

_WIDEST_PRIVATE = {4: 8, 6: 7}
"""The shortest prefix of a private block, by the version of IP: `10.0.0.0/8` and `fc00::/7`."""


class _Strings(Protocol):
    """Some strings, and not one: a string contains nothing but strings."""

    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


def _strings(values: _Strings | Iterator[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"expected a list of strings, not the string {values!r}: write [{values!r}]")
    return tuple(values)


@frozen
class NetworkRule:
    """Hosts and ports that belong together: a request must match both.

    Hosts are names, addresses, CIDR blocks or globs; ports are `"443"`, `"8000-9000"` or `"*"`.
    """

    hosts: tuple[str, ...] = field(converter=_strings, default=())
    ports: tuple[str, ...] = field(converter=_strings, default=())

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """The hosts that are loopback, private or link-local addresses, which some hosts ask for apart."""
        return tuple(host for host in self.hosts if _is_private(host))


def _is_private(host: str) -> bool:
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        block = ip_network(name, strict=False)
    except ValueError:
        return False
    # A wider block than any of the private ones is a wildcard.
    return block.prefixlen >= _WIDEST_PRIVATE[block.version] and (block.is_private or block.is_link_local)


@frozen
class FileSystemRule:
    """Globs of paths that may be read, and of paths that may be written."""

    read: tuple[str, ...] = field(converter=_strings, default=())
    write: tuple[str, ...] = field(converter=_strings, default=())


@frozen
class KeyValueRule:
    """Globs of keys in the host's store, and what may be done with them."""

    keys: tuple[str, ...] = field(converter=_strings, default=())
    op: KeyOperation = "read"


@frozen
class NetworkCapability:
    """Outbound network access, rule by rule."""

    rules: tuple[NetworkRule, ...] = field(converter=tuple[NetworkRule, ...], default=())


@frozen
class FileSystemCapability:
    """Access to files, rule by rule."""

    rules: tuple[FileSystemRule, ...] = field(converter=tuple[FileSystemRule, ...], default=())


@frozen
class EnvironmentCapability:
    """Environment variables that may be read: names or globs."""

    vars: tuple[str, ...] = field(converter=_strings, default=())


@frozen
class ExecCapability:
    """Commands that may be run: paths or globs."""

    commands: tuple[str, ...] = field(converter=_strings, default=())


@frozen
class KeyValueCapability:
    """Access to the host's key-value store, rule by rule."""

    rules: tuple[KeyValueRule, ...] = field(converter=tuple[KeyValueRule, ...], default=())


@frozen
class GrantSet:
    """A set of capabilities, by kind; None means that the kind is not there at all.

    All operations return new sets. Rules are compared whole, field by field, in order.
    """

    network: NetworkCapability | None = None
    fs: FileSystemCapability | None = None
    env: EnvironmentCapability | None = None
    exec: ExecCapability | None = None
    kv: KeyValueCapability | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is granted; a kind without rules counts as nothing."""
        return not any(_rules(self))

    def merge(self, other: GrantSet | None) -> GrantSet:
        """Return the rules of this set, then those of `other` that this one lacks, each once."""
        if other is None:
            return self
        merged: dict[str, Any] = {}
        for (name, kind), mine, theirs in zip(_KINDS, _rules(self), _rules(other), strict=True):
            rules = (
                *(mine or ()),
                *(rule for rule in dict.fromkeys(theirs or ()) if rule not in (mine or ())),
            )
            if rules or mine is not None:
                merged[name] = kind(rules)
        return GrantSet(**merged)

    def difference(self, other: GrantSet | None) -> GrantSet:
        """Return the rules of this set that `other` lacks; a kind left without rules is dropped."""
        if other is None:
            return self
        left: dict[str, Any] = {}
        for (name, kind), mine, theirs in zip(_KINDS, _rules(self), _rules(other), strict=True):
            rules = [rule for rule in mine or () if rule not in (theirs or ())]
            if rules:
                left[name] = kind(rules)
        return GrantSet(**left)

    def contains(self, other: GrantSet | None) -> bool:
        """Whether every rule of `other` stands in this set too."""
        return other is None or other.difference(self).is_empty

    def deduplicate(self) -> GrantSet:
        """Return this set with every rule once, where it came first."""
        kinds = zip(_KINDS, _rules(self), strict=True)
        return GrantSet(
            **{name: kind(dict.fromkeys(mine)) for (name, kind), mine in kinds if mine is not None}
        )

    def clone(self) -> GrantSet:
        """Return an equal set; sets never change, so it is the same one."""
        return self


_Rules: TypeAlias = tuple[Any, ...] | None
_KINDS: tuple[tuple[str, Any], ...] = (
    ("network", NetworkCapability),
    ("fs", FileSystemCapability),
    ("env", EnvironmentCapability),
    ("exec", ExecCapability),
    ("kv", KeyValueCapability),
)


def _rules(grants: GrantSet) -> tuple[_Rules, ...]:
    """Return the rules of each kind, None for a kind that is not there."""
    network, fs, env, commands, kv = grants.network, grants.fs, grants.env, grants.exec, grants.kv
    return (
        None if network is None else network.rules,
        None if fs is None else fs.rules,
        None if env is None else env.vars,
        None if commands is None else commands.commands,
        None if kv is None else kv.rules,
    )
