"""The config schema of a plugin: its config model's, or the union of what its operations take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reglet.application.models.json_schema import DRAFT, LIMITS, JSONSchema, input_schema
from reglet.application.models.model_types import model_type
from reglet.application.operations import Operation
from reglet.domain.errors import DefinitionError

_PROSE = frozenset({"title", "description", "default", "examples", "deprecated"})


def config_schema(config: type[Any] | None, operations: Sequence[Operation]) -> JSONSchema:
    """Return the schema of a plugin's configs.

    A field is required if every operation requires it. Bounds that differ are left to each operation.

    Raises:
        DefinitionError: two operations, or an operation and the config model, disagree about a field.
    """
    if config is not None:
        schema = input_schema(config)
        _check_against_config(config, schema, operations)
    else:
        schema = _union(operations)
    if len(operations) > 1:  # else there is nothing to choose from
        services = list(dict.fromkeys(each.service for each in operations))
        names = list(dict.fromkeys(each.name for each in operations))
        routing = {
            "service": {"type": "string", "enum": services, "description": "Service to call"},
            "operation": {"type": "string", "enum": names, "description": "Operation to call"},
        }
        schema["properties"] = {**routing, **schema["properties"]}
    return schema


def _union(operations: Sequence[Operation]) -> JSONSchema:
    inputs = [(each, input_schema(each.input)) for each in operations if each.input is not None]
    properties: dict[str, JSONSchema] = {}
    owners: dict[str, Operation] = {}
    for operation, schema in inputs:
        for name, one in schema["properties"].items():
            if name in properties:
                properties[name] = _merged(name, properties[name], one, owners[name], operation)
            else:
                properties[name], owners[name] = one, operation
    required = [
        name
        for name in properties
        if len(inputs) == len(operations) and all(name in each.get("required", ()) for _, each in inputs)
    ]
    for name, schema in properties.items():
        if any(name in each.get("required", ()) for _, each in inputs):
            schema.pop("default", None)
    union = {"$schema": DRAFT, "properties": properties, "additionalProperties": False, "type": "object"}
    return {**union, "required": required} if required else union


def _merged(name: str, one: JSONSchema, other: JSONSchema, first: Operation, second: Operation) -> JSONSchema:
    """Return one schema for a field of two operations, wide enough for both."""
    if _type(one) != _type(other):
        raise DefinitionError(
            f'field "{name}" has one type in {first} and another in {second}: {_type(one)} and '
            f"{_type(other)}; hosts know one schema a plugin, so give it one type or two names"
        )
    if "default" in one and "default" in other and one["default"] != other["default"]:
        raise DefinitionError(
            f'field "{name}" has the default {one["default"]!r} in {first} and {other["default"]!r} in '
            f"{second}; give it one default or two names"
        )
    if _without(one, _PROSE) == _without(other, _PROSE):
        return {**other, **one}
    return {**_wide(other), **_wide(one)}


def _type(schema: Any) -> Any:
    """Return a schema without what may differ between operations, all the way down."""
    if isinstance(schema, list):
        return schema
    plain = {key: value for key, value in schema.items() if key not in LIMITS | _PROSE}
    for key in ("items", "additionalProperties"):
        if isinstance(plain.get(key), dict):
            plain[key] = _type(plain[key])
    if "properties" in plain:
        plain["properties"] = {name: _type(each) for name, each in plain["properties"].items()}
    return plain


def _wide(schema: JSONSchema) -> JSONSchema:
    return {**_type(schema), **{key: value for key, value in schema.items() if key in _PROSE}}


def _without(schema: JSONSchema, keys: frozenset[str]) -> JSONSchema:
    return {key: value for key, value in schema.items() if key not in keys}


def _check_against_config(config: type[Any], schema: JSONSchema, operations: Sequence[Operation]) -> None:
    for operation in operations:
        if operation.input is None:
            continue
        for name, wanted in input_schema(operation.input)["properties"].items():
            where = f'field "{name}" of {operation}'
            if name not in schema["properties"]:
                raise DefinitionError(
                    f"{where} is not in the config model {config.__name__}: hosts would refuse it; add it"
                )
            there = schema["properties"][name]
            if _type(there) != _type(wanted):
                raise DefinitionError(
                    f"{where} has another type in the config model {config.__name__}: "
                    f"{_type(wanted)} and {_type(there)}"
                )
            ours = next(each for each in model_type(config).fields if each.name == name)
            theirs = next(each for each in model_type(operation.input).fields if each.name == name)
            if ours.meta.secret != theirs.meta.secret:
                raise DefinitionError(
                    f"{where} is secret in one and not in the config model {config.__name__}; mark both"
                )
            if theirs.required and (ours.required or ours.default_value() is None):
                continue
            if ours.required or theirs.required or ours.default_value() != theirs.default_value():
                raise DefinitionError(
                    f"{where} has another default in the config model {config.__name__}; give both the same"
                )
