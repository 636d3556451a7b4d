"""Facts beside a log message, and levels."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from reglet.application.logging import LogSinkHandler, group, level_name, log_attribute
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import LogMessage
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_SLOG_STEP, _SLOG_INFO = 4, 0
_NAMES = {"DEBUG", "INFO", "WARN", "ERROR"}
_DETAIL = ErrorDetail("network", "m", "C")


class _Silent:
    """A sink that forgets."""

    def write(self, message: LogMessage) -> None:
        """Take a message."""


class _OwnTextError(Exception):
    """An error with more to it than its text."""

    def __str__(self) -> str:
        return "errJSON!"


def run(vector: Vector) -> Rule | None:
    """Compare key, type and text; a level's name; or whether a level passes."""
    given, expected = vector["input"], vector["expected"]
    match vector["kind"]:
        case "level_string":
            return _level_name(given, expected)
        case "enabled":
            must_equal(_is_enabled(given["record_level"], given["handler_level"]), expected)
            return None
    return _attribute(given, expected)


def _attribute(given: dict[str, Any], expected: dict[str, str]) -> Rule | None:
    (kind, content), *_ = given.items()
    if kind == "any" and _has_no_form(content):
        return Rule.NO_COMPLEX
    attribute = log_attribute(expected["key"], _value(kind, content))
    seen = {"key": attribute.key, "type": attribute.type, "value": attribute.value}
    rule = None if seen == expected else _rule(kind, content, seen, expected)
    if rule is None:
        must_equal(seen, expected)
    return rule


def _rule(kind: str, content: Any, seen: dict[str, str], expected: dict[str, str]) -> Rule | None:
    if kind.endswith("duration_ns") and int(content) % 1000:
        return Rule.TIMEDELTA
    if "int" in kind and seen["value"] == expected["value"]:
        return Rule.PYTHON_NUMBERS
    raw = isinstance(content, dict) and set(content) & {"$bytes_b64", "$raw_json", "$go"}
    told = kind == "any" and isinstance(content, str)  # a Go value in words
    return Rule.NO_COMPLEX if raw or told else None


def _level_name(level: int, expected: str) -> Rule | None:
    """Compare the name of a level; hosts know four, so Go's steps between them go to the one below."""
    name = level_name(_logging_level(level))
    if expected in _NAMES:
        must_equal(name, expected)
        return None
    return Rule.LEVEL_NAMES


def _logging_level(slog: int) -> int:
    """Return the `logging` level that stands where a level of Go's slog does."""
    return logging.INFO + (slog - _SLOG_INFO) * 10 // _SLOG_STEP


def _is_enabled(record: int, handler: int) -> bool:
    made = LogSinkHandler(_Silent(), _logging_level(handler))
    return _logging_level(record) >= made.level


def _has_no_form(content: Any) -> bool:
    """Whether Go's value is one that Python has no counterpart of, told of in words."""
    return isinstance(content, str) and content.startswith(("complex", "(*", "chan", "func"))


def _value(kind: str, content: Any) -> Any:
    name = "int" if "int" in kind else kind.removeprefix("any ")
    return _READ.get(name, go.value)(content)


def _error(content: str) -> Any:
    if content.startswith("ErrorDetail "):
        return _DETAIL
    return _OwnTextError() if content.startswith("struct ") else RuntimeError(content)


def _group(content: Any) -> Any:
    pairs = {name: each for item in content for name, each in item.items()}
    return group(
        **{name: _group(each) if isinstance(each, list) else go.value(each) for name, each in pairs.items()}
    )


_READ = {
    "int": int,
    "float64": float,
    "float32": float,
    "duration_ns": lambda content: timedelta(microseconds=int(content) / 1000),
    "time": lambda content: go.value({"$time": content}),
    "error": _error,
    "group": _group,
}
