"""Which paths a guest may know of: what was granted, and the directories on the way there."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Self

from attrs import field, frozen

from reglet.domain.policy.files import path_pattern
from reglet.domain.policy.globs import Glob, PatternError, alternatives, is_exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.domain.policy import Policy

_ANY_DEPTH = "**"


@frozen
class GrantedPaths:
    """Asks the policy about canonical paths: absolute, symlinks resolved."""

    policy: Policy
    _ways: tuple[tuple[str, ...], ...] = field(repr=False)

    @classmethod
    def of(cls, policy: Policy, directory: str) -> Self:
        """Return what a policy grants, relative patterns starting in `directory`, as for the policy.

        That this directory exists a guest may know in any case: its relative paths start there.
        """
        return cls(policy, tuple(_ways(policy, directory)))

    def may_read(self, path: str) -> bool:
        """Whether the file may be read."""
        return self.policy.read(path).allowed

    def may_write(self, path: str) -> bool:
        """Whether the file may be written, made and removed."""
        return self.policy.write(path).allowed

    def is_granted(self, path: str) -> bool:
        """Whether a rule names the path."""
        return self.may_read(path) or self.may_write(path)

    def leads_on(self, directory: str) -> bool:
        """Whether something below a directory may be granted."""
        names = _names(directory)
        return any(_leads(way, names) for way in self._ways)

    def may_list(self, directory: str) -> bool:
        """Whether the names in a directory are granted, all of them or those that fit a wildcard.

        Of one that only leads to granted files the names are not: a list of those files would look whole.
        """
        names = _names(directory)
        return self.may_read(directory) or any(_lists(way, names) for way in self._ways)

    def is_known(self, path: str) -> bool:
        """Whether a guest may know that the path exists."""
        return self.is_granted(path) or self.leads_on(path)


def _ways(policy: Policy, directory: str) -> Iterator[tuple[str, ...]]:
    """Split the granted patterns into the names that lead to what they match."""
    rules = () if policy.grants.fs is None else policy.grants.fs.rules
    for text in (".", *(text for rule in rules for text in (*rule.read, *rule.write))):
        try:
            found = alternatives(path_pattern(text, directory))
        except PatternError:  # the policy matches nothing with it, and says so
            continue
        yield from map(_names, found)


def _names(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name)


def _leads(way: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a pattern, name by name, may match something below these names."""
    for pattern, name in zip(way, names, strict=False):
        if pattern == _ANY_DEPTH:
            return True
        if not _matches(pattern, name):
            return False
    return len(way) > len(names)


def _lists(way: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a pattern that leads into the directory of these names goes on with a wildcard."""
    return _leads(way, names) and (_ANY_DEPTH in way[: len(names)] or not is_exact(way[len(names)]))


@lru_cache(maxsize=4096)
def _matches(pattern: str, name: str) -> bool:
    try:
        return Glob.parse(pattern).matches(name)
    except PatternError:
        return False
