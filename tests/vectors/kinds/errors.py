"""The error families: their texts, their details, their causes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from reglet.domain import errors
from reglet.domain.errors import HostError, RegletError, error_detail
from reglet.infrastructure.wire.failures import ERROR
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_NIL_CAUSE = re.compile(r": (<nil>|\\u003cnil\\u003e)")


def run(vector: Vector) -> Rule | None:
    """Compare text, detail and whether it is a timeout."""
    given, expected = vector["input"], vector["expected"]
    if given is None or expected["panic"] is not None:
        return Rule.NO_NIL_SETS
    error = _error(given)
    seen = (str(error), ERROR.encode(error_detail(error)).decode())
    if isinstance(given, dict) and given["type"] == "ErrorDetail":
        seen = (str(error_detail(error)), seen[1])
    wanted = (expected["error"], expected["detail_json"])
    _compare_flags(error, expected)
    if seen == wanted:
        return None
    without_cause = tuple(_NIL_CAUSE.sub("", text) for text in wanted)
    if without_cause != wanted and isinstance(given, dict):
        return _without_cause(given, seen, without_cause)
    if isinstance(given, dict) and _nanoseconds(given) % 1000:
        return Rule.TIMEDELTA
    must_equal(seen, wanted)
    return None


def _compare_flags(error: BaseException, expected: Given) -> None:
    """Compare whether it is a timeout, where Go's type can say, and the text of its cause."""
    if isinstance(error, RegletError):
        if expected["timeout"] is not None:
            must_equal(error.is_timeout, expected["timeout"])
        if expected["unwrap"] is not None:
            must_equal(str(error.__cause__), expected["unwrap"])


def _without_cause(given: Given, seen: tuple[str, ...], wanted: tuple[str, ...]) -> Rule:
    if given["type"] == "TCPError" and not given.get("network"):
        must_equal(tuple(text.replace("(tcp)", "()") for text in seen), wanted)
        return Rule.TCP_NETWORK
    must_equal(seen, wanted)
    return Rule.NO_CAUSE


def _nanoseconds(given: Given) -> int:
    return int(given.get("duration_ns", 0))


def _error(given: Any) -> BaseException:
    if isinstance(given, str):
        return RuntimeError(given)
    error = _FAMILIES[given["type"]](given)
    if "wrap" not in given:
        return error
    wrapper = RuntimeError(given["wrap"].replace("%w", str(error)))
    wrapper.__cause__ = error
    return wrapper


def _cause(given: Given) -> BaseException | None:
    """Return the cause that a vector names in words."""
    text = given.get("err")
    return None if text is None else _named_cause(text)


def _named_cause(text: str) -> BaseException:
    match text.split(" "):
        case ["TimeoutError", operation, span]:
            return errors.TimeoutError(operation, _span(span))
        case ["NetworkError", operation, target, cause]:
            return errors.NetworkError(operation, target, cause)
        case [prefix, "%w", *rest]:
            inner = _named_cause(" ".join(rest))
            outer = RuntimeError(f"{prefix} {inner}")
            outer.__cause__ = inner
            return outer
    known = _GO_ERRORS.get(text)
    return RuntimeError(text) if known is None else known


def _span(text: str) -> timedelta:
    """Return a duration that Go writes with one unit, such as 1.5s."""
    number = text.rstrip("hmsµn")
    return float(number) * _UNITS[text.removeprefix(number)]


_UNITS = {
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "µs": timedelta(microseconds=1),
}
_GO_ERRORS = {
    "context.DeadlineExceeded": TimeoutError("context deadline exceeded"),
    "context.Canceled": RuntimeError("context canceled"),
    "os.ErrDeadlineExceeded": TimeoutError("i/o timeout"),
    "os.ErrNotExist": FileNotFoundError("file does not exist"),
    "os.ErrPermission": PermissionError("permission denied"),
    "io.EOF": EOFError("EOF"),
}
"""Errors that the vectors name by their variable in Go."""


def _timeout(given: Given) -> RegletError:
    span = timedelta(microseconds=_nanoseconds(given) / 1000)
    return errors.TimeoutError(given.get("operation", ""), span, given.get("target", ""))


def _text(given: Given, *names: str) -> list[str]:
    return [given.get(name, "") for name in names]


_FAMILIES: dict[str, Any] = {
    "NetworkError": lambda g: errors.NetworkError(*_text(g, "operation", "target"), _cause(g)),
    "TimeoutError": _timeout,
    "CapabilityError": lambda g: errors.CapabilityError(*_text(g, "required", "pattern")),
    "ConfigError": lambda g: errors.ConfigError(g.get("field", ""), _cause(g)),
    "ExecError": lambda g: errors.ExecError(
        g.get("command", ""), _cause(g), g.get("exit_code", 0), g.get("stderr", "")
    ),
    "DNSError": lambda g: errors.DNSError(
        *_text(g, "hostname", "record_type"), _cause(g), g.get("nameserver", "")
    ),
    "HTTPError": lambda g: errors.HTTPError(*_text(g, "method", "url"), _cause(g), g.get("status_code", 0)),
    "TCPError": lambda g: errors.TCPError(g.get("address", ""), _cause(g), g.get("network") or "tcp"),
    "SchemaError": lambda g: errors.SchemaError(g.get("schema_type", ""), _cause(g)),
    "MemoryError": lambda g: errors.MemoryLimitError(
        g.get("requested", 0), g.get("current", 0), g.get("limit", 0)
    ),
    "WireFormatError": lambda g: errors.WireFormatError(
        g.get("operation", ""), g.get("wire_type", g.get("record", "")), _cause(g)
    ),
    "ErrorDetail": lambda g: HostError(go.detail(g["detail"]) or go.detail({})),  # type: ignore[arg-type]
}
