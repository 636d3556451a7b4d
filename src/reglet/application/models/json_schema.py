"""From types to JSON Schema, draft 2020-12: flat, inlined, one type a property, without anyOf or $ref.

Three hosts read it (strict validators, a command line); this is what all of them accept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reglet.application.models.error_messages import path_step
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
from reglet.application.names import ROUTING, closest_name
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


def has_known_fields(schema: Any) -> bool:
    """Report whether an object whose fields the schema knows lies anywhere in what it describes."""
    return isinstance(schema, Mapping) and (
        "properties" in schema
        or has_known_fields(schema.get("items"))
        or has_known_fields(schema.get("additionalProperties"))
    )


def flat_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that `config_warnings` has nothing to say of, whatever is in them."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return frozenset()
    return frozenset(
        name
        for name, each in properties.items()
        if isinstance(each, Mapping) and not each.get("deprecated") and not has_known_fields(each)
    )


def config_warnings(value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Yield what to say of fields that a config's schema does not have, or calls deprecated further down.

    Those at the top may be deprecated by one operation alone. `path` is where the value lies in the config.
    """
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(value, dict):
        fields: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        for name, entry in value.items():
            known = fields.get(name)
            if isinstance(known, Mapping):
                if path and known.get("deprecated") is True:
                    yield deprecation(_written((*path, name)), known.get("description"))
                yield from config_warnings(entry, known, (*path, name))
            elif isinstance(others, Mapping):
                yield from config_warnings(entry, others, (*path, name))
            elif properties is fields and (path or name not in ROUTING):
                where = f"{_written(path)} of its config" if path else "its config"
                yield _unknown(name, fields, where)
    elif isinstance(value, list) and has_known_fields(schema.get("items")):
        flat = flat_fields(schema["items"])
        for index, item in enumerate(value):
            if isinstance(item, list) or (isinstance(item, dict) and not flat.issuperset(item)):
                yield from config_warnings(item, schema["items"], (*path, index))


def deprecation(field: str, description: str | None) -> str:
    """Return what to say of a config's field that is deprecated: its description has what to do instead."""
    return f"config field {field} is deprecated: {description or 'leave it out'}"


def _written(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(map(path_step, path))


def _unknown(name: str, known: Mapping[str, Any], where: str) -> str:
    close = closest_name(name, known)
    if close:  # and where both look alike, what they are made of
        written = ascii(name) if close.isascii() else repr(name)
        return f"the plugin has no field {written} in {where}; did you mean {close!r}?"
    there_are = f"there are {', '.join(map(repr, known))}" if known else "there are none"
    return f"the plugin has no field {name!r} in {where}; {there_are}"
