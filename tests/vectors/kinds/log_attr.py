"""Facts beside a log message, and levels."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from reglet.application.logging import LogSinkHandler, group, level_name, log_attribute
from reglet.domain.entities.records import LogMessage
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.time import format_nanoseconds
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_SLOG_STEP, _SLOG_INFO = 4, 0
_NAMES = {"DEBUG", "INFO", "WARN", "ERROR"}


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
    if kind in ("any", "logvaluer") and isinstance(content, str) and expected["type"] != "string":
        return _told_in_words(content)
    try:
        value = _value(kind, content)
    except json.JSONDecodeError:  # what Go cannot write either
        must_equal(expected["type"], "any")
        return Rule.NO_COMPLEX
    attribute = log_attribute(expected["key"], value)
    seen = {"key": attribute.key, "type": attribute.type, "value": attribute.value}
    rule = None if seen == expected else _rule(kind, content, seen, expected)
    if rule is None:
        must_equal(seen, expected)
    return rule


def _rule(kind: str, content: Any, seen: dict[str, str], expected: dict[str, str]) -> Rule | None:
    if kind.endswith("duration_ns") and int(content) % 1000:
        nearest = {format_nanoseconds(int(content) // 1000 * 1000 + each) for each in (0, 1000)}
        return Rule.TIMEDELTA if seen["value"] in nearest else None
    if "int" in kind and seen["value"] == expected["value"]:
        return Rule.PYTHON_NUMBERS
    if seen["type"] == expected["type"] == "group":
        return Rule.GROUPED_JSON if _go_group(content) == expected["value"] else None
    if expected["type"] == "any":  # no JSON in Go; as Python shows it here
        return Rule.NO_COMPLEX if seen["type"] == "any" else None
    shape = kind == "any" and isinstance(content, dict)
    if shape and "$raw_json" in content:
        return Rule.NO_COMPLEX if _as_json(content) == json.loads(expected["value"]) else None
    return None


def _told_in_words(content: str) -> Rule:
    """Return the rule for a Go value that is told of in words: no text, since Go's answer is no string."""
    if content.startswith(("complex", "(*", "chan", "func", "nil")) or content.endswith("(nil)"):
        return Rule.NO_COMPLEX
    raise NoCounterpartError(f"a Go value that is told in words: {content}")


def _as_json(content: Any) -> Any:
    return go.value(content)


def _go_group(content: list[dict[str, Any]]) -> str:
    """Return a group's text as Go's fmt writes it."""
    pairs = [(name, each) for item in content for name, each in item.items() if each != []]
    return f"[{' '.join(f'{name}={_go_text(each, in_group=True)}' for name, each in pairs)}]"


def _go_text(given: Any, *, in_group: bool = False) -> str:
    if isinstance(given, list):
        return _go_group(given) if in_group else f"[{' '.join(map(_go_text, given))}]"
    value = go.value(given)
    if isinstance(given, dict) and "$raw_json" in given:
        return f"[{' '.join(str(byte) for byte in given['$raw_json'].encode())}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_go_text(each)}' for name, each in sorted(given.items()))}]"
    if isinstance(value, bytes):
        return f"[{' '.join(map(str, value))}]"
    if isinstance(value, datetime):
        fraction = f"{value.microsecond:06}".rstrip("0")
        zone = value.strftime("%z")
        return f"{value:%Y-%m-%d %H:%M:%S}{'.' * bool(fraction)}{fraction} {zone} {'UTC' if zone == '+0000' else zone}"
    return log_attribute("", group(v=value)).value.removeprefix("[v=").removesuffix("]")


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


def _value(kind: str, content: Any) -> Any:
    if kind == "logvaluer":  # which stands for what it resolves to
        return _group(content) if _is_group(content) else go.value(content)
    name = "int" if "int" in kind else kind.removeprefix("any ")
    return _READ.get(name, go.value)(content)


def _is_group(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(each, dict) for each in content)


def _error(content: str) -> Any:
    if content.startswith("ErrorDetail "):
        return ErrorDetail(*content.removeprefix("ErrorDetail ").split("/"))
    return _OwnTextError() if content.startswith("struct ") else RuntimeError(go.text(content))


def _group(content: Any) -> Any:
    pairs = {name: each for item in content for name, each in item.items()}
    if len(pairs) < sum(map(len, content)):
        raise NoCounterpartError("a name stands in a group twice")
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
