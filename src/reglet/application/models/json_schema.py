"""From types to JSON Schema, draft 2020-12: flat, inlined, one type a property, without anyOf or $ref.

Three hosts read it (strict validators, a command line); this is what all of them accept.
"""

from __future__ import annotations

from typing import Any

from reglet.application.models.from_json import check_model, default_in_json, examples_in_json
from reglet.application.models.model_types import (
    AnyType,
    BoolType,
    DateTimeType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    ModelType,
    StrType,
    TimeDeltaType,
    Type,
    holds_secrets,
    model_type,
)
from reglet.application.models.strings import spelled_out
from reglet.domain.time import DURATION_PATTERN

DRAFT = "https://json-schema.org/draft/2020-12/schema"

LIMITS = frozenset(
    {
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "format",
        "maxItems",
        "minItems",
        "maxProperties",
        "minProperties",
    }
)
"""The keywords that a field's limits become."""

JSONSchema = dict[str, Any]


def input_schema(model: type[Any]) -> JSONSchema:
    """Return what a config of this model looks like.

    Raises:
        SchemaError: an annotation has no schema that every host accepts, or a default does not fit it.
    """
    check_model(model)
    return {"$schema": DRAFT, **_schema(model_type(model), output=False)}


def output_schema(model: type[Any]) -> JSONSchema:
    """Return what data of this model looks like.

    A field that may be None has no type: hosts read one type a property, which null would break. A field with
    a default is not required, though it is always there: examples leave it out.

    Raises:
        SchemaError: as for `input_schema`.
    """
    check_model(model)
    return {"$schema": DRAFT, **_schema(model_type(model), output=True)}


def _schema(type_: Type, *, output: bool) -> JSONSchema:  # noqa: C901, PLR0911 - a case a type
    match type_:
        case StrType():
            pattern = None if type_.pattern is None else spelled_out(type_.pattern)
            return _present(
                type="string",
                maxLength=type_.max_length,
                minLength=type_.min_length,
                pattern=pattern,
                format=type_.format,
            )
        case IntType() | FloatType():
            return _present(
                type="integer" if isinstance(type_, IntType) else "number",
                maximum=type_.le,
                exclusiveMaximum=type_.lt,
                minimum=type_.ge,
                exclusiveMinimum=type_.gt,
            )
        case BoolType():
            return {"type": "boolean"}
        case EnumType():
            return {"type": "string" if type_.is_string else "integer", "enum": list(type_.members)}
        case DateTimeType():
            return {"type": "string", "format": "date-time"}
        case TimeDeltaType():
            return {"type": "string", "pattern": DURATION_PATTERN}
        case ListType():
            items = _schema(type_.item, output=output)
            return _present(items=items, type="array", minItems=type_.min_length, maxItems=type_.max_length)
        case DictType():
            return _present(
                additionalProperties=None
                if isinstance(type_.value, AnyType)
                else _schema(type_.value, output=output),
                type="object",
                minProperties=type_.min_length,
                maxProperties=type_.max_length,
            )
        case AnyType():
            return {}
        case ModelType(fields=fields):
            required = [each.name for each in fields if each.required]
            return _present(
                properties={each.name: _field(each, output=output) for each in fields},
                additionalProperties=False,
                type="object",
                required=required or None,
            )


def _present(**keywords: Any) -> JSONSchema:
    return {name: value for name, value in keywords.items() if value is not None}


def _field(field: Field, *, output: bool) -> JSONSchema:
    schema, meta = _schema(field.type, output=output), field.meta
    if output and field.nullable:
        schema.pop("type", None)
        if "enum" in schema:
            schema["enum"].append(None)
    if meta.title:
        schema["title"] = meta.title
    if meta.description:
        schema["description"] = meta.description
    if not (output or field.required or meta.secret or holds_secrets(field.type)):
        default = default_in_json(field)
        if default is not None:
            schema["default"] = default
    if meta.deprecated:
        schema["deprecated"] = True
    if meta.secret and not output:
        schema["writeOnly"] = True
    if meta.examples and not meta.secret:
        schema["examples"] = examples_in_json(field)
    return schema
