"""From JSON values to models: every problem at once, each with its path.

What the schema accepts, this accepts. Beyond it: a numeric string for a number, an integral float for an
integer, null for an optional field, and keys that are not known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from reglet.application.models.formats import format_check
from reglet.application.models.patterns import compile_pattern
from reglet.application.models.problems import Problems, member, placed, prefix, seen, seen_secret
from reglet.application.models.quick import quick_parser
from reglet.application.models.reading import record_of
from reglet.application.models.redacting import Redaction, secrets_of_field
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
from reglet.domain.errors import ConfigError

Parser: TypeAlias = Callable[[Any, Problems], Any]
"""Takes a JSON value and returns the Python value, or adds problems and returns anything."""

_PARSER = "__reglet_parser__"
_NUMERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMERAL = 400


class _Way(NamedTuple):
    """How parsers are made: what they show of a wrong value, and whether records first try quickly."""

    show: Callable[[Any], str] = seen
    quick: bool = False


def parse_model(model: type[Any], data: Any) -> tuple[Any, list[str]]:
    """Return the model that `data` says and no problems, or None and every problem as `message @ $.path`."""
    problems: Problems = []
    value = parser_of(model)(data, problems)
    return (None, placed(problems)) if problems else (value, [])


def parse_shape(shape: Shape, data: Any) -> tuple[Any, list[str]]:
    """Return what `data` says as a value of `shape`, and every problem."""
    problems: Problems = []
    value = _parser(shape, _Way())(data, problems)
    return value, placed(problems)


def parser_of(model: type[Any]) -> Parser:
    """Return the parser of a model, made once."""
    parser: Parser | None = model.__dict__.get(_PARSER)
    if parser is None:
        parser = _record(record_of(model), _Way(quick=True))
        setattr(model, _PARSER, staticmethod(parser))
        return parser
    return parser.__func__ if isinstance(parser, staticmethod) else parser


def _parser(shape: Shape, way: _Way) -> Parser:
    return _MAKERS[type(shape)](shape, way)


def _anything(value: Any, _: Problems) -> Any:
    return value


def _whole_number(shape: Integer, way: _Way) -> Parser:
    return _bounded(_integer(way), shape, way)


def _real_number(shape: Number, way: _Way) -> Parser:
    return _bounded(_number(way), shape, way)


def _moment(_: Moment, way: _Way) -> Parser:
    return _read_text(parse_moment, "a moment like 2026-01-31T12:00:00Z", way)


def _duration(_: Duration, way: _Way) -> Parser:
    return _read_text(parse_duration, "a duration like 1m30s or 500ms", way)


def _text(shape: Text, way: _Way) -> Parser:
    checks = [*_length_checks(shape.min_length, shape.max_length, "characters"), *_text_checks(shape)]

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not str:
            problems.append(("", f"must be a string, not {way.show(value)}"))
            return value
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {way.show(value)}"))
        return value

    return parse


_Check: TypeAlias = tuple[Callable[[Any], bool], str]


def _text_checks(shape: Text) -> list[_Check]:
    checks: list[_Check] = []
    if shape.pattern is not None:
        search = compile_pattern(shape.pattern).search
        checks.append((lambda text: search(text) is not None, f"match {shape.pattern}"))
    if shape.format is not None:
        checks.append((format_check(shape.format), f"be of format {shape.format}"))
    return checks


def _length_checks(least: int | None, most: int | None, what: str) -> list[_Check]:
    checks: list[_Check] = []
    if least is not None:
        checks.append((lambda value: len(value) >= least, f"have at least {least} {what}"))
    if most is not None:
        checks.append((lambda value: len(value) <= most, f"have at most {most} {what}"))
    return checks


def _integer(way: _Way) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is int:
            return value
        whole = _whole(value)
        if whole is None:
            problems.append(("", f"must be an integer, not {way.show(value)}"))
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


def _number(way: _Way) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        number = value if value.__class__ is float else _double(value)
        if number is None or not math.isfinite(number):
            problems.append(("", f"must be a number that a double can hold, not {way.show(value)}"))
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


def _bounded(parse_number: Parser, shape: Integer | Number, way: _Way) -> Parser:
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
                problems.append(("", f"must {rule}, not {way.show(value)}"))
        return number

    return parse


def _boolean(_: Boolean, way: _Way) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        if value is not True and value is not False:
            problems.append(("", f"must be true or false, not {way.show(value)}"))
        return value

    return parse


def _choice(shape: Choice, way: _Way) -> Parser:
    members = dict(shape.members)
    expected = str if shape.is_text else int
    listed = ", ".join(seen(value) for value in members)

    def parse(value: Any, problems: Problems) -> Any:
        key = value if value.__class__ is expected else None if expected is str else _whole(value)
        if key is None or key not in members:
            problems.append(("", f"must be one of {listed}, not {way.show(value)}"))
            return None
        return members[key]

    return parse


def _read_text(read: Callable[[str], Any], what: str, way: _Way) -> Parser:
    def parse(value: Any, problems: Problems) -> Any:
        found = read(value) if value.__class__ is str else None
        if found is None:
            problems.append(("", f"must be {what}, not {way.show(value)}"))
        return found

    return parse


def _listing(shape: Listing, way: _Way) -> Parser:
    parse_item = _parser(shape.item, way)
    checks = _length_checks(shape.min_length, shape.max_length, "items")
    container = shape.container

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not list:
            problems.append(("", f"must be a list, not {way.show(value)}"))
            return None
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {len(value)}"))
        if way.quick:
            return container([parse_item(item, problems) for item in value])
        items = []
        for place, item in enumerate(value):
            before = len(problems)
            items.append(parse_item(item, problems))
            if len(problems) > before:
                prefix(problems, before, f"[{place}]")
        return container(items) if not problems else None

    return parse


def _table(shape: Table, way: _Way) -> Parser:
    parse_value = _parser(shape.value, way)
    checks = _length_checks(shape.min_length, shape.max_length, "entries")

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not dict:
            problems.append(("", f"must be an object, not {way.show(value)}"))
            return None
        for check, rule in checks:
            if not check(value):
                problems.append(("", f"must {rule}, not {len(value)}"))
        if way.quick:
            return {name: parse_value(entry, problems) for name, entry in value.items()}
        entries = {}
        for name, entry in value.items():
            before = len(problems)
            entries[name] = parse_value(entry, problems)
            if len(problems) > before:
                prefix(problems, before, member(name))
        return entries

    return parse


def _field_parser(each: Field, way: _Way) -> Parser:
    return _parser(each.shape, way._replace(show=seen_secret) if each.marks.secret else way)


def _record(record: Record, way: _Way) -> Parser:
    explain = _explaining(record, way._replace(quick=False))
    if not way.quick:
        return explain
    return quick_parser(record, explain, lambda each: _field_parser(each, way))


def _explaining(record: Record, way: _Way) -> Parser:
    steps = [_step(each, way) for each in record.fields]
    model = record.model

    def parse(value: Any, problems: Problems) -> Any:
        if value.__class__ is not dict:
            problems.append(("", f"must be an object, not {way.show(value)}"))
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
        try:
            return model(**arguments)
        except (ValueError, ConfigError) as error:
            problems.append(("", _refusal(error, record, arguments)))
            return None

    return parse


def _refusal(error: Exception, record: Record, arguments: dict[str, Any]) -> str:
    """Return why a model refused its fields, without the secrets among them."""
    secrets = (
        text for each in record.fields for text in secrets_of_field(each, arguments.get(each.argument))
    )
    return Redaction(tuple(secrets)).text(str(error))


def _step(each: Field, way: _Way) -> tuple[str, str, Parser, Any, str]:
    """Return a field's name, argument, parser, what to do in its absence, and the step of its path.

    In its absence: a text is the problem, ABSENT means None, and None leaves the default to the model.
    """
    parse = _field_parser(each, way)
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

_MAKERS: dict[Any, Callable[[Any, _Way], Parser]] = {
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
