"""From JSON values to models: every problem at once, each with its path.

What the schema accepts, this accepts. Beyond it: a numeric string for a number, an integral float for an
integer, null for an optional field, and keys that are not known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from reglet.application.models.formats import FORMATS
from reglet.application.models.patterns import compile_pattern
from reglet.application.models.problems import Problems, member, placed, prefix, seen, seen_secret
from reglet.application.models.reading import record_of
from reglet.application.models.shapes import (
    ABSENT,
    Anything,
    Boolean,
    Choice,
    Duration,
    Field,
    Integer,
    Listing,
    Moment,
    Number,
    Record,
    Shape,
    Table,
    Text,
)
from reglet.application.models.text_forms import parse_duration, parse_moment

Parser: TypeAlias = Callable[[Any, Problems], Any]
"""Takes a JSON value and returns the Python value, or adds problems and returns anything."""

_Show: TypeAlias = Callable[[Any], str]
_PARSER = "__reglet_parser__"
_NUMERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMERAL = 400


def parse_model(model: type[Any], data: Any) -> tuple[Any, list[str]]:
    """Return the model that `data` says and no problems, or None and every problem as `message @ $.path`."""
    problems: Problems = []
    value = parser_of(model)(data, problems)
    return (None, placed(problems)) if problems else (value, [])


def parse_shape(shape: Shape, data: Any) -> tuple[Any, list[str]]:
    """Return what `data` says as a value of `shape`, and every problem."""
    problems: Problems = []
    value = _parser(shape, seen)(data, problems)
    return value, placed(problems)


def parser_of(model: type[Any]) -> Parser:
    """Return the parser of a model, made once."""
    parser: Parser | None = model.__dict__.get(_PARSER)
    if parser is None:
        parser = _record(record_of(model), seen)
        setattr(model, _PARSER, staticmethod(parser))
        return parser
    return parser.__func__ if isinstance(parser, staticmethod) else parser


def _parser(shape: Shape, show: _Show) -> Parser:
    return _MAKERS[type(shape)](shape, show)


def _anything(value: Any, _: Problems) -> Any:
    return value


def _whole_number(shape: Integer, show: _Show) -> Parser:
    return _bounded(_integer(show), shape, show)


def _real_number(shape: Number, show: _Show) -> Parser:
    return _bounded(_number(show), shape, show)


def _moment(_: Moment, show: _Show) -> Parser:
    return _read_text(parse_moment, "a moment like 2026-01-31T12:00:00Z", show)


def _duration(_: Duration, show: _Show) -> Parser:
    return _read_text(parse_duration, "a duration like 1m30s or 500ms", show)


def _text(shape: Text, show: _Show) -> Parser:
    checks = [*_length_checks(shape.min_length, shape.max_length, "characters"), *_text_checks(shape)]

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not str:
            problems.append(("", f"must be a string, not {show(value)}"))
            return value
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {show(value)}"))
        return value

    return parse


_Check: TypeAlias = tuple[Callable[[Any], bool], str]


def _text_checks(shape: Text) -> list[_Check]:
    checks: list[_Check] = []
    if shape.pattern is not None:
        search = compile_pattern(shape.pattern).search
        checks.append((lambda text: search(text) is not None, f"match {shape.pattern}"))
    if shape.format is not None:
        checks.append((FORMATS[shape.format], f"be of format {shape.format}"))
    return checks


def _length_checks(least: int | None, most: int | None, what: str) -> list[_Check]:
    checks: list[_Check] = []
    if least is not None:
        checks.append((lambda value: len(value) >= least, f"have at least {least} {what}"))
    if most is not None:
        checks.append((lambda value: len(value) <= most, f"have at most {most} {what}"))
    return checks


def _integer(show: _Show) -> Parser:
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


def _number(show: _Show) -> Parser:
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


def _bounded(parse_number: Parser, shape: Integer | Number, show: _Show) -> Parser:
    checks: list[_Check] = []
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


def _boolean(_: Boolean, show: _Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        if value is not True and value is not False:
            problems.append(("", f"must be true or false, not {show(value)}"))
        return value

    return parse


def _choice(shape: Choice, show: _Show) -> Parser:
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


def _read_text(read: Callable[[str], Any], what: str, show: _Show) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        found = read(value) if value.__class__ is str else None
        if found is None:
            problems.append(("", f"must be {what}, not {show(value)}"))
        return found

    return parse


def _listing(shape: Listing, show: _Show) -> Parser:
    parse_item = _parser(shape.item, show)
    checks = _length_checks(shape.min_length, shape.max_length, "items")
    container = shape.container

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not list:
            problems.append(("", f"must be a list, not {show(value)}"))
            return None
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {len(value)}"))
        items = []
        for place, item in enumerate(value):
            before = len(problems)
            items.append(parse_item(item, problems))
            if len(problems) > before:
                prefix(problems, before, f"[{place}]")
        return items if container is list or problems else container(items)

    return parse


def _table(shape: Table, show: _Show) -> Parser:
    parse_value = _parser(shape.value, show)
    checks = _length_checks(shape.min_length, shape.max_length, "entries")

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not dict:
            problems.append(("", f"must be an object, not {show(value)}"))
            return None
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {len(value)}"))
        entries = {}
        for name, entry in value.items():
            before = len(problems)
            entries[name] = parse_value(entry, problems)
            if len(problems) > before:
                prefix(problems, before, member(name))
        return entries

    return parse


def _record(record: Record, show: _Show) -> Parser:
    steps = [_step(each, show) for each in record.fields]
    model = record.model

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not dict:
            problems.append(("", f"must be an object, not {show(value)}"))
            return None
        start = len(problems)
        arguments: dict[str, Any] = {}
        for name, argument, parse_field, when_absent, path in steps:
            given = value.get(name)
            if given is not None:
                before = len(problems)
                arguments[argument] = parse_field(given, problems)
                if len(problems) > before:
                    prefix(problems, before, path)
            elif when_absent is ABSENT or (parse_field is _anything and name in value):
                arguments[argument] = None
            elif when_absent is not None:
                problems.append((path, when_absent + ("null" if name in value else "missing")))
        if len(problems) > start:
            return None
        return model(**arguments)

    return parse


def _step(each: Field, show: _Show) -> tuple[str, str, Parser, Any, str]:
    """Return a field's name, argument, parser, what to do in its absence, and the step of its path.

    In its absence: a text is the problem, ABSENT means None, and None leaves the default to the model.
    """
    parse = _parser(each.shape, seen_secret if each.marks.secret else show)
    when_absent: Any = None
    if each.required:
        when_absent = f"is required: {_KINDS.get(type(each.shape), 'a string')}, but it is "
    elif each.default is ABSENT:
        when_absent = ABSENT
    return each.name, each.argument, parse, when_absent, member(each.name)


_KINDS: dict[Any, str] = {
    Integer: "an integer",
    Number: "a number",
    Boolean: "true or false",
    Listing: "a list",
    Table: "an object",
    Record: "an object",
    Anything: "any value",
}

_MAKERS: dict[Any, Callable[[Any, _Show], Parser]] = {
    Text: _text,
    Integer: _whole_number,
    Number: _real_number,
    Boolean: _boolean,
    Choice: _choice,
    Moment: _moment,
    Duration: _duration,
    Listing: _listing,
    Table: _table,
    Record: _record,
    Anything: lambda _, __: _anything,
}
