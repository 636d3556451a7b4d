"""How much a grant would let a plugin do, in words for the person who grants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from attrs import frozen

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    GrantSet,
    NetworkCapability,
)

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
    if grants.network is not None:
        yield from _network(grants.network)
    if grants.fs is not None:
        yield from _files(grants.fs)
    if grants.env is not None:
        yield from _environment(grants.env)
    if grants.exec is not None:
        yield from _commands(grants.exec)


def _network(capability: NetworkCapability) -> Iterator[RiskFactor]:
    for rule in capability.rules:
        text = f"Network: {_listed(rule.hosts)}:{_listed(rule.ports)}"
        if _EVERYWHERE.isdisjoint(rule.hosts):
            yield RiskFactor(RiskLevel.MEDIUM, "Outbound network access", text)
        else:
            yield RiskFactor(RiskLevel.CRITICAL, "Unrestricted network access", text)


def _files(capability: FileSystemCapability) -> Iterator[RiskFactor]:
    for rule in capability.rules:
        if rule.write:
            yield RiskFactor(RiskLevel.HIGH, "Filesystem write access", f"FS Write: {_listed(rule.write)}")
        if rule.read:
            yield RiskFactor(RiskLevel.MEDIUM, "Filesystem read access", f"FS Read: {_listed(rule.read)}")


def _environment(capability: EnvironmentCapability) -> Iterator[RiskFactor]:
    if capability.vars:
        text = f"Env: {_listed(capability.vars)}"
        yield RiskFactor(RiskLevel.LOW, "Environment variable access", text)


def _commands(capability: ExecCapability) -> Iterator[RiskFactor]:
    if capability.commands:
        text = f"Exec: {_listed(capability.commands)}"
        yield RiskFactor(RiskLevel.CRITICAL, "Arbitrary command execution", text)


def _listed(values: Iterable[str]) -> str:
    return f"[{' '.join(values)}]"
