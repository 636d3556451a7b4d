"""Go struct types as the vectors write them, made into models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from queue import Queue
from typing import Any, Literal

from attrs import frozen

import reglet

_TAG = re.compile(r'(\w+):"((?:[^"\\]|\\.)*)"')
_NOTE = re.compile(r"\s*\((\w+ [^)]*)\)")
_ALIAS = re.compile(r"type (\w+) (\w+)")
_ARRAY = re.compile(r"\[(\d+)\]")
_COMMA = re.compile(r"(?<!\\),")
_TYPES = {
    "sInner": 'X int `json:"x" jsonschema:"minimum=1,maximum=9"`; Y string `json:"y,omitempty"`',
    "sEmbed": 'Base string `json:"base"`',
    "Embedded": 'Base string `json:"base"`',
    "sTree": 'V int `json:"v"`; Kids []*sTree `json:"kids,omitempty"`',
    "entities.GrantSet": (
        'Network *NetworkCapability `json:"network,omitempty"`; FS *FileSystemCapability `json:"fs,omitempty"`; '
        'Env *EnvironmentCapability `json:"env,omitempty"`; Exec *ExecCapability `json:"exec,omitempty"`; '
        'KV *KeyValueCapability `json:"kv,omitempty"`'
    ),
    "NetworkCapability": 'Rules []NetworkRule `json:"rules"`',
    "NetworkRule": 'Hosts []string `json:"hosts"`; Ports []string `json:"ports"`',
    "FileSystemCapability": 'Rules []FileSystemRule `json:"rules"`',
    "FileSystemRule": 'Read []string `json:"read,omitempty"`; Write []string `json:"write,omitempty"`',
    "EnvironmentCapability": 'Vars []string `json:"vars"`',
    "ExecCapability": 'Commands []string `json:"commands"`',
    "KeyValueCapability": 'Rules []KeyValueRule `json:"rules"`',
    "KeyValueRule": (
        'Op string `json:"op" jsonschema:"enum=read,enum=write,enum=read-write"`; Keys []string `json:"keys"`'
    ),
}
"""Types that the vectors name without their fields."""
_SCALARS: dict[str, Any] = {
    "string": str,
    "bool": bool,
    "any": Any,
    "interface{}": Any,
    "json.RawMessage": Any,
    "error": Any,
    "time.Time": datetime,
    "time.Duration": int,
    "[]byte": str,
    "byte": int,
    "rune": int,
} | {
    f"{kind}{size}": made
    for kind, made in (("int", int), ("uint", int), ("float", float))
    for size in ("", "8", "16", "32", "64")
}
_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_TEXTS = ("pattern", "format", "title", "description")


@reglet.model
class Tree:
    """`sTree`, which holds itself."""

    v: int
    kids: list[Tree] = reglet.field(factory=list)


class UnknownGoError(Exception):
    """Go source that this reader does not know; a bug of the runner, never of the product."""


@frozen
class GoField:
    """One field of a Go struct."""

    name: str
    type: str
    tags: dict[str, str]

    @property
    def json_name(self) -> str:
        """Its name in JSON, empty if it has none there."""
        tag = self.tags.get("json", "")
        if tag == "-" or not self.name[0].isupper() or self.tags.get("jsonschema") == "-":
            return ""
        return tag.split(",")[0] or self.name

    @property
    def is_required(self) -> bool:
        """Whether Go's generator lists it as required."""
        omitted = "omitempty" in self.tags.get("json", "").split(",")[1:]
        return not omitted or "required" in self.marks

    @property
    def marks(self) -> list[str]:
        """The parts of its `jsonschema` tag."""
        parts = _COMMA.split(self.tags["jsonschema"]) if "jsonschema" in self.tags else []
        return [part.replace("\\\\,", ",").replace("\\,", ",") for part in parts]


def struct_fields(source: str) -> list[GoField]:
    """Return the fields of a struct in the vectors' notation; embedded structs give theirs."""
    lower = "json names lower case" in source
    text = _without_notes(source).strip().removeprefix("&").removeprefix("*")
    if text.startswith("struct{"):
        text = text[len("struct{") : text.rindex("}")].removesuffix("}{")
    if text in _TYPES:
        text = _TYPES[text]
    fields = [made for part in _split(text) for made in _fields(part)]
    if not lower:
        return fields
    return [GoField(each.name, each.type, {"json": each.name.lower()}) for each in fields]


def _without_notes(source: str) -> str:
    """Return the source without remarks in parentheses; one that names a type's kind replaces the type."""
    pieces = source.split("`")
    notes = [note for piece in pieces[::2] for note in _NOTE.findall(piece)]
    pieces[::2] = [_NOTE.sub("", piece) for piece in pieces[::2]]
    text = "`".join(pieces)
    for alias, kind in _ALIAS.findall(" ".join(notes)):
        text = re.sub(rf" {alias}\b", f" {kind}", text)
    return text


def model_of(source: str, name: str = "Model") -> type[Any]:
    """Return the model that is the counterpart of a Go struct.

    Raises:
        DefinitionError: a field has a type that models cannot have.
        UnknownGoError: the source is not a struct in this notation.
    """
    if source.startswith("sTree{"):
        return Tree
    fields = [each for each in struct_fields(source) if each.json_name]
    fields.sort(key=lambda each: _default_of(each) is not None or not each.is_required)
    annotations: dict[str, Any] = {}
    body: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__}
    for each in fields:
        attribute = f"f_{each.json_name}".replace("-", "_")
        annotations[attribute] = _annotation(each)
        body[attribute] = reglet.field(**_field_arguments(each))
    return reglet.model(type(name, (), body))


