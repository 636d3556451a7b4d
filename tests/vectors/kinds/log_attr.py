"""Facts beside a log message, and levels."""

from __future__ import annotations

import json
import logging
import math
import re
from datetime import timedelta
from typing import Any

from reglet.application.logging import LogSinkHandler, group, level_name, log_attribute
from reglet.domain.entities.records import LogMessage
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.errors import WireFormatError
from reglet.domain.time import format_nanoseconds, format_time
from reglet.infrastructure.wire.go_json import encode_json
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.go_fmt import GoValue, printed_float, single
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_SLOG_STEP, _SLOG_INFO = 4, 0


class _Silent:
    """A sink that forgets."""

    def write(self, message: LogMessage) -> None:
        """Take a message."""


class _OwnTextError(Exception):
    """An error with more to it than its text."""

    def __str__(self) -> str:
        return "errJSON!"


def run(vector: Vector) -> Rule | None:
    """Compare key, type and text; a level's name; or whether a level passes. What Go says is known."""
    given, expected = vector["input"], vector["expected"]
    match vector["kind"]:
        case "level_string":
            return _level_name(given, expected)
        case "enabled":
            must_equal(expected, given["record_level"] >= given["handler_level"])
            must_equal(_is_enabled(given["record_level"], given["handler_level"]), expected)
            return None
    return _attribute(given, expected)


def _attribute(given: dict[str, Any], expected: dict[str, str]) -> Rule | None:
    (kind, content), *_ = given.items()
    must_equal(expected["key"] in ("k", "g"), True)
    if kind in ("any", "logvaluer") and isinstance(content, str) and expected["type"] != "string":
        return _told_in_words(content, expected)
    wanted = _go_fact(kind, content)
    is_address = wanted[1] == _ADDRESS and re.fullmatch("0x[0-9a-f]+", expected["value"])
    said = _ADDRESS if is_address else expected["value"]
    must_equal((expected["type"], said), wanted)
    try:
        value = _value(kind, content)
    except json.JSONDecodeError:  # what Go cannot write either
        return Rule.NO_COMPLEX
    attribute = log_attribute(expected["key"], value)
    seen = (attribute.type, go.as_written(attribute.value))
    rule = None if seen == wanted else _rule(kind, content, seen, wanted)
    if rule is None:
        must_equal(seen, wanted)
    return rule


_ADDRESS = "0x…"
"""An address, which nobody can foresee."""


def _go_fact(kind: str, content: Any) -> tuple[str, str]:  # noqa: PLR0911 - one case a kind
    """Return the type and the text of a fact in Go."""
    if kind == "group" or (kind == "logvaluer" and _is_group(content)):
        return "group", _go_group(content)
    if kind == "error":
        return "error", str(_error(content))
    if kind == "any named string":
        return "json", json.dumps(content, ensure_ascii=False)
    name = kind.removeprefix("any ")
    if name in _READ or "int" in name:
        number = go.duration_ns(int(content)) if "duration" in name else content
        made = {"time": {"$time": content}, "duration_ns": {"$duration_ns": number}, "bool": content}.get(
            name
        )
        if "float" in name:
            return "float64", _fixed(single(float(content)) if name == "float32" else float(content))
        if "int" in name:
            return "uint64" if "uint" in name else "int64", str(int(content))
        return _go_any(made)
    return _go_any(content)


def _go_any(content: Any) -> tuple[str, str]:  # noqa: PLR0911 - one case a kind
    """Return the type and the text of any value."""
    value = GoValue.of(content)
    match value.go_type:
        case "<nil>":
            return "any", "<nil>"
        case "bool" | "string":
            return value.go_type, go.as_written(str(value))
        case "int":
            return "int64", str(value)
        case "float64":
            return "float64", _fixed(value.value)
        case "time.Time":
            return "time", format_time(value.value)
        case "time.Duration":
            return "duration", str(value)
    if isinstance(content, dict) and "$go" in content:
        return "any", _ADDRESS
    try:
        return "json", go_json.written("any", content)
    except (ValueError, WireFormatError):
        return "any", str(value)


def _fixed(number: float) -> str:
    """Return a float as `%f` prints it."""
    return f"{number:f}" if math.isfinite(number) else printed_float(number)


