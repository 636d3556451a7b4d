"""What a plugin asks for and a user grants: network, files, environment, commands, keys (ABI section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

from attrs import Attribute, field, fields, fields_dict, frozen

from reglet.domain.entities import Strings

T = TypeVar("T")

KeyOperation = Literal["read", "write", "read-write"]

_WIDEST_PRIVATE = {4: 8, 6: 7}
"""The shortest prefix of a private block, by the version of IP: `10.0.0.0/8` and `fc00::/7`."""


def _strings(values: Strings) -> tuple[str, ...]:
    return cast("Any", values) if isinstance(values, str) else tuple(values)  # which the validator refuses


def _are_strings(rule: object, attribute: Attribute[tuple[str, ...]], values: object) -> None:
    strangers = [values] if isinstance(values, str) else values if isinstance(values, tuple) else ()
    for each in strangers:
        if each is values or not isinstance(each, str):
            raise TypeError(
                f"{type(rule).__name__}: {attribute.name} is a list of strings, not {each!r}; "
                f'write {attribute.name}=["{each}"]'
            )


def _rules_of(kind: type[T], rules: Iterable[T]) -> tuple[T, ...]:
    """Return rules as a tuple; one alone, and what is none, is refused."""
    is_one = isinstance(rules, str | kind)
    given: tuple[Any, ...] = (rules,) if is_one else tuple(rules)
    for each in given:
        if is_one or not isinstance(each, kind):
            fields = ", ".join(f"{name}=…" for name in fields_dict(cast("Any", kind)))
            raise TypeError(
                f"rules is a list of rules, not {each!r}; write rules=[reglet.{kind.__name__}({fields})]"
            )
    return given


@frozen
class NetworkRule:
    """Hosts and ports that belong together: a request must match both.

    Hosts are names, addresses, CIDR blocks or globs; ports are `"443"`, `"8000-9000"` or `"*"`.
    """

    hosts: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())
    ports: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """The hosts that are loopback, private or link-local addresses, which some hosts ask for apart."""
        private = []
        for host in self.hosts:
            name = host.strip("[]").lower().removesuffix(".")
            if name == "localhost" or name.endswith(".localhost"):
                private.append(host)
                continue
            try:
                block = ip_network(name, strict=False)
            except ValueError:  # a name
                continue
            is_wildcard = block.prefixlen < _WIDEST_PRIVATE[block.version]  # wider than any private block
            if not is_wildcard and (block.is_private or block.is_link_local):
                private.append(host)
        return tuple(private)


@frozen
class FileSystemRule:
    """Globs of paths that may be read, and of paths that may be written."""

    read: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())
    write: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())


@frozen
class KeyValueRule:
    """Globs of keys in the host's store, and what may be done with them."""

    keys: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())
    op: KeyOperation = "read"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be done with a key."""
        if self.op not in get_args(KeyOperation):
            known = ", ".join(map(repr, get_args(KeyOperation)))
            raise TypeError(f"KeyValueRule: op is {self.op!r}; there are {known}")


def _network_rules(rules: Iterable[NetworkRule]) -> tuple[NetworkRule, ...]:
    return _rules_of(NetworkRule, rules)


@frozen
class NetworkCapability:
    """Outbound network access, rule by rule."""

    rules: tuple[NetworkRule, ...] = field(converter=_network_rules, default=())


def _file_rules(rules: Iterable[FileSystemRule]) -> tuple[FileSystemRule, ...]:
    return _rules_of(FileSystemRule, rules)


@frozen
class FileSystemCapability:
    """Access to files, rule by rule."""

    rules: tuple[FileSystemRule, ...] = field(converter=_file_rules, default=())


@frozen
class EnvironmentCapability:
    """Environment variables that may be read: names or globs."""

    vars: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())


@frozen
class ExecCapability:
    """Commands that may be run: paths or globs."""

    commands: tuple[str, ...] = field(converter=_strings, validator=_are_strings, default=())


def _key_rules(rules: Iterable[KeyValueRule]) -> tuple[KeyValueRule, ...]:
    return _rules_of(KeyValueRule, rules)


@frozen
class KeyValueCapability:
    """Access to the host's key-value store, rule by rule."""

    rules: tuple[KeyValueRule, ...] = field(converter=_key_rules, default=())


@frozen
class GrantSet:
    """A set of capabilities, by kind; None means that the kind is not there at all.

    All operations return new sets. Rules are compared whole, field by field, in order.

    Attributes:
        network: hosts with the ports on which they may be reached.
        fs: files that may be read or written.
        env: environment variables that may be read.
        exec: programs that may be run.
        kv: keys of the host's store.
    """

    network: NetworkCapability | None = None
    fs: FileSystemCapability | None = None
    env: EnvironmentCapability | None = None
    exec: ExecCapability | None = None
    kv: KeyValueCapability | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what is no capability, such as a rule or a list."""
        for name, kind in _KINDS:
            given = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                inner = fields(kind)[0].name
                raise TypeError(
                    f"GrantSet: {name} is {given!r}; write {name}=reglet.{kind.__name__}({inner}=[…])"
                )

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
