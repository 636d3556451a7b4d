"""Schemas of Go structs and of the models that are their counterparts."""

from __future__ import annotations

import json
import re
from typing import Any

from reglet.application.models.json_schema import input_schema
from reglet.domain.errors import DefinitionError, SchemaError
from tests.vectors.go_structs import BOUNDS, is_anonymous, model_of, root_type, struct_fields
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Schema = dict[str, Any]


def run(vector: Vector) -> Rule | None:
    """Compare the schema with Go's, brought to the form that every host accepts."""
    source, expected = vector["input"]["go"], vector["expected"]
    if expected.get("panic"):
        return _refused(source, expected["panic"])
    wanted = json.loads(expected["compact"])
    try:
        schema = input_schema(model_of(source))
    except (DefinitionError, SchemaError) as refusal:
        return _rule_of(str(refusal), source, wanted)
    wanted.pop("$id", None)
    dashed = {each.json_name for each in struct_fields(source) if each.tags.get("json", "").startswith("-,")}
    if dashed - wanted["properties"].keys():  # a field called "-", which Go writes and its generator forgets
        must_equal(set(schema["properties"]) - set(wanted["properties"]), dashed)
        return Rule.GO_TAGS
    _compare_order(schema, wanted)
    if schema == wanted:
        return Rule.NO_SCHEMA_ID
    must_equal(_unordered(schema), _unordered(flat(wanted)))
    return Rule.FLAT_SCHEMAS


def _rule_of(refusal: str, source: str, wanted: Schema) -> Rule:
    """Return the rule by which we refuse what Go takes, if its reason is there to see in Go's schema."""
    properties = list(wanted["properties"].values())
    if "does not fit" in refusal and any(map(_is_unfit, properties)):
        return Rule.CONFIG_ENFORCED
    if "leave no room" in refusal and any(map(_is_empty_range, properties)):
        return Rule.CONFIG_ENFORCED
    if "cannot be said of" in refusal and _has_idle_bound(source, wanted):
        return Rule.CONFIG_ENFORCED
    if "contains itself" in refusal and _is_recursive(wanted):
        return Rule.FLAT_SCHEMAS
    if "not all strings or all integers" in refusal and _has_number_choices(wanted):
        return Rule.FLAT_SCHEMAS
    names = [each.json_name for each in struct_fields(source) if each.json_name]
    if "are called" in refusal and len(set(names)) < len(names):
        return Rule.GO_TAGS
    raise AssertionError(f"refused: {refusal}")


def _is_unfit(schema: Schema) -> bool:
    """Whether a default is outside of what the schema allows."""
    if "default" not in schema:
        return False
    default, size = schema["default"], 0
    if isinstance(default, str | list):
        size = len(default)
    return (
        default not in schema.get("enum", [default])
        or size > schema.get("maxLength", schema.get("maxItems", size))
        or size < schema.get("minLength", schema.get("minItems", size))
        or _is_beyond(default, schema)
        or ("pattern" in schema and re.search(schema["pattern"], default) is None)
        or "format" in schema
    )


def _is_beyond(number: Any, schema: Schema) -> bool:
    if isinstance(number, str | list | bool):
        return False
    return (
        number < schema.get("minimum", number)
        or number > schema.get("maximum", number)
        or ("exclusiveMinimum" in schema and number <= schema["exclusiveMinimum"])
        or ("exclusiveMaximum" in schema and number >= schema["exclusiveMaximum"])
    )


def _is_empty_range(schema: Schema) -> bool:
    least = schema.get(
        "minimum", schema.get("exclusiveMinimum", schema.get("minLength", schema.get("minItems")))
    )
    most = schema.get(
        "maximum", schema.get("exclusiveMaximum", schema.get("maxLength", schema.get("maxItems")))
    )
    return least is not None and most is not None and least >= most


def _has_idle_bound(source: str, wanted: Schema) -> bool:
    """Whether a field's tag has a bound that its type gives no meaning to, so that Go left it out."""
    return any(
        mark.partition("=")[0] in BOUNDS
        and mark.partition("=")[0] not in (wanted["properties"].get(each.json_name) or {})
        for each in struct_fields(source)
        if each.json_name and wanted["properties"].get(each.json_name) is not False
        for mark in each.marks
        if isinstance(wanted["properties"].get(each.json_name), dict | bool)
    )