def _rule(kind: str, content: Any, seen: tuple[str, str], wanted: tuple[str, str]) -> Rule | None:  # noqa: PLR0911 - one case a kind
    if kind.endswith("duration_ns") and int(content) % 1000:
        nearest = {format_nanoseconds(int(content) // 1000 * 1000 + each) for each in (0, 1000)}
        return Rule.TIMEDELTA if seen[1] in nearest else None
    if "int" in kind and seen[1] == wanted[1]:
        return Rule.PYTHON_NUMBERS
    if kind == "any named string":
        return Rule.PLAIN_STRINGS if seen == ("string", content) else None
    if seen[0] == wanted[0] == "group":
        return Rule.TIMEDELTA if _has_finer_duration(content) else Rule.GROUPED_JSON
    if wanted[0] == "any":  # no JSON in Go; as Python shows it here
        return Rule.NO_COMPLEX if seen[0] == "any" else None
    if seen[0] == wanted[0] == "json":
        is_raw = "$raw_json" in json.dumps(content)
        same = json.loads(seen[1]) == json.loads(json.dumps(go.exact(content), default=_json_value))
        return (Rule.RAW_JSON if is_raw else Rule.TIMEDELTA) if same or _has_finer_duration(content) else None
    if kind == "any" and isinstance(content, dict) and "$raw_json" in content:
        return Rule.RAW_JSON if go.value(content) == json.loads(wanted[1]) else None
    return Rule.TIMEDELTA if _has_finer_duration(content) and seen[0] == wanted[0] else None


def _json_value(value: Any) -> Any:
    return json.loads(encode_json(value))


def _has_finer_duration(content: Any) -> bool:
    """Whether there is a duration that `timedelta` cannot hold."""
    durations = re.findall(r'"\$duration_ns": (-?\d+)', json.dumps(content))
    return any(int(each) % go.MICROSECOND_NS for each in durations)


def _told_in_words(content: str, expected: dict[str, str]) -> Rule | None:
    """Compare a Go value that is told of in words: what JSON it has is compared with that of the same value here."""
    if (found := re.fullmatch(r"complex\((\d+),(\d+)\)", content)) is not None:
        must_equal((expected["type"], expected["value"]), ("any", f"({found[1]}+{found[2]}i)"))
    if content.endswith("(nil)") or content == "nil":
        is_container = content.startswith(("(*", "[]", "map"))
        must_equal(
            (expected["type"], expected["value"]), ("json", "null") if is_container else ("any", "<nil>")
        )
    if expected["type"] == "any" or expected["value"] == "null":
        must_equal(expected["type"] in ("any", "json"), True)
        return Rule.NO_COMPLEX
    if expected["type"] != "json":
        raise NoCounterpartError(f"a Go value that is told in words: {content}")
    value = json.loads(expected["value"])
    attribute = log_attribute(expected["key"], value)
    if isinstance(value, (dict, list)):
        must_equal((attribute.type, attribute.value), ("json", expected["value"]))
        return None
    must_equal(json.dumps(value), json.dumps(attribute.value) if isinstance(value, str) else attribute.value)
    return Rule.PLAIN_STRINGS if isinstance(value, str) else Rule.PYTHON_NUMBERS


def _go_group(content: list[dict[str, Any]]) -> str:
    """Return a group's text as Go's fmt writes it, in which an empty group is left out."""
    pairs = [(name, each) for item in content for name, each in item.items() if each != []]
    return f"[{' '.join(f'{go.as_written(name)}={_go_text(each)}' for name, each in pairs)}]"


def _go_text(given: Any) -> str:
    return _go_group(given) if isinstance(given, list) else go.as_written(str(GoValue.of(given)))


def _level_name(level: int, expected: str) -> Rule | None:
    """Compare the name of a level; hosts know four, so Go's steps between them go to the one below."""
    below = max((each for each in _LEVELS if each <= level), default=min(_LEVELS))
    must_equal(expected, _LEVELS[below] + (f"{level - below:+}" if level != below else ""))
    must_equal(level_name(_logging_level(level)), _LEVELS[below])
    return None if level == below else Rule.LEVEL_NAMES


_LEVELS = {-4: "DEBUG", 0: "INFO", 4: "WARN", 8: "ERROR"}


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
    "float32": lambda content: single(float(content)),
    "duration_ns": lambda content: timedelta(microseconds=int(content) / 1000),
    "time": lambda content: go.value({"$time": content}),
    "error": _error,
    "group": _group,
    "bool": lambda content: content,
}
