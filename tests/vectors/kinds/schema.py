"""Schemas of Go structs and of the models that are their counterparts."""

from __future__ import annotations

import json
from typing import Any

from reglet.application.models.schema import input_schema
from reglet.domain.errors import DefinitionError, SchemaError
from tests.vectors.go_structs import model_of
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Schema = dict[str, Any]
_NO_STRUCT: dict[str, Any] = {
    "non_struct_string": str,
    "non_struct_slice": list,
    "non_struct_map": dict,
    "nil_interface": type(None),
}


def run(vector: Vector) -> Rule | None:
    """Compare the schema with Go's, brought to the form that every host accepts."""
    expected = vector["expected"]
    if expected.get("panic"):
        return _refused(vector)
    wanted = json.loads(expected["compact"])
    try:
        schema = input_schema(model_of(vector["input"]["go"]))
    except SchemaError as refusal:
        if "does not fit" in str(refusal):  # a default that its own bounds refuse
            return Rule.CONFIG_ENFORCED
        if not (_is_recursive(wanted) or _has_number_choices(wanted)):
            raise AssertionError(f"refused: {refusal}") from refusal
        return Rule.FLAT_SCHEMAS
    del wanted["$id"]
    _compare_order(schema, wanted)
    if schema == wanted:
        return Rule.NO_SCHEMA_ID
    must_equal(_unordered(schema), _unordered(flat(wanted)))
    return Rule.FLAT_SCHEMAS


def _compare_order(schema: Schema, wanted: Schema) -> None:
    """Compare the order of fields; in a model those with a default come last."""
    optional = [name for name in wanted["properties"] if name not in schema.get("required", ())]
    required = [name for name in wanted["properties"] if name not in optional]
    must_equal(list(schema["properties"]), required + optional)


def _refused(vector: Vector) -> Rule:
    """Where Go panics, a definition is refused in words; a model always has a name."""
    name = vector["name"]
    try:
        input_schema(_NO_STRUCT[name] if name in _NO_STRUCT else model_of(vector["input"]["go"]))
    except (DefinitionError, SchemaError):
        return Rule.OWN_WORDS
    assert "anonymous" in name, "a schema was made of something that is no model"
    return Rule.OWN_WORDS


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
    return made


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
