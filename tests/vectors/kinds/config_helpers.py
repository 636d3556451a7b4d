"""Values read out of a config without a model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import reglet
from reglet import config
from reglet.application.models.from_json import parse_model
from reglet.domain.errors import ConfigError, WireFormatError
from reglet.infrastructure.wire.go_json import encode_json
from reglet.infrastructure.wire.messages import ERROR
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_KEY = "k"
_INT64 = range(-(2**63), 2**63)
_ZERO: dict[str, Any] = {"String": "", "Int": 0, "Float": 0.0, "Bool": False, "StringSlice": None}
_FUNCTIONS = {
    "GetString": config.get_string,
    "GetInt": config.get_int,
    "GetFloat": config.get_float,
    "GetBool": config.get_bool,
    "GetStringSlice": config.get_string_slice,
    "MustGetString": config.must_get_string,
    "MustGetInt": config.must_get_int,
    "MustGetFloat": config.must_get_float,
    "MustGetBool": config.must_get_bool,
    "MustGetStringSlice": config.must_get_string_slice,
    "RequireString": config.require_string,
    "GetStringDefault": config.get_string_default,
    "GetIntDefault": config.get_int_default,
    "GetFloatDefault": config.get_float_default,
    "GetBoolDefault": config.get_bool_default,
    "GetStringSliceDefault": config.get_string_slice_default,
    "OptionalString": config.optional_string,
    "OptionalInt": config.optional_int,
}


@reglet.model
class Target:
    """The struct that the vectors validate into."""

    name: str = ""
    n: int = 0
    l: list[str] | None = None  # noqa: E741 - the vectors' name


def run(vector: Vector) -> Rule | None:
    """Compare the value, or the error's text and detail."""
    if vector["kind"] == "Validate":
        return _validate(vector["input"], vector["expected"])
    given = vector["input"]
    actual = _actual(vector["kind"], given)
    expected = go.value(vector["expected"])
    if repr(actual) == repr(expected):  # which tells 1 from 1.0 and True, and takes NaN for itself
        return None
    rule = _rule(vector["kind"], given, _of(actual))
    if rule is None:
        must_equal(actual, expected)
    return rule


def _of(answer: Any) -> Any:
    """Return what was read of a config, None if nothing was."""
    return answer.get("value") if isinstance(answer, dict) else answer


def _rule(kind: str, given: Given, read: Any) -> Rule | None:
    """Return the rule by which a value counts for us as what it does not count for in Go, if it is that value."""
    seen = given.get("config_k")
    typed = seen.get("typed") if isinstance(seen, dict) else None
    there = _config(given)
    value = there.get(_KEY) if there else None
    if isinstance(value, list):
        return Rule.PYTHON_LISTS if "Slice" in kind and read == value else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    is_number = math.isfinite(value)
    if typed is not None and typed not in ("int", "int64", "float64", "string", "bool"):
        return Rule.PYTHON_NUMBERS if is_number and read in (value, int(value)) else None
    if kind == "OptionalInt" and typed == "int64":
        return Rule.PYTHON_NUMBERS if read == value else None
    if not is_number or int(value) not in _INT64 or int(float(value)) != int(value):
        return Rule.WHOLE_INTEGERS
    return None


def _config(given: Given) -> Given | None:
    if "config" in given:
        return given["config"] if given["config"] is None else go.value(given["config"])
    seen = given["config_k"]
    if isinstance(seen, dict) and "typed" in seen:
        read = Decimal if seen["typed"] == "json.Number" else go.value
        return {_KEY: read(seen["value"])}
    return {_KEY: go.value(seen)}


def _actual(kind: str, given: Given) -> Any:
    arguments = [_config(given), _KEY]
    if "default" in given:
        arguments.append(go.value(given["default"]))
    try:
        value = _FUNCTIONS[kind](*arguments)  # type: ignore[operator]  # each takes what its kind gives
    except ConfigError as error:
        return _failure(kind, error)
    if kind.startswith(("Must", "Require")):
        return {"value": value}
    if kind.startswith("Get") and not kind.endswith("Default"):
        return {"ok": value is not None, "value": _ZERO[kind[3:]] if value is None else value}
    return value


def _failure(kind: str, error: ConfigError) -> Given:
    if kind == "RequireString":
        return {"error": str(error.cause)}
    return {"error": str(error), "detail": ERROR.encode(error.detail()).decode()}


def _validate(given: Given | None, expected: Given) -> Rule | None:
    """Compare the model's fields; where Go refuses, that we refuse, in words of our own."""
    if given and "$go" in json.dumps(given):
        return _refuse_unencodable(expected)
    config = go.value(given or {})
    if not all(math.isfinite(each) for each in config.values() if isinstance(each, float)):
        return _refuse_unencodable(expected)
    value, problems = parse_model(Target, config)
    if problems:
        return _refused(problems, config, expected["error"])
    return _read(value, config, expected)


def _refused(problems: Sequence[str], config: Given, wanted: str | None) -> Rule:
    if wanted is None:
        return _refuse_null(problems, config)
    field = wanted.partition("target.")[2].partition(" ")[0]
    must_equal(any(f"@ $.{field}" in problem for problem in problems), True)
    return Rule.OWN_WORDS


def _read(value: Target, config: Given, expected: Given) -> Rule | None:
    read = {"l": value.l, "n": value.n, "name": value.name}
    if expected["error"] is not None:
        lenient = config.get("n")
        must_equal(isinstance(lenient, str | float) and float(lenient).is_integer(), True)
        return Rule.LENIENT_NUMBERS
    if read == expected["value"]:
        return None
    folded = {name.lower() for name in config if name not in read}
    must_equal({name for name in read if read[name] != expected["value"][name]} - folded, set())
    return Rule.KEYS_AS_WRITTEN


def _refuse_null(problems: Sequence[str], config: Given) -> Rule:
    """Compare that what we refuse and Go takes is a null in a list of texts."""
    must_equal(None in (config.get("l") or ()), True)
    must_equal(all("@ $.l[" in problem for problem in problems), True)
    return Rule.CONFIG_ENFORCED


def _refuse_unencodable(expected: Given) -> Rule:
    """Compare that a config with something that is not JSON in it does not become bytes."""
    assert expected["error"] is not None
    try:
        encode_json({_KEY: object()})
    except WireFormatError:
        return Rule.OWN_WORDS
    raise AssertionError("a config that is not JSON was written")
