"""A GrantSet as the Python that makes it, to paste into a plugin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from reglet.domain.entities.grants import FileSystemRule, GrantSet


def literal(grants: GrantSet) -> str:
    """Return the expression; `reglet.GrantSet()` where nothing is granted."""
    lines = list(_kinds(grants))
    return "\n".join(["reglet.GrantSet(", *lines, ")"]) if lines else "reglet.GrantSet()"


def _kinds(grants: GrantSet) -> Iterator[str]:
    if grants.network is not None:
        rules = [f"NetworkRule(hosts={_list(r.hosts)}, ports={_list(r.ports)})" for r in grants.network.rules]
        yield from _rules("network", "NetworkCapability", rules)
    if grants.fs is not None:
        yield from _rules("fs", "FileSystemCapability", [_files(rule) for rule in grants.fs.rules])
    if grants.env is not None:
        yield f"    env=reglet.EnvironmentCapability(vars={_list(grants.env.vars)}),"
    if grants.exec is not None:
        yield f"    exec=reglet.ExecCapability(commands={_list(grants.exec.commands)}),"
    if grants.kv is not None:
        rules = [f'KeyValueRule(keys={_list(rule.keys)}, op="{rule.op}")' for rule in grants.kv.rules]
        yield from _rules("kv", "KeyValueCapability", rules)


def _rules(kind: str, name: str, rules: Sequence[str]) -> Iterator[str]:
    yield f"    {kind}=reglet.{name}(rules=["
    yield from (f"        reglet.{rule}," for rule in rules)
    yield "    ]),"


def _files(rule: FileSystemRule) -> str:
    given = {"read": rule.read, "write": rule.write}
    return f"FileSystemRule({', '.join(f'{name}={_list(paths)}' for name, paths in given.items() if paths)})"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"
