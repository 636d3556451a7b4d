"""The JSON Schema that the Go SDK's generator, invopop/jsonschema, makes of a struct."""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import define, field

from tests.vectors.go_structs import TYPES, GoField, bare, declared_name, json_type, struct_fields
from tests.vectors.running import NoCounterpartError

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FORMATS = {"time.Time": "date-time", "url.URL": "uri", "net.IP": "ipv4"}
_ARRAY = re.compile(r"\[(\d*)\](.+)", re.DOTALL)
_MAP = re.compile(r"map\[([\w.]+)\](.+)", re.DOTALL)
_PATTERNED = ("int", "int8", "int16", "int32", "int64")
_NUMERIC = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_ANYTHING = ("any", "interface{}", "error", "fmt.Stringer", "json.RawMessage")
_NO_VALUES = ("chan", "func", "complex", "uintptr", "unsafe.")


class UnsupportedTypeError(Exception):
    """A type that the generator panics at."""


@define
class _Generator:
    defs: Schema = field(factory=dict)

    def of(self, go_type: str) -> Schema:  # noqa: PLR0911 - one case a kind
        """Return the schema of a type, empty for anything; a named struct is a reference."""
        go_type = re.sub(r"\bstruct\s+\{", "struct{", go_type.lstrip("*"))
        if go_type.startswith(_NO_VALUES):
            raise UnsupportedTypeError(f"unsupported type {go_type}")
        if (found := _MAP.fullmatch(go_type)) is not None:
            inner = self.of(found[2])
            if found[1] in _PATTERNED:
                return {
                    "patternProperties": {"^[0-9]+$": inner},
                    "additionalProperties": False,
                    "type": "object",
                }
            is_interface = (
                json_type(found[2]) == "" and not inner and not re.search(r"RawMessage|^\*", found[2])
            )
            return {"type": "object"} | ({} if is_interface else {"additionalProperties": inner})
        if go_type == "[]byte":
            return {"type": "string", "contentEncoding": "base64"}
        if (found := _ARRAY.fullmatch(go_type)) is not None:
            size = {"maxItems": int(found[1]), "minItems": int(found[1])} if found[1] else {}
            return {"items": self.of(found[2]), "type": "array", **size}
        if go_type.startswith("struct{"):
            return self.struct(go_type)
        if (name := bare(go_type)) in TYPES:
            if name not in self.defs:
                self.defs[name] = {}
                self.defs[name] |= self.struct(TYPES[name])
            return {"$ref": f"#/$defs/{name}"}
        kind = json_type(go_type)
        if not kind and go_type not in _ANYTHING and not go_type.startswith("interface{"):
            raise NoCounterpartError(f"the Go type {go_type} is named without its fields")
        made = {"type": kind} if kind else {}
        return made | ({"format": _FORMATS[go_type]} if go_type in _FORMATS else {})

    def struct(self, source: str) -> Schema:
        """Return the schema of a struct's fields."""
        made: Schema = {"properties": {}, "additionalProperties": False, "type": "object"}
        required: list[str] = []
        for each in struct_fields(source):
            if not each.json_name or each.tags.get("json", "").startswith("-,"):
                continue
            made["properties"][each.json_name] = self.field(each, made)
            if each.is_required and each.json_name not in required:
                required.append(each.json_name)
        return made | ({"required": required} if required else {})

    def field(self, each: GoField, parent: Schema) -> Schema:
        """Return the schema of a field with what its tags say."""
        made = self.of(each.type)
        if "jsonschema_description" in each.tags:
            made["description"] = each.tags["jsonschema_description"]
        for mark in each.all_marks:
            _generic(made, mark, each.json_name, parent)
        for mark in each.marks:
            name, _, text = mark.partition("=")
            if made.get("type") == "array" and name not in _OF_ARRAYS:
                _keyword(made["items"], name, text)
            elif made.get("type") == "array" and name in ("format", "pattern"):
                made["items"][name] = text
            else:
                _keyword(made, name, text)
        for pair in each.tags.get("jsonschema_extras", "").split(","):
            name, is_pair, text = pair.partition("=")
            if is_pair:
                _extra(made, name, text)
        made = {name: value for name, value in made.items() if (name, value) != ("type", "")}
        return {"oneOf": [made, {"type": "null"}]} if "nullable" in each.all_marks else made


_OF_ARRAYS = ("minItems", "maxItems", "uniqueItems", "default", "format", "pattern")


def _generic(made: Schema, mark: str, name_of_field: str, parent: Schema) -> None:
    name, is_pair, text = mark.partition("=")
    if not is_pair:
        return
    if name in ("title", "description", "type"):
        made[name] = text
    elif name == "anchor":
        made["$anchor"] = text
    elif name in ("oneof_type", "anyof_type"):
        made["type"] = ""
        made.setdefault(f"{name[:3]}Of", []).extend({"type": each} for each in text.split(";"))
    elif name in ("oneof_required", "anyof_required"):
        choices = parent.setdefault(f"{name[:3]}Of", [])
        choice = next((each for each in choices if each["title"] == text), None)
        if choice is None:
            choices.append(choice := {"required": [], "title": text})
        choice["required"].append(name_of_field)


def _keyword(made: Schema, name: str, text: str) -> None:
    """Put a keyword of a schema's type into it."""
    kind = made.get("type")
    is_number = kind in ("number", "integer")
    if name in ("enum", "example"):
        made.setdefault("enum" if name == "enum" else "examples", []).append(
            json.loads(text) if is_number else text
        )
    elif kind == "array" and name == "default":
        made.setdefault("default", []).append(text)
    elif name in ("minLength", "maxLength", "minItems", "maxItems", *_NUMERIC):
        made[name] = json.loads(text)
    elif name in ("readOnly", "writeOnly", "uniqueItems"):
        made[name] = True
    elif name == "default":
        made[name] = json.loads(text) if is_number or kind == "boolean" else text
    elif name in ("pattern", "format"):
        made[name] = text


def _extra(made: Schema, name: str, text: str) -> None:
    value: Any = {"true": True, "false": False}.get(text, text)
    if name in made and isinstance(made[name], list):
        made[name] = [*made[name], text]
    else:
        made[name] = [made[name], text] if name in made else value


def schema_of(source: str) -> Schema:
    """Return the schema of a struct in the vectors' notation, without its `$id`.

    Raises:
        UnsupportedTypeError: the generator panics.
    """
    generator = _Generator()
    name = declared_name(source)
    if name:
        generator.of(name)
        made = generator.defs.pop(name)
    else:
        made = generator.struct(source)
    made = {"$schema": _DRAFT, **made}
    return _said(made | ({"$defs": generator.defs} if generator.defs else {}))


def _said(value: Any, key: str = "") -> Any:
    """Return a schema as it is written, where one that says nothing is `true`."""
    if isinstance(value, list):
        return [_said(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not value and key not in ("properties", "$defs"):
        return True
    return {name: _said(each, name) for name, each in value.items()}
