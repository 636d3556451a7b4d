"""Facts beside a log message, typed and written as the Go SDK's handler writes them (ABI section 2)."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

from reglet.application.models.declaring import is_model
from reglet.application.models.text_forms import write_duration, write_moment
from reglet.application.models.writing import write_model
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.log_record import LogAttribute, LogAttributeType

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class Group(NamedTuple):
    """Facts that belong together under one key."""

    attributes: Mapping[str, Any]


def group(**attributes: Any) -> Group:
    """Put facts together under one key of `extra`."""
    return Group(attributes)


def log_attribute(key: str, value: Any) -> LogAttribute:
    """Return a fact with its type; what has no type of its own is of type any."""
    kind, text = _typed(value)
    return LogAttribute(key, kind, text)


def _typed(value: Any) -> tuple[LogAttributeType, str]:
    if isinstance(value, Enum):
        value = value.value
    for types, write in _KINDS:
        if isinstance(value, types):
            return write(value)
    if is_model(type(value)):
        return "json", _json(write_model(value))
    return "any", "<nil>" if value is None else str(value)


def _integer(value: int) -> tuple[LogAttributeType, str]:
    if value in _INT64:
        return "int64", str(value)
    return ("uint64" if value in _UINT64 else "any"), str(value)


def _float(value: float) -> tuple[LogAttributeType, str]:
    if math.isfinite(value):
        return "float64", f"{value:f}"
    return "float64", "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _group(value: Group) -> tuple[LogAttributeType, str]:
    return "group", _grouped(value)


def _grouped(value: Any) -> str:
    """Return a value as it stands inside a group; a float is short there."""
    if isinstance(value, Group):
        return f"[{' '.join(f'{key}={_grouped(each)}' for key, each in value.attributes.items())}]"
    return f"{value:g}" if isinstance(value, float) else _typed(value)[1]


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)
    return text.translate(_HTML)


def _plain(value: Any) -> Any:
    """Return what JSON has no form for as something that it has."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if is_model(type(value)):
        return write_model(value)
    return _typed(value)[1]


def _as_json(value: Any) -> tuple[LogAttributeType, str]:
    try:
        return "json", _json(value)
    except (TypeError, ValueError, RecursionError):  # such as keys of two types
        return "any", repr(value)


_KINDS: tuple[tuple[Any, Callable[[Any], tuple[LogAttributeType, str]]], ...] = (
    (str, lambda value: ("string", value)),
    (bool, lambda value: ("bool", "true" if value else "false")),
    (int, _integer),
    (float, _float),
    (datetime, lambda value: ("time", write_moment(value))),
    (timedelta, lambda value: ("duration", write_duration(value))),
    ((BaseException, ErrorDetail), lambda value: ("error", str(value) or type(value).__name__)),
    (Group, _group),
    ((Mapping, list, tuple, set, frozenset, bytes, bytearray), _as_json),
)
