"""Declared beside touched: what is missing, what is never used, and the least that would do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import filterfalse
from typing import Any, TypeAlias

from attrs import evolve, frozen

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.policy import Decision, Policy
from reglet.testing.audit.literal import literal
from reglet.testing.audit.touched import DNS_PORT, Touched, is_temporary

_Question: TypeAlias = Callable[[Policy], Decision]


@frozen
class AuditReport:
    """The capabilities that a plugin declares, and what it touched while its examples and tests ran."""

    declared: GrantSet
    touched: Touched
    sees_variables: bool = True
    """Whether reads of variables could be noticed; else those that are declared are taken as needed."""

    @property
    def least(self) -> GrantSet:
        """The least GrantSet that covers what was touched."""
        least = self.touched.least_grants()
        return least if self.sees_variables else evolve(least, env=self.declared.env)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was touched and is not declared, such as `network example.com:443`."""
        policy = Policy(self.declared)
        return tuple(text for text, question in _questions(self._lasting) if not question(policy))

    @property
    def _lasting(self) -> Touched:
        reads, writes = (set(filterfalse(is_temporary, s)) for s in (self.touched.reads, self.touched.writes))
        return evolve(self.touched, reads=reads, writes=writes)

    @property
    def unused(self) -> tuple[str, ...]:
        """What is declared and nothing needed, such as `command /usr/bin/id`."""
        questions = [question for _, question in _questions(self.touched)]
        declared = self.declared if self.sees_variables else evolve(self.declared, env=None)
        parts = [(text, Policy(part)) for text, part in _parts(declared)]
        return tuple(text for text, policy in parts if not any(question(policy) for question in questions))

    @property
    def is_clean(self) -> bool:
        """Whether all that was touched is declared, and nothing declared is unused."""
        return not self.missing and not self.unused

    @property
    def literal(self) -> str:
        """The least GrantSet as Python to paste."""
        return literal(self.least)

    def diff(self) -> list[str]:
        """Return the lines by which the least GrantSet differs from the declared one."""
        before, after = literal(self.declared).splitlines(), self.literal.splitlines()
        return list(difflib.unified_diff(before, after, "declared", "touched", lineterm=""))

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "clean": self.is_clean,
            "sees_variables": self.sees_variables,
            "missing": list(self.missing),
            "unused": list(self.unused),
            "least": self.literal,
            "diff": self.diff(),
        }


def _questions(touched: Touched) -> Iterator[tuple[str, _Question]]:
    """Yield each thing that was touched, in words and as what a policy is asked about it."""
    for host, port in sorted(touched.targets):
        yield f"network {host}:{port}", partial(_may_connect, host=host, port=port)
    for path in sorted(touched.reads):
        yield f"read {path}", partial(Policy.read, path=path)
    for path in sorted(touched.writes):
        yield f"write {path}", partial(Policy.write, path=path)
    for name in sorted(touched.variables):
        yield f"variable {name}", partial(Policy.environment, name=name)
    for command in sorted(touched.commands):
        yield f"command {command}", partial(Policy.execute, command=command)


def _may_connect(policy: Policy, host: str, port: int) -> Decision:
    return policy.dns(host) if port == DNS_PORT else policy.network(host, port)


def _parts(grants: GrantSet) -> Iterator[tuple[str, GrantSet]]:
    """Yield each pattern that is declared, in words and alone; keys have no host function to be asked by."""
    for rule in grants.network.rules if grants.network else ():
        for host in rule.hosts:
            alone = NetworkCapability([NetworkRule([host], rule.ports)])
            yield f"network {host}:{','.join(rule.ports)}", GrantSet(network=alone)
    for files in grants.fs.rules if grants.fs else ():
        for path in files.read:
            yield f"read {path}", GrantSet(fs=FileSystemCapability([FileSystemRule(read=[path])]))
        for path in files.write:
            yield f"write {path}", GrantSet(fs=FileSystemCapability([FileSystemRule(write=[path])]))
    for name in grants.env.vars if grants.env else ():
        yield f"variable {name}", GrantSet(env=EnvironmentCapability([name]))
    for command in grants.exec.commands if grants.exec else ():
        yield f"command {command}", GrantSet(exec=ExecCapability([command]))
