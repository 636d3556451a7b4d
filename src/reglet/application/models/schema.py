"""From shapes to JSON Schema, draft 2020-12: flat, inlined, one type a property, without anyOf or $ref.

Three hosts read it (strict validators, a command line); this is what all of them accept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reglet.application.models.patterns import spelled_out
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
    holds_secrets,
)
from reglet.application.models.text_forms import DURATION_PATTERN
from reglet.application.models.writing import write_shape

DRAFT = "https://json-schema.org/draft/2020-12/schema"

JSONSchema = dict[str, Any]


def input_schema(model: type[Any]) -> JSONSchema:
    """Return what a config of this model looks like."""
    return {"$schema": DRAFT, **_record(record_of(model), output=False)}


def output_schema(model: type[Any]) -> JSONSchema:
    """Return what data of this model looks like: every field is there, unless it may be None."""
    return {"$schema": DRAFT, **_record(record_of(model), output=True)}


def _schema(shape: Shape, output: bool) -> JSONSchema:
    if isinstance(shape, Record):
        return _record(shape, output)
    if isinstance(shape, Listing):
        return _listing(shape, output)
    if isinstance(shape, Table):
        return _table(shape, output)
    return _SIMPLE[type(shape)](shape)


def _sized(schema: JSONSchema, **limits: int | None) -> JSONSchema:
    return schema | {name: limit for name, limit in limits.items() if limit is not None}


def _text(shape: Text) -> JSONSchema:
    schema: JSONSchema = _sized({"type": "string"}, maxLength=shape.max_length, minLength=shape.min_length)
    if shape.pattern is not None:
        schema["pattern"] = spelled_out(shape.pattern)
    if shape.format is not None:
        schema["format"] = shape.format
    return schema


def _bounds(shape: Integer | Number) -> JSONSchema:
    limits = {
        "maximum": shape.le,
        "exclusiveMaximum": shape.lt,
        "minimum": shape.ge,
        "exclusiveMinimum": shape.gt,
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def _listing(shape: Listing, output: bool) -> JSONSchema:
    schema = {"items": _schema(shape.item, output), "type": "array"}
    return _sized(schema, minItems=shape.min_length, maxItems=shape.max_length)


def _table(shape: Table, output: bool) -> JSONSchema:
    schema: JSONSchema = {"type": "object"}
    if not isinstance(shape.value, Anything):
        schema = {"additionalProperties": _schema(shape.value, output), **schema}
    return _sized(schema, minProperties=shape.min_length, maxProperties=shape.max_length)


def _choice(shape: Choice) -> JSONSchema:
    return {"type": "string" if shape.is_text else "integer", "enum": list(shape.members)}


_SIMPLE: dict[Any, Callable[[Any], JSONSchema]] = {
    Text: _text,
    Integer: lambda shape: {"type": "integer", **_bounds(shape)},
    Number: lambda shape: {"type": "number", **_bounds(shape)},
    Boolean: lambda _: {"type": "boolean"},
    Choice: _choice,
    Moment: lambda _: {"type": "string", "format": "date-time"},
    Duration: lambda _: {"type": "string", "pattern": DURATION_PATTERN},
    Anything: lambda _: {},
}


def _record(record: Record, output: bool) -> JSONSchema:
    required = [each.name for each in record.fields if (not each.nullable if output else each.required)]
    schema = {
        "properties": {each.name: _field(each, output) for each in record.fields},
        "additionalProperties": False,
        "type": "object",
    }
    return {**schema, "required": required} if required else schema


def _field(each: Field, output: bool) -> JSONSchema:
    schema = _schema(each.shape, output)
    marks = each.marks
    if marks.title:
        schema["title"] = marks.title
    if marks.description:
        schema["description"] = marks.description
    if not output and each.default is not ABSENT and not (marks.secret or holds_secrets(each.shape)):
        _add_default(schema, each)
    if marks.deprecated:
        schema["deprecated"] = True
    if marks.examples and not marks.secret:
        schema["examples"] = [write_shape(each.shape, example) for example in marks.examples]
    return schema


def _add_default(schema: JSONSchema, each: Field) -> None:
    value = each.default_value()
    if value is not None:
        schema["default"] = write_shape(each.shape, value)
