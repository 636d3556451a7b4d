"""Schemas of Go structs and of the models that are their counterparts."""

from __future__ import annotations

import json
import re
from typing import Any

from reglet.application.models.json_schema import input_schema
from reglet.domain.errors import DefinitionError, SchemaError
from reglet.infrastructure.wire.go_json import to_bytes
from tests.vectors.go_schema import UnsupportedTypeError, schema_of
from tests.vectors.go_structs import BOUNDS, is_anonymous, model_of, root_type, struct_fields
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Schema = dict[str, Any]


def run(vector: Vector) -> Rule | None:
    """Compare the schema with Go's, brought to the form that every host accepts."""
    source, expected = vector["input"]["go"], vector["expected"]
    if expected.get("panic"):
        must_equal([expected.get("error"), expected.get("schema") or ""], [None, ""])
        return _refused(source, expected["panic"])
    wanted = _compare_go(source, expected)
    try:
        schema = input_schema(model_of(source))
    except (DefinitionError, SchemaError) as refusal:
        return _rule_of(str(refusal), source, wanted)
    wanted.pop("$id", None)
    dashed = {
        each.json_name for each in struct_fields(source) if each.tags.get("json", "").startswith("-,")
    } - {""}
    if dashed - wanted["properties"].keys():  # a field called "-", which Go writes and its generator forgets
        must_equal(set(schema["properties"]) - set(wanted["properties"]), dashed)
        return Rule.GO_TAGS
    _compare_order(schema, wanted)
    if schema == wanted:
        return Rule.NO_SCHEMA_ID
    must_equal(_unordered(schema), _unordered(flat(wanted)))
    return Rule.FLAT_SCHEMAS


_ID = re.compile(r"https://[\w./-]+/[\w-]+")


def _compare_go(source: str, expected: dict[str, Any]) -> Schema:
    """Compare Go's schema, which is given in two forms, with what its generator makes of the struct; return it."""
    wanted: Schema = json.loads(expected["compact"])
    must_equal(expected["error"], None)
    if "schema" in expected:
        text = json.dumps(wanted, indent=2, ensure_ascii=False)
        must_equal(expected["schema"], to_bytes(text).decode())
    must_equal(_ID.fullmatch(wanted.get("$id", "https://a/b")) is not None, True)
    made = schema_of(source)
    must_equal({name: each for name, each in wanted.items() if name != "$id"}, made)
    must_equal(list(wanted["properties"]), list(made["properties"]))
    return wanted


def _rule_of(refusal: str, source: str, wanted: Schema) -> Rule:  # noqa: PLR0911 - one case a reason
    """Return the rule by which we refuse what Go takes, if its reason is there to see in Go's schema."""
    properties = [each for each in wanted["properties"].values() if isinstance(each, dict)]
    properties += [
        each["oneOf"][0] for each in properties if "oneOf" in each and isinstance(each["oneOf"][0], dict)
    ]
    if ("does not fit" in refusal or "its factory makes" in refusal) and any(map(_is_unfit, properties)):
        return Rule.CONFIG_ENFORCED
    if "cannot be said of datetime" in refusal and any(
        each.get("format") == "date-time" for each in properties
    ):
        return Rule.FLAT_SCHEMAS
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
    if any(each.tags.get("json", "").startswith("-,") for each in struct_fields(source)):
        return Rule.GO_TAGS  # a field called "-", which Go writes and its generator forgets
    raise AssertionError(f"refused: {refusal}")


def _is_unfit(schema: Schema) -> bool:
    """Whether a default is outside of what the schema allows."""
    alone = {name: each for name, each in schema.items() if name != "examples"}
    if any(_is_unfit(alone | {"default": each}) for each in schema.get("examples", ())):
        return True
    if "default" not in schema:
        return False
    default, size = schema["default"], 0
    if isinstance(default, list) and any(not _fits(each, schema["items"]) for each in default):
        return True
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


