"""Grants in words."""

from __future__ import annotations

from collections.abc import Iterator

from reglet.domain.entities.grants import GrantSet


def capability_lines(grants: GrantSet) -> list[str]:
    """Return each rule of a grant set as one line, in the order of its kinds."""
    return [*_network(grants), *_files(grants), *_others(grants)]


def _network(grants: GrantSet) -> Iterator[str]:
    for rule in grants.network.rules if grants.network else ():
        yield f"network {', '.join(rule.hosts)} on {', '.join(rule.ports)}"


def _files(grants: GrantSet) -> Iterator[str]:
    for rule in grants.fs.rules if grants.fs else ():
        if rule.read:
            yield f"read {', '.join(rule.read)}"
        if rule.write:
            yield f"write {', '.join(rule.write)}"


def _others(grants: GrantSet) -> Iterator[str]:
    if grants.env and grants.env.vars:
        yield f"variables {', '.join(grants.env.vars)}"
    if grants.exec and grants.exec.commands:
        yield f"commands {', '.join(grants.exec.commands)}"
    for rule in grants.kv.rules if grants.kv else ():
        yield f"{rule.op} keys {', '.join(rule.keys)}"


def single_rules(grants: GrantSet) -> list[GrantSet]:
    """Return a grant set for each rule, so that each can be asked about alone."""
    from attrs import evolve

    network = (
        [GrantSet(network=evolve(grants.network, rules=[r])) for r in grants.network.rules]
        if grants.network
        else []
    )
    files = [GrantSet(fs=evolve(grants.fs, rules=[r])) for r in grants.fs.rules] if grants.fs else []
    variables = [GrantSet(env=evolve(grants.env, vars=[v])) for v in grants.env.vars] if grants.env else []
    commands = (
        [GrantSet(exec=evolve(grants.exec, commands=[c])) for c in grants.exec.commands]
        if grants.exec
        else []
    )
    keys = [GrantSet(kv=evolve(grants.kv, rules=[r])) for r in grants.kv.rules] if grants.kv else []
    return [*network, *files, *variables, *commands, *keys]