def _refused(source: str, panic: str) -> Rule:
    """Compare the reason of a panic of Go's with that of our refusal; a model always has a name."""
    root = root_type(source)
    try:
        input_schema(model_of(source) if root is None else root)
    except DefinitionError as refusal:
        must_equal(("nil pointer" in panic, "is no model" in str(refusal)), (True, True))
    except SchemaError as refusal:
        must_equal(("unsupported type" in panic, "has no JSON Schema" in str(refusal)), (True, True))
    else:
        must_equal(("nil pointer" in panic, is_anonymous(source)), (True, True))
    return Rule.OWN_WORDS


def _compare_order(schema: Schema, wanted: Schema) -> None:
    """Compare the order of fields; in a model those with a default come last."""
    optional = [name for name in wanted["properties"] if name not in schema.get("required", ())]
    required = [name for name in wanted["properties"] if name not in optional]
    must_equal(list(schema["properties"]), required + optional)


def _has_number_choices(schema: Schema) -> bool:
    """Whether a field is one of several numbers with a fraction, which no host offers as choices."""
    return any(each["type"] == "number" and "enum" in each for each in schema["properties"].values())


def _is_recursive(schema: Schema) -> bool:
    return any(f'"#/$defs/{name}"' in json.dumps(each) for name, each in schema.get("$defs", {}).items()) or (
        "$ref" in json.dumps(schema["properties"]) and "$defs" not in schema
    )


def flat(schema: Schema, defs: Schema | None = None) -> Schema:
    """Return Go's schema as ours are: inlined, defaults not required, keys of maps without patterns."""
    defs = schema.get("$defs", {}) if defs is None else defs
    made = {name: each for name, each in schema.items() if name not in ("$defs", "$id", "$ref")}
    if "$ref" in schema:
        made = flat(defs[schema["$ref"].rpartition("/")[2]], defs) | made
    if "patternProperties" in made:
        (inner,) = made.pop("patternProperties").values()
        made["additionalProperties"] = inner
    if "properties" in made:
        _flatten_properties(made, defs)
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = flat(made[name], defs)
    if "items" in made:
        _flatten_items(made)
    for name in ("oneOf", "anyOf"):
        types = [each for each in made.pop(name, ()) if each != {"type": "null"}]
        made |= types[0] if len(types) == 1 else {}
    return made


def _flatten_items(made: Schema) -> None:
    """Make the items of a list as ours: Go's tags give the items' examples, and defaults as texts."""
    if made["items"] is True:
        made["items"] = {}
    made["items"].pop("examples", None)
    number = {"integer": int, "number": float}.get(made["items"].get("type"))
    if number is not None and "default" in made:
        made["default"] = [number(each) for each in made["default"]]


def _flatten_properties(made: Schema, defs: Schema) -> None:
    made["properties"] = {
        name: {} if each is True else flat(each, defs) for name, each in made["properties"].items()
    }
    required = [name for name in made.get("required", ()) if "default" not in made["properties"][name]]
    made.pop("required", None)
    if required:
        made["required"] = required


def _unordered(schema: Any) -> Any:
    """Return a schema to compare: numbers as floats, lists of names sorted, only what models can say."""
    if isinstance(schema, list):
        return [_unordered(each) for each in schema]
    if not isinstance(schema, dict):
        return float(schema) if type(schema) is int else schema
    if "type" not in schema and "$schema" not in schema:
        return {name: _unordered(each) for name, each in schema.items()}
    said = _SAYABLE - _BOUNDS if "enum" in schema else _SAYABLE
    known = {name: _unordered(each) for name, each in schema.items() if name in said}
    return {**known, "required": sorted(known["required"])} if "required" in known else known


_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_SAYABLE = _BOUNDS | {
    *("$schema", "type", "properties", "required", "additionalProperties", "items", "enum", "default"),
    *("minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "title", "description"),
    *("examples", "deprecated"),
}
"""The keywords that models can say; Go's tags can say others, which no host reads."""
