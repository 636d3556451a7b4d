"""What the Go SDK's operations on grants answer, on sets in the vectors' notation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Given = dict[str, Any]
_SECTIONS = {
    "network": ("rules", ("hosts", "ports")),
    "fs": ("rules", ("read", "write")),
    "env": ("vars", ()),
    "exec": ("commands", ()),
    "kv": ("rules", ("op", "keys")),
}
"""Of each kind, the name of its list, and the parts of a rule where it is one of rules."""


def _entries(grants: Given | None, kind: str) -> list[Any]:
    return ((grants or {}).get(kind) or {}).get(_SECTIONS[kind][0]) or []


def is_empty(grants: Given | None) -> bool:
    """Whether there is no rule in a set."""
    return not any(_entries(grants, kind) for kind in _SECTIONS)


def _same(kind: str) -> Callable[[Any], Any]:
    """Return what makes two entries of a kind equal: their parts, where null is empty."""
    parts = _SECTIONS[kind][1]
    return lambda entry: tuple(tuple(entry.get(part) or ()) for part in parts) if parts else entry


def _joined(kind: str) -> Callable[[Any], Any]:
    """Return the key by which Go takes two entries of one set for the same."""

    def key(entry: Any) -> str:
        lists = ["".join(f"{each}," for each in entry.get(part) or ()) for part in _SECTIONS[kind][1]]
        return {"network": ":", "fs": "|w:"}.get(kind, "").join(lists)

    if kind == "kv":
        return lambda rule: f"{rule.get('op', '')}:{''.join(f'{each},' for each in rule.get('keys') or ())}"
    return key if _SECTIONS[kind][1] else _same(kind)


def merge(receiver: Given, other: Given | None) -> Given:
    """Return the receiver with what it lacks of the other."""
    made = dict(receiver)
    for kind, (name, _) in _SECTIONS.items():
        key, entries = _same(kind), list(_entries(receiver, kind))
        for entry in _entries(other, kind):
            if key(entry) not in map(key, entries):
                entries.append(entry)
        if _entries(other, kind):
            made[kind] = {name: entries}
    return made


def difference(grants: Given, other: Given | None) -> Given:
    """Return what the other lacks."""
    if other is None:
        return clone(grants)
    made = {}
    for kind, (name, _) in _SECTIONS.items():
        there = [_same(kind)(entry) for entry in _entries(other, kind)]
        entries = [entry for entry in _entries(grants, kind) if _same(kind)(entry) not in there]
        if entries:
            made[kind] = {name: entries}
    return made


def contains(grants: Given | None, other: Given | None) -> bool:
    """Whether a set covers the other."""
    return is_empty(other) or (grants is not None and is_empty(difference(other or {}, grants)))


def clone(grants: Given) -> Given:
    """Return a copy, in which an empty list of texts is null, and one of rules is not."""
    made = {}
    for kind, (name, parts) in _SECTIONS.items():
        if grants.get(kind) is not None:
            entries = _entries(grants, kind)
            rules = [
                {part: entry.get(part) if part == "op" else entry.get(part) or None for part in parts}
                for entry in entries
            ]
            made[kind] = {name: rules if parts else entries or None}
    return made


def deduplicate(grants: Given) -> Given:
    """Return a set without entries that stand there twice."""
    made = dict(grants)
    for kind, (name, _) in _SECTIONS.items():
        firsts: dict[Any, Any] = {}
        for entry in _entries(grants, kind):
            firsts.setdefault(_joined(kind)(entry), entry)
        if firsts:
            made[kind] = {name: list(firsts.values())}
    return made
