"""Parsers of values without parts: texts, numbers, truth values, choices, moments and durations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from reglet.application.models.formats import format_check
from reglet.application.models.patterns import compile_pattern
from reglet.application.models.problems import Check, Parser, Problems, Show, length_checks, seen
from reglet.application.models.shapes import (
    Anything,
    Boolean,
    Choice,
    Duration,
    Integer,
    Moment,
    Number,
    Text,
)
from reglet.application.models.text_forms import parse_duration, parse_moment

_NUMERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMERAL = 400


def anything(value: Any, _: Problems) -> Any:
    """Return the value as it is."""
    return value


def _whole_number(shape: Integer, show: Show) -> Parser:
    return _bounded(_integer(show), shape, show)


def _real_number(shape: Number, show: Show) -> Parser:
    return _bounded(_number(show), shape, show)


def _moment(_: Moment, show: Show) -> Parser:
    return _read_text(parse_moment, "a moment like 2026-01-31T12:00:00Z", show)


def _duration(_: Duration, show: Show) -> Parser:
    return _read_text(parse_duration, "a duration like 1m30s or 500ms", show)


def _text(shape: Text, show: Show) -> Parser:
    checks = [*length_checks(shape.min_length, shape.max_length, "characters"), *_text_checks(shape)]

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not str:
            problems.append(("", f"must be a string, not {show(value)}"))
            return value
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {show(value)}"))
        return value

    return parse


def _text_checks(shape: Text) -> list[Check]:
    checks: list[Check] = []
    if shape.pattern is not None:
        search = compile_pattern(shape.pattern).search
        checks.append((lambda text: search(text) is not None, f"match {shape.pattern}"))
    if shape.format is not None:
        checks.append((format_check(shape.format), f"be of format {shape.format}"))
    return checks


def _integer(show: Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is int:
            return value
        whole = _whole(value)
        if whole is None:
            problems.append(("", f"must be an integer, not {show(value)}"))
        return whole

    return parse


def _whole(value: Any) -> int | None:
    """Return the integer that an integral float or a numeric string says."""
    if value.__class__ is float:
        return int(value) if value.is_integer() else None
    numeral = _numeral(value)
    if numeral is None:
        return None
    if numeral[1] is None and numeral[2] is None:
        return int(value)
    return _whole(float(value))


def _number(show: Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        number = value if value.__class__ is float else _double(value)
        if number is None or not math.isfinite(number):
            problems.append(("", f"must be a number that a double can hold, not {show(value)}"))
            return None
        return number

    return parse


def _double(value: Any) -> float | None:
    if value.__class__ is not int and _numeral(value) is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _numeral(value: Any) -> re.Match[str] | None:
    if value.__class__ is not str or len(value) > _LONGEST_NUMERAL:
        return None
    return _NUMERAL.match(value)


def _bounded(parse_number: Parser, shape: Integer | Number, show: Show) -> Parser:
    checks: list[Check] = []
    if (ge := shape.ge) is not None:
        checks.append((lambda value: value >= ge, f"be at least {ge}"))
    if (gt := shape.gt) is not None:
        checks.append((lambda value: value > gt, f"be greater than {gt}"))
    if (le := shape.le) is not None:
        checks.append((lambda value: value <= le, f"be at most {le}"))
    if (lt := shape.lt) is not None:
        checks.append((lambda value: value < lt, f"be less than {lt}"))
    if not checks:
        return parse_number

    def parse(value: Any, problems: Problems) -> Any:
        before = len(problems)
        number = parse_number(value, problems)
        if len(problems) > before:
            return None
        for check, rule in checks:
            if not check(number):
                problems.append(("", f"must {rule}, not {show(value)}"))
        return number

    return parse


def _boolean(_: Boolean, show: Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        if value is not True and value is not False:
            problems.append(("", f"must be true or false, not {show(value)}"))
        return value

    return parse


def _choice(shape: Choice, show: Show) -> Parser:
    members = dict(shape.members)
    expected = str if shape.is_text else int
    listed = ", ".join(seen(value) for value in members)

    def parse(value: Any, problems: Problems) -> Any:
        key = value if value.__class__ is expected else None if expected is str else _whole(value)
        if key is None or key not in members:
            problems.append(("", f"must be one of {listed}, not {show(value)}"))
            return None
        return members[key]

    return parse


def _read_text(read: Callable[[str], Any], what: str, show: Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        found = read(value) if value.__class__ is str else None
        if found is None:
            problems.append(("", f"must be {what}, not {show(value)}"))
        return found

    return parse


SCALARS: dict[Any, Callable[[Any, Show], Parser]] = {
    Text: _text,
    Integer: _whole_number,
    Number: _real_number,
    Boolean: _boolean,
    Choice: _choice,
    Moment: _moment,
    Duration: _duration,
    Anything: lambda _, __: anything,
}
"""What makes the parser of each."""
