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
from tests.vectors import go_config, go_json
from tests.vectors import go_values as go
from tests.vectors.go_fmt import GoValue
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

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
    """Compare the value, or the error's text and detail; by a rule, Go's are known."""
    if vector["kind"] == "Validate":
        return _validate(vector["input"], vector["expected"])
    kind, given = vector["kind"], vector["input"]
    if kind not in _FUNCTIONS:
        raise NoCounterpartError(f"no function of ours is {kind}")
    expected = go.value(vector["expected"])
    wanted = _go_answer(kind, given)
    if repr(wanted) != repr(expected):  # which tells 1 from 1.0 and True, and takes NaN for itself
        must_equal(expected, wanted)
    actual = _actual(kind, given)
    if repr(actual) == repr(expected):
        return None
    rule = _rule(kind, given, _of(actual))
    if rule is None:
        must_equal(actual, expected)
    return rule


def _go_answer(kind: str, given: Given) -> Any:  # noqa: PLR0911 - one case a kind
    """Return what Go's function answers."""
    there, default = _go_value(given), go.value(given.get("default"))
    if kind == "OptionalString":
        return there.value if there is not None and there.go_type == "string" and there.value else default
    if kind == "OptionalInt":
        is_int = there is not None and there.go_type in ("float64", "int")
        return go_config.read("Int", there) if is_int else default
    if kind == "RequireString":
        if there is None:
            return {"error": f"missing required field: {_KEY}"}
        if there.go_type != "string" or not there.value:
            return {"error": f"field {_KEY} must be non-empty string"}
        return {"value": there.value}
    name = kind.removeprefix("Must").removeprefix("Get").removesuffix("Default")
    read = go_config.read(name, there)
    if kind.endswith("Default"):
        return (float(default) if name == "Float" else default) if read is None else read
    if kind.startswith("Get"):
        return {"ok": read is not None, "value": _ZERO[name] if read is None else read}
    if read is not None:
        return {"value": read}
    text = go_config.missing(name, _KEY)
    detail = {"message": text, "type": "config", "code": _KEY}
    return {"error": text, "detail": json.dumps(detail, separators=(",", ":"))}


def _go_value(given: Given) -> GoValue | None:
    """Return what stands under the key, with its type in Go."""
    if "config" in given:
        config = given["config"] or {}
        return go_config.from_json(config[_KEY]) if _KEY in config else None
    seen = given["config_k"]
    is_typed = isinstance(seen, dict) and "typed" in seen
    return GoValue.typed(seen, "typed") if is_typed else go_config.from_json(seen)


def _of(answer: Any) -> Any:
    """Return what was read of a config, None if nothing was."""
    return answer.get("value") if isinstance(answer, dict) else answer


def _rule(kind: str, given: Given, read: Any) -> Rule | None:  # noqa: PLR0911 - one case a kind
    """Return the rule by which a value counts for us as what it does not count for in Go, if it is that value."""
    seen = given.get("config_k")
    typed = seen.get("typed") if isinstance(seen, dict) else None
    there = _config(given)
    value = there.get(_KEY) if there else None
    if isinstance(value, list):
        return Rule.PYTHON_LISTS if "Slice" in kind and read == value else None
    if typed is not None and typed.startswith("*"):
        return Rule.NO_POINTERS if read == value else None
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
    try:
        text = go_json.written("map[string]any", given)
    except (ValueError, WireFormatError):
        return _refuse_unencodable(expected)
    struct, error = go_json.read("target", text.encode())
    said = expected["error"]
    if error is not None:
        must_equal(go_json.same_error(f"{_UNREAD}{error}", said), True)
    else:
        must_equal(said, None)
    must_equal(expected["value"], struct)
    config = json.loads(text, parse_int=float) or {}
    value, problems = parse_model(Target, config)
    if problems:
        return _refused(problems, config, said)
    read = {"l": value.l, "n": value.n, "name": value.name}
    if read == struct and error is None:
        return None
    if error is not None and any(map(_is_lenient_number, [config.get("n")])):
        return Rule.LENIENT_NUMBERS
    must_equal(_has_other_case(config), True)
    return Rule.KEYS_AS_WRITTEN


_UNREAD = "failed to unmarshal config to struct: "


def _is_lenient_number(value: Any) -> bool:
    return isinstance(value, str | float) and float(value).is_integer()


def _has_other_case(config: Given) -> bool:
    """Whether Go reads a key that is written in another case as one of the model's."""
    return any(name not in _FIELDS and go_json.folded(name) in _FIELDS for name in config)


def _refused(problems: Sequence[str], config: Given, wanted: str | None) -> Rule:
    if wanted is None or _has_other_case(config):
        must_equal(_has_other_case(config) or None in (config.get("l") or ()), True)
        return Rule.KEYS_AS_WRITTEN if _has_other_case(config) else Rule.CONFIG_ENFORCED
    field = wanted.partition("target.")[2].partition(" ")[0]
    must_equal(
        any(f"@ $.{field}" in problem for problem in problems) or _is_lenient_number(config.get("n")), True
    )
    return Rule.OWN_WORDS


_FIELDS = ("name", "n", "l")


def _refuse_unencodable(expected: Given) -> Rule:
    """Compare that a config with something that is not JSON in it does not become bytes."""
    must_equal(str(expected["error"]).startswith("failed to marshal config: json: "), True)
    must_equal(expected["value"], go_json.zero("target"))
    try:
        encode_json({_KEY: object()})
    except WireFormatError:
        return Rule.OWN_WORDS
    raise AssertionError("a config that is not JSON was written")
