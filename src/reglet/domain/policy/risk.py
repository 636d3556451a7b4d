"""How much a grant would let a plugin do, in words for the person who grants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from attrs import frozen

from reglet.domain.entities.grants import GrantSet

_EVERYWHERE = frozenset({"*", "0.0.0.0"})  # noqa: S104 - a pattern that is looked for, not an address to bind


class RiskLevel(IntEnum):
    """How bad it could get, worst last."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@frozen
class RiskFactor:
    """One thing that a grant allows: how bad it is, what it is, and the rule that allows it."""

    level: RiskLevel
    description: str
    rule: str


@frozen
class Risk:
    """The worst level of a grant and every factor behind it, in the order of its rules."""

    level: RiskLevel = RiskLevel.NONE
    factors: tuple[RiskFactor, ...] = ()


def assess_risk(grants: GrantSet | None) -> Risk:
    """Return the risk of a grant as the Go SDK's analyser sees it; keys are not analysed."""
    factors = tuple(_factors(grants)) if grants is not None else ()
    return Risk(max((factor.level for factor in factors), default=RiskLevel.NONE), factors)


def _factors(grants: GrantSet) -> Iterator[RiskFactor]:
    """Yield what each rule allows, the kinds in the analyser's order: network, fs, exec, env."""
    for rule in grants.network.rules if grants.network is not None else ():
        name = f"Network: {_listed(rule.hosts)}:{_listed(rule.ports)}"
        if _EVERYWHERE.isdisjoint(rule.hosts):
            yield RiskFactor(RiskLevel.MEDIUM, "Outbound network access", name)
        else:
            yield RiskFactor(RiskLevel.CRITICAL, "Unrestricted network access", name)
    for files in grants.fs.rules if grants.fs is not None else ():
        if files.write:
            yield RiskFactor(RiskLevel.HIGH, "Filesystem write access", f"FS Write: {_listed(files.write)}")
        if files.read:
            yield RiskFactor(RiskLevel.MEDIUM, "Filesystem read access", f"FS Read: {_listed(files.read)}")
    if grants.exec is not None and grants.exec.commands:
        name = f"Exec: {_listed(grants.exec.commands)}"
        yield RiskFactor(RiskLevel.CRITICAL, "Arbitrary command execution", name)
    if grants.env is not None and grants.env.vars:
        yield RiskFactor(RiskLevel.LOW, "Environment variable access", f"Env: {_listed(grants.env.vars)}")


def _listed(values: Iterable[str]) -> str:
    return f"[{' '.join(values)}]"