def _fits(text: str, items: Any) -> bool:
    """Whether an item of a default, which Go's tags give as text, is one of a list's items."""
    kind = items.get("type") if isinstance(items, dict) else None
    if kind in ("integer", "number"):
        return re.fullmatch(r"-?\d+" if kind == "integer" else r"-?\d+(\.\d+)?", text) is not None
    if kind == "boolean":
        return text in ("true", "false")
    if not isinstance(items, dict):
        return True
    return (
        items.get("format") is None
        and kind in ("string", None)
        and "$ref" not in str(items)
        and text in items.get("enum", [text])
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
    """Compare the reason of a panic of Go's; a model always has a name, and is refused where Go panics at a type."""
    root = root_type(source)
    if root is not None or is_anonymous(source):
        must_equal("nil pointer" in panic, True)
    else:
        try:
            schema_of(source)
        except UnsupportedTypeError as error:
            must_equal(re.sub(r"\b[a-z]+\.(?=\w)", "", panic), re.sub(r"\b[a-z]+\.(?=\w)", "", str(error)))
    try:
        input_schema(model_of(source) if root is None else root)
    except (DefinitionError, SchemaError):
        return Rule.OWN_WORDS
    must_equal(is_anonymous(source), True)
    return Rule.OWN_WORDS


def _compare_order(schema: Schema, wanted: Schema) -> None:
    """Compare the order of fields; in a model those with a default come last."""
    optional = [name for name in wanted["properties"] if name not in schema.get("required", ())]
    required = [name for name in wanted["properties"] if name not in optional]
    must_equal(list(schema["properties"]), required + optional)


def _has_number_choices(schema: Schema) -> bool:
    """Whether a field is one of several numbers with a fraction, which no host offers as choices."""
    fields = [each for each in schema["properties"].values() if isinstance(each, dict)]
    return any(each.get("type") == "number" and "enum" in each for each in fields)


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
    if made.get("additionalProperties") is True:
        del made["additionalProperties"]
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _without_bounds(flat(made[name], defs))
    if "items" in made:
        _flatten_items(made)
    for name in ("oneOf", "anyOf"):
        types = [each for each in made.pop(name, ()) if each != {"type": "null"}]
        made |= flat(types[0], defs) if len(types) == 1 and isinstance(types[0], dict) else {}
    return made


def _without_bounds(items: Schema) -> Schema:
    """Return the schema of an item without what models cannot say of one."""
    kept = {name: each for name, each in items.items() if name not in (*BOUNDS, "multipleOf", "pattern")}
    return {name: each for name, each in kept.items() if name != "format" or each == "date-time"}


def _flatten_items(made: Schema) -> None:
    """Make the items of a list as ours: Go's tags give the items' examples, and defaults as texts."""
    if made["items"] is True:
        made["items"] = {}
    made["items"].pop("examples", None)
    read = {"integer": int, "number": float, "boolean": "true".__eq__}.get(made["items"].get("type"))
    if read is not None and "default" in made and all(_fits(each, made["items"]) for each in made["default"]):
        made["default"] = [read(each) for each in made["default"]]


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
    if not isinstance(schema, dict):
        return schema
    said = _SAYABLE - _BOUNDS if "enum" in schema else _SAYABLE
    made = {name: each for name, each in schema.items() if name in said}
    for name in ("items", "additionalProperties"):
        if name in made:
            made[name] = _unordered(made[name])
    if "properties" in made:
        made["properties"] = {name: _unordered(each) for name, each in made["properties"].items()}
    if "required" in made:
        made["required"] = sorted(made["required"])
    if "enum" in made:  # where one may stand twice
        made["enum"] = [each for at, each in enumerate(made["enum"]) if each not in made["enum"][:at]]
    return json.loads(json.dumps(made), parse_int=float)


_BOUNDS = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "minLength",
    "maxLength",
    "pattern",
    "format",
}
"""What says nothing more beside choices, where models refuse it."""
_SAYABLE = _BOUNDS | {
    *("$schema", "type", "properties", "required", "additionalProperties", "items", "enum", "default"),
    *("minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "title", "description"),
    *("examples", "deprecated"),
}
"""The keywords that models can say; Go's tags can say others, which no host reads."""
