"""Reads values out of a config that has no model: by key, by type, with or without a default.

Each kind has three readers: `get_*` answers None when the key is missing or holds another type, `must_get_*`
raises `ConfigError` then, `get_*_default` answers the default. JSON numbers count as int and as float alike;
a boolean is never a number, and a numeric string is a string. `validate` reads a whole config as a model.
"""

from __future__ import annotations

import math
from typing import TypeVar, cast

from reglet.application.models.from_json import parse_model
from reglet.domain.entities import JSONObject, JSONValue
from reglet.domain.errors import ConfigError, ConfigProblemsError

T = TypeVar("T")


def get_string(config: JSONObject | None, key: str) -> str | None:
    """Return a string, which may be empty; None if there is none."""
    value = _value(config, key)
    return value if isinstance(value, str) else None


def get_int(config: JSONObject | None, key: str) -> int | None:
    """Return a number without its fraction (1.9 gives 1, -1.9 gives -1); None if there is none."""
    value = _value(config, key)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def get_float(config: JSONObject | None, key: str) -> float | None:
    """Return a number; None if there is none, or if it is an integer too large for a float."""
    value = _value(config, key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def get_bool(config: JSONObject | None, key: str) -> bool | None:
    """Return a boolean; None if there is none."""
    value = _value(config, key)
    return value if isinstance(value, bool) else None


def get_string_slice(config: JSONObject | None, key: str) -> list[str] | None:
    """Return a list of strings, which may be empty; None if there is none or an item is not a string."""
    value = _value(config, key)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        return None
    return list(value)


def must_get_string(config: JSONObject | None, key: str) -> str:
    """Return a string, which may be empty; raises `ConfigError` if there is none."""
    return _required(get_string(config, key), key, "string", "a string")


def must_get_int(config: JSONObject | None, key: str) -> int:
    """Return a number without its fraction; raises `ConfigError` if there is none."""
    return _required(get_int(config, key), key, "int", "a number")


def must_get_float(config: JSONObject | None, key: str) -> float:
    """Return a number; raises `ConfigError` if there is none."""
    return _required(get_float(config, key), key, "float", "a number")


def must_get_bool(config: JSONObject | None, key: str) -> bool:
    """Return a boolean; raises `ConfigError` if there is none."""
    return _required(get_bool(config, key), key, "bool", "a boolean")


def must_get_string_slice(config: JSONObject | None, key: str) -> list[str]:
    """Return a list of strings; raises `ConfigError` if there is none."""
    return _required(get_string_slice(config, key), key, "string list", "a list of strings")


def get_string_default(config: JSONObject | None, key: str, default: str) -> str:
    """Return a string, which may be empty, or the default."""
    return _or(get_string(config, key), default)


def get_int_default(config: JSONObject | None, key: str, default: int) -> int:
    """Return a number without its fraction, or the default."""
    return _or(get_int(config, key), default)


def get_float_default(config: JSONObject | None, key: str, default: float) -> float:
    """Return a number, or the default."""
    return _or(get_float(config, key), default)


def get_bool_default(config: JSONObject | None, key: str, default: bool) -> bool:
    """Return a boolean, or the default."""
    return _or(get_bool(config, key), default)


def get_string_slice_default(config: JSONObject | None, key: str, default: list[str]) -> list[str]:
    """Return a list of strings, which may be empty, or the default."""
    return _or(get_string_slice(config, key), default)


def require_string(config: JSONObject | None, key: str) -> str:
    """Return a string that is not empty; raises `ConfigError` if there is none."""
    if config is None or key not in config:
        raise ConfigError(key, f"missing required field: {key}")
    value = get_string(config, key)
    if not value:
        raise ConfigError(key, f"field {key} must be non-empty string")
    return value


def optional_string(config: JSONObject | None, key: str, default: str) -> str:
    """Return a string that is not empty, or the default."""
    return get_string(config, key) or default


def optional_int(config: JSONObject | None, key: str, default: int) -> int:
    """Return a number without its fraction, or the default."""
    return get_int_default(config, key, default)


def validate(config: JSONObject | None, model: type[T]) -> T:
    """Return a config as a model, its defaults applied and its bounds checked.

    Raises:
        ConfigProblemsError: it does not fit; the error has every problem.
    """
    read, problems = parse_model(model, dict(config or {}))
    if problems:
        raise ConfigProblemsError(problems)
    return cast("T", read)


def _value(config: JSONObject | None, key: str) -> JSONValue:
    return None if config is None else config.get(key)


def _required(value: T | None, key: str, kind: str, wanted: str) -> T:
    if value is None:
        raise ConfigError(key, f"required {kind} field '{key}' is missing or not {wanted}")
    return value


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
