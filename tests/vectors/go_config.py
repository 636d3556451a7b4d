"""How the Go SDK reads a config by key: JSON has floats alone there, and each getter takes some types."""

from __future__ import annotations

import math
from typing import Any

from tests.vectors.go_fmt import GoValue

_INT64 = range(-(2**63), 2**63)
_WORDS = {
    "String": "required string field '{0}' is missing or not a string",
    "Int": "required int field '{0}' is missing or not a number",
    "Float": "required float field '{0}' is missing or not a number",
    "Bool": "required bool field '{0}' is missing or not a boolean",
    "StringSlice": "required string slice field '{0}' is missing or not a string slice",
}


def from_json(value: Any) -> GoValue:
    """Return a value of a config that came as JSON."""
    return GoValue.of(_floats(value))


def _floats(value: Any) -> Any:
    if isinstance(value, list):
        return [_floats(each) for each in value]
    if isinstance(value, dict):
        return value if value.keys() == {"$float"} else {name: _floats(each) for name, each in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read(name: str, there: GoValue | None) -> Any:
    """Return a value as the getter of that name reads it, None where it is of another type."""
    if there is None:
        return None
    if name == "Int" and there.go_type == "float64":
        is_there = math.isfinite(there.value) and int(there.value) in _INT64
        return int(there.value) if is_there else _INT64.start
    if name in ("Int", "Float") and there.go_type in ("int", "int64", "float64"):
        return int(there.value) if name == "Int" else float(there.value)
    if name == "StringSlice" and there.go_type == "[]interface {}" and there.value is not None:
        texts = [each.value for each in there.value if each.go_type == "string"]
        return texts if len(texts) == len(there.value) else None
    return there.value if there.go_type == {"String": "string", "Bool": "bool"}.get(name) else None


def missing(name: str, key: str) -> str:
    """Return the text of the error of a getter that must find a value."""
    return f"config validation failed for field '{key}': {_WORDS[name].format(key)}"
