"""Operations on grants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.infrastructure.wire.manifest import GRANTS
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_PAIRS = ("merge", "difference", "contains")


def run(vector: Vector) -> Rule | None:
    """Compare the answer, as JSON where it is a set."""
    kind, given = vector["kind"], vector["input"]
    if _has_unknown_operation(given):
        return Rule.CLOSED_STATUS
    receiver = go.grants(given["receiver"] if kind in _PAIRS else given)
    if receiver is None:
        return Rule.NO_NIL_SETS
    if kind == "is_empty":
        must_equal(receiver.is_empty, vector["expected"])
        return None
    if kind in _PAIRS:
        return _pair(vector, receiver, go.grants(given["other"]))
    alone = {"marshal": receiver, "clone": receiver.clone(), "deduplicate": receiver.deduplicate()}
    return _same_set(vector, alone[kind])


def _has_unknown_operation(given: Any) -> bool:
    """Whether a rule on keys allows what is no operation; such a set is refused when it is read."""
    sets = [each for each in (given, *(given or {}).values()) if isinstance(each, dict) and each.get("kv")]
    rules = [rule for each in sets for rule in each["kv"].get("rules") or ()]
    return any(rule.get("op") not in ("read", "write", "read-write") for rule in rules)


def _pair(vector: Vector, receiver: GrantSet, other: GrantSet | None) -> Rule | None:
    if vector["kind"] == "contains":
        return _settled(vector, receiver.contains(other), vector["expected"])
    operation = receiver.merge if vector["kind"] == "merge" else receiver.difference
    return _same_set(vector, operation(other))


def _same_set(vector: Vector, actual: GrantSet) -> Rule | None:
    expected: str = vector["expected"]
    text = GRANTS.encode(actual).decode()
    if text != expected and text == expected.replace("null", "[]"):
        return Rule.ONE_EMPTY_LIST
    return _settled(vector, text, expected)


def _settled(vector: Vector, actual: object, expected: object) -> Rule | None:
    """Compare; where Go takes two rules for one since their texts join to the same key, we do not."""
    if actual != expected and "," in "".join(_texts(vector["input"])):
        return Rule.WHOLE_RULES
    must_equal(actual, expected)
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
