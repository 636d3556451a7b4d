"""How much a grant would let a plugin do, in words for the person who grants it."""

from __future__ import annotations

from collections.abc import Iterable
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
    if grants is None:
        return Risk()
    factors: list[RiskFactor] = []

    def add(level: RiskLevel, description: str, rule: str) -> None:
        factors.append(RiskFactor(level, description, rule))

    for network in grants.network.rules if grants.network is not None else ():
        rule = f"Network: {_listed(network.hosts)}:{_listed(network.ports)}"
        if _EVERYWHERE.isdisjoint(network.hosts):
            add(RiskLevel.MEDIUM, "Outbound network access", rule)
        else:
            add(RiskLevel.CRITICAL, "Unrestricted network access", rule)
    for files in grants.fs.rules if grants.fs is not None else ():
        if files.write:
            add(RiskLevel.HIGH, "Filesystem write access", f"FS Write: {_listed(files.write)}")
        if files.read:
            add(RiskLevel.MEDIUM, "Filesystem read access", f"FS Read: {_listed(files.read)}")
    if grants.exec is not None and grants.exec.commands:
        add(RiskLevel.CRITICAL, "Arbitrary command execution", f"Exec: {_listed(grants.exec.commands)}")
    if grants.env is not None and grants.env.vars:
        add(RiskLevel.LOW, "Environment variable access", f"Env: {_listed(grants.env.vars)}")
    return Risk(max((factor.level for factor in factors), default=RiskLevel.NONE), tuple(factors))


def _listed(values: Iterable[str]) -> str:
    return f"[{' '.join(values)}]"
