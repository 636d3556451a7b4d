"""Operations on grants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.infrastructure.wire.exports import GRANTS
from tests.vectors import go_grants, go_json
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_PAIRS = ("merge", "difference", "contains")


def run(vector: Vector) -> Rule | None:
    """Compare the answer, as JSON where it is a set."""
    kind, given = vector["kind"], vector["input"]
    must_equal(vector["expected"], _go_answer(vector))
    if has_unknown_operation(given):
        return Rule.CLOSED_STATUS
    receiver = go.grants(given["receiver"] if kind in _PAIRS else given)
    if receiver is None:
        return _no_receiver(vector)
    if kind == "is_empty":
        must_equal(receiver.is_empty, vector["expected"])
        return None
    if kind in _PAIRS:
        return _pair(vector, receiver, go.grants(given["other"]))
    alone = {"marshal": receiver, "clone": receiver.clone(), "deduplicate": receiver.deduplicate()}
    return _same_set(vector, alone[kind])


def _go_answer(vector: Vector) -> Any:
    """Return what Go answers: a set as JSON, a boolean, or the panic of a nil set."""
    kind, given, expected = vector["kind"], vector["input"], vector["expected"]
    receiver, other = (given["receiver"], given["other"]) if kind in _PAIRS else (given, None)
    if kind == "is_empty":
        return go_grants.is_empty(receiver)
    if kind == "contains":
        return go_grants.contains(receiver, other)
    if receiver is None:
        said = expected["panic"] if isinstance(expected, dict) else None
        if kind == "deduplicate":
            return expected if said is None else "null"  # nothing is changed, which is told in two ways
        is_panic = kind == "merge" and not go_grants.is_empty(other)
        return {"panic": said if "nil pointer" in (said or "") else ""} if is_panic else "null"
    operations = {"marshal": lambda: receiver, "clone": lambda: go_grants.clone(receiver)}
    operations["deduplicate"] = lambda: go_grants.deduplicate(receiver)
    operations["merge"] = lambda: go_grants.merge(receiver, other)
    operations["difference"] = lambda: go_grants.difference(receiver, other)
    return go_json.written("GrantSet", operations[kind]())


def _no_receiver(vector: Vector) -> Rule:
    """Compare that our empty set answers a question as Go's nil set does."""
    kind, expected = vector["kind"], vector["expected"]
    if isinstance(expected, bool):
        other = go.grants(vector["input"]["other"]) if kind in _PAIRS else None
        must_equal(GrantSet().is_empty if kind == "is_empty" else GrantSet().contains(other), expected)
    return Rule.NO_NIL_SETS


def has_unknown_operation(given: Any) -> bool:
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
    if actual != expected and _joins_alike(vector["input"]):
        return Rule.WHOLE_RULES
    must_equal(actual, expected)
    return None


def _joins_alike(given: Any) -> bool:
    """Whether two lists of the input are the same when they are joined with commas, and are not the same."""
    lists = [tuple(each) for each in _lists(given)]
    joined = {each: ",".join(each) for each in lists}
    return len(set(joined.values())) < len(joined)


def _lists(value: Any) -> Iterator[list[str]]:
    """Yield every list of texts in a value, those that are null or absent as empty."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _lists(each)