def _field_arguments(each: GoField) -> dict[str, Any]:
    arguments: dict[str, Any] = {"json_name": each.json_name}
    arguments |= dict(_marks(each))
    default = _default_of(each)
    if default is not None and not isinstance(default, list):
        arguments["default"] = default
    elif default is not None:
        arguments["factory"] = lambda: list(default)
    elif not each.is_required:
        arguments["default"] = None
    return arguments


def _marks(each: GoField) -> Iterator[tuple[str, Any]]:
    number = float if "float" in each.type else int
    for mark in each.marks:
        name, _, given = mark.partition("=")
        if name in _BOUNDS and not _has_choices(each):
            yield _BOUNDS[name], number(given) if "Length" not in name and "Items" not in name else int(given)
        elif name in _TEXTS:
            yield name, given
        elif mark == "deprecated=true":
            yield "deprecated", True
    shown = [mark.partition("=")[2] for mark in each.marks if mark.startswith("example=")]
    if shown:
        yield "examples", tuple(_value(each.type, text) for text in shown)
    if size := _ARRAY.match(each.type):
        yield "min_length", int(size[1])
        yield "max_length", int(size[1])
    if "jsonschema_description" in each.tags:
        yield "description", each.tags["jsonschema_description"]


def _has_choices(each: GoField) -> bool:
    """Whether a field is one of some values; bounds say nothing more then, and models refuse them."""
    return any(mark.startswith("enum=") for mark in each.marks)


def _default_of(each: GoField) -> Any:
    given = [mark.partition("=")[2] for mark in each.marks if mark.startswith("default=")]
    if not given:
        return None
    try:
        values = [_value(each.type.removeprefix("[]"), text) for text in given]
    except ValueError:
        return None
    return values if each.type.startswith("[]") else values[0]


def _value(go_type: str, text: str) -> Any:
    if "int" in go_type:
        return int(text)
    if "float" in go_type:
        return float(text)
    return text == "true" if go_type == "bool" else text


def _annotation(each: GoField) -> Any:
    go_type = _ARRAY.sub("[]", each.type, count=1)
    inner = go_type if go_type == "[]byte" else go_type.removeprefix("[]").removeprefix("*")
    enum = tuple(_value(inner, mark[5:]) for mark in each.marks if mark.startswith("enum="))
    made = _choice(enum) if enum else _python_type(inner)
    if go_type.startswith("[]") and go_type != "[]byte":
        made = list[made]  # type: ignore[valid-type]  # made is the inner type
    optional = not each.is_required and _default_of(each) is None and made is not Any
    return made | None if optional else made


def _choice(values: tuple[Any, ...]) -> Any:
    """Return a type of these values; typing has no literal floats."""
    if all(isinstance(value, float) for value in values):
        return Enum("Choice", {f"v{place}": value for place, value in enumerate(values)})
    return Literal[values]  # type: ignore[valid-type]  # a type made at run time


def _python_type(go_type: str) -> Any:
    bare = go_type.removeprefix("*")
    if bare in _SCALARS:
        return _SCALARS[bare]
    for prefix, read in _COMPOSITES.items():
        if bare.startswith(prefix):
            return read(bare)
    if bare not in _TYPES:
        raise UnknownGoError(f"what are the fields of {bare!r}?")
    return model_of(_TYPES[bare], bare)


_COMPOSITES: dict[str, Any] = {
    "chan": lambda _: Queue,
    "func": lambda _: Callable,
    "sTree": lambda _: Tree,
    "interface{": lambda _: Any,
    "struct{": lambda bare: model_of(bare, "Anonymous"),
    "[]": lambda bare: list[_python_type(bare[2:])],  # type: ignore[misc]  # a type made at run time
    "map[": lambda bare: dict[str, _python_type(bare.partition("]")[2])],  # type: ignore[misc]  # as above
}


def _split(text: str) -> list[str]:
    """Split at `;` outside of braces, quotes and backticks."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character == "`":
            quoted = not quoted
        elif not quoted and character in "{}":
            depth += 1 if character == "{" else -1
        elif not quoted and character == ";" and not depth:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _fields(part: str) -> Iterator[GoField]:
    declared, tag_text = part, ""
    if part.endswith("`"):
        start = part.rindex("`", 0, -1)
        declared, tag_text = part[:start].strip(), part[start:]
    tags = dict(_TAG.findall(tag_text))
    embedded = re.fullmatch(r"(\w+)\{(.*)\}", part, re.DOTALL)
    if embedded is not None:
        yield from struct_fields(embedded[2])
        return
    names, _, go_type = declared.partition(" ")
    if "," in names:  # short for fields of these names in lower case
        yield from (GoField(each, go_type, {"json": each.lower()}) for each in names.split(","))
        return
    if not go_type and tags and names not in _TYPES:
        go_type = "string"
    if not go_type and names in _TYPES and "json" not in tags:
        yield from struct_fields(_TYPES[names])
        return
    yield GoField(names, "string" if go_type == "unexported" else go_type or _implied(names), tags)


def _implied(name: str) -> str:
    """Return the type of a field that is written by its name alone, such as `U16` or `Embedded`."""
    if name in _TYPES:
        return name
    kind = {"U": "uint", "I": "int", "F": "float"}.get(name[:1])
    if kind is not None and name[1:].isdigit():
        return kind + name[1:]
    if not name.isidentifier() or not name[0].isupper():
        raise UnknownGoError(f"what is the type of {name!r}?")
    return "string"
