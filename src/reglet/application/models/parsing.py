"""From JSON values to models: every problem at once, each with its path.

What the schema accepts, this accepts. Beyond it: a numeric string for a number, an integral float for an
integer, null for an optional field, and keys that are not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from reglet.application.models.problems import (
    Parser,
    Problems,
    Show,
    length_checks,
    member,
    placed,
    prefix,
    seen,
    seen_secret,
)
from reglet.application.models.quick import quick_parser
from reglet.application.models.reading import record_of
from reglet.application.models.scalars import SCALARS, anything
from reglet.application.models.shapes import (
    ABSENT,
    Anything,
    Boolean,
    Field,
    Integer,
    Listing,
    Number,
    Record,
    Shape,
    Table,
)
from reglet.domain.errors import ConfigError

_PARSER = "__reglet_parser__"


class _Way(NamedTuple):
    """How parsers are made: what they show of a wrong value, and whether records first try quickly."""

    show: Show = seen
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
    scalar = SCALARS.get(type(shape))
    return _COMPOUND[type(shape)](shape, way) if scalar is None else scalar(shape, way.show)


def _listing(shape: Listing, way: _Way) -> Parser:
    parse_item = _parser(shape.item, way)
    checks = length_checks(shape.min_length, shape.max_length, "items")
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
    checks = length_checks(shape.min_length, shape.max_length, "entries")

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
            elif when_absent is ABSENT or (parse_field is anything and name in value):
                arguments[argument] = None
            elif when_absent is not None:
                problems.append((path, when_absent + ("null" if name in value else "missing")))
        if len(problems) > start:
            return None
        try:
            return model(**arguments)
        except (ValueError, ConfigError) as error:
            problems.append(("", str(error)))
            return None

    return parse


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

_COMPOUND: dict[Any, Callable[[Any, _Way], Parser]] = {Listing: _listing, Table: _table, Record: _record}
