"""What Go's `encoding/json` reads into the SDK's structs, and what it writes of them.

Where our answer is another, the whole of Go's is known by this, and no wrong one passes for a difference.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed lacks it
from typing import Any

from attrs import define, frozen

from reglet.domain.time import ZERO_TIME, format_time, parse_time
from reglet.infrastructure.wire.go_json import encode_json
from tests.vectors import go_values as go
from tests.vectors.go_structs import TYPES, struct_fields

SYNTAX_ERRORS = ("invalid character ", "unexpected end of JSON input")
"""How Go's error begins for a text that is no JSON."""
_PACKAGES = {
    **dict.fromkeys(("Result", "RunMetadata", "Manifest", "ServiceManifest"), "abi"),
    **dict.fromkeys(("OperationManifest", "OperationExample"), "abi"),
    **dict.fromkeys(("ErrorDetail", "GrantSet", "NetworkCapability", "NetworkRule"), "hostfunc"),
    **dict.fromkeys(("FileSystemCapability", "FileSystemRule", "EnvironmentCapability"), "hostfunc"),
    **dict.fromkeys(("ExecCapability", "KeyValueCapability", "KeyValueRule"), "hostfunc"),
    **dict.fromkeys(("LogMessage", "LogAttr"), "hostfunc"),
    **dict.fromkeys(("LogMessageWire", "LogAttrWire"), "log"),
    **dict.fromkeys(("checkIn", "checkOut"), "main"),
    "target": "main",
}
_BITS = {"int": 63, "int64": 63, "time.Duration": 63}
_RAW = "json.RawMessage"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n]*")
_FOLDED = {0x17F: "s", 0x212A: "k"}
"""The letters beyond ASCII that Go takes for one of ASCII where it looks for a key."""
_WORDS = {"true": True, "false": False, "null": None}


class _AbortedError(Exception):
    """An error after which Go reads no more."""


@frozen
class _Node:
    """A value of a JSON text: what it is, what it holds, and how it is written."""

    kind: str
    value: Any
    text: str


@cache
def _fields(struct: str) -> dict[str, tuple[str, bool]]:
    """Return the type of each field by its JSON name, and whether it is left out where it is empty."""
    fields = struct_fields(TYPES[struct])
    return {each.json_name: (each.type, "omitempty" in each.tags["json"]) for each in fields}


def zero(go_type: str) -> Any:
    """Return the zero value of a type in the vectors' notation."""
    if go_type in TYPES:
        return {name: zero(inner) for name, (inner, _) in _fields(go_type).items()}
    if go_type == "time.Duration":
        return {"$duration_ns": 0}
    if go_type.startswith(("int", "uint")):
        return 0
    return {"string": "", "bool": False, "time.Time": {"$time": format_time(ZERO_TIME)}}.get(go_type)


def read(go_type: str, data: bytes, package: str = "entities") -> tuple[Any, str | None]:
    """Return what Go reads of a text, in the vectors' notation, and its error.

    The error of a text that is no JSON is the first of `SYNTAX_ERRORS`. `package` is where a struct of the
    wire is from.
    """
    text = re.sub("[\ud800-\udfff]", "\ufffd", data.decode(errors="surrogateescape"))
    try:
        node, end = _scanned(text, 0)
    except (ValueError, IndexError):
        end = -1
    if end != len(text):
        return zero(go_type), SYNTAX_ERRORS[0]
    reader = _Reader(package)
    holder = {"": zero(go_type)}
    try:
        reader.store(holder, "", go_type, node)
    except _AbortedError as error:
        return holder[""], str(error)
    return holder[""], reader.error


def _scanned(text: str, at: int) -> tuple[_Node, int]:
    """Return the value that begins at an index, and the index behind it and its space."""
    start = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
    opening = text[start]
    if opening == '"':
        value, end = scanstring(text, start + 1, True)
        node = _Node("string", re.sub("[\ud800-\udfff]", "\ufffd", value), text[start:end])
    elif opening in "{[":
        items, end = _scanned_items(text, start)
        node = _Node("object" if opening == "{" else "array", items, text[start:end])
    elif (number := _NUMBER.match(text, start)) is not None:
        end = number.end()
        node = _Node("number", number[0], number[0])
    else:
        word = next((word for word in _WORDS if text.startswith(word, start)), "")
        if not word:
            raise ValueError(text[start:])
        end = start + len(word)
        node = _Node("null" if word == "null" else "bool", _WORDS[word], word)
    return node, _SPACE.match(text, end).end()  # type: ignore[union-attr]  # as above


def _scanned_items(text: str, start: int) -> tuple[list[Any], int]:
    """Return the values of an array, or the keys and values of an object, and the index behind it."""
    closing, items = {"{": "}", "[": "]"}[text[start]], list[Any]()
    at = _SPACE.match(text, start + 1).end()  # type: ignore[union-attr]  # it matches nothing too
    if text[at] == closing:
        return items, at + 1
    while True:
        node, at = _scanned(text, at)
        if closing == "}":
            if node.kind != "string" or text[at] != ":":
                raise ValueError(text[at:])
            key = node.value
            node, at = _scanned(text, at + 1)
            items.append((key, node))
        else:
            items.append(node)
        if text[at] == closing:
            return items, at + 1
        if text[at] != ",":
            raise ValueError(text[at:])
        at += 1


@define
class _Reader:
    """Reads one text into structs; the first value of a wrong type is its error, and what follows is read."""

    package: str
    error: str | None = None
    struct: str = ""
    path: tuple[str, ...] = ()

    def store(self, holder: Any, key: Any, go_type: str, node: _Node) -> None:  # noqa: C901 - one case a type
        """Read a value into `holder[key]`."""
        if node.kind == "null" and go_type != _RAW:
            if go_type.startswith(("*", "[]", "map[")) or go_type == "any":
                holder[key] = None
        elif go_type.startswith("*"):
            holder[key] = zero(go_type[1:]) if holder[key] is None else holder[key]
            self.store(holder, key, go_type[1:], node)
        elif go_type == _RAW:
            holder[key] = {"$raw_json": node.text}
        elif go_type == "time.Time":
            holder[key] = _time(node)
        elif go_type == "any":
            holder[key] = self._any(node)
        elif go_type in TYPES:
            self._store_struct(holder[key], go_type, node)
        elif go_type.startswith("map["):
            self._store_map(holder, key, go_type.partition("]")[2], node)
        elif go_type == "[]byte":
            self._store_bytes(holder, key, node)
        elif go_type.startswith("[]"):
            self._store_list(holder, key, go_type[2:], node)
        else:
            self._store_scalar(holder, key, go_type, node)

    def _store_scalar(self, holder: Any, key: Any, go_type: str, node: _Node) -> None:
        if go_type in ("string", "bool"):
            if node.kind == go_type:
                holder[key] = node.value
            else:
                self._wrong(node.kind, go_type)
        elif node.kind != "number":
            self._wrong(node.kind, go_type)
        elif _INTEGER.fullmatch(node.text) is None or int(node.text) not in _range(go_type):
            self._wrong(f"number {node.text}", go_type)
        else:
            holder[key] = {"$duration_ns": int(node.text)} if go_type == "time.Duration" else int(node.text)

    def _store_struct(self, value: Any, struct: str, node: _Node) -> None:
        if node.kind != "object":
            self._wrong(node.kind, struct)
            return
        fields = _fields(struct)
        folded_names = {folded(name): name for name in reversed(fields)}
        outside = self.struct, self.path
        for key, inner in node.value:
            name = key if key in fields else folded_names.get(folded(key))
            if name is not None:
                self.struct, self.path = struct, (*outside[1], name)
                self.store(value, name, fields[name][0], inner)
                self.struct, self.path = outside

    def _store_map(self, holder: Any, key: Any, go_type: str, node: _Node) -> None:
        if node.kind != "object":
            self._wrong(node.kind, f"map[string]{go_type}")
            return
        holder[key] = {} if holder[key] is None else holder[key]
        for name, inner in node.value:
            entry = [zero(go_type)]
            self.store(entry, 0, go_type, inner)
            holder[key][name] = entry[0]

    def _store_list(self, holder: Any, key: Any, go_type: str, node: _Node) -> None:
        if node.kind != "array":
            self._wrong(node.kind, f"[]{go_type}")
            return
        holder[key] = (holder[key] or [])[: len(node.value)]  # items that were there are read into
        holder[key] += [zero(go_type) for _ in range(len(node.value) - len(holder[key]))]
        for index, inner in enumerate(node.value):
            self.store(holder[key], index, go_type, inner)

    def _store_bytes(self, holder: Any, key: Any, node: _Node) -> None:
        if node.kind == "array":
            self._store_list(holder, key, "uint8", node)
            holder[key] = {"$bytes_b64": base64.b64encode(bytes(holder[key])).decode()}
        elif node.kind != "string":
            self._wrong(node.kind, "[]byte")
        else:
            try:
                content = base64.b64decode(re.sub("[\r\n]", "", node.value).encode("ascii"), validate=True)
                holder[key] = {"$bytes_b64": base64.b64encode(content).decode()}
            except ValueError:
                self.error = self.error or "illegal base64 data at input byte "

    def _any(self, node: _Node) -> Any:
        if node.kind == "object":
            return {name: self._any(inner) for name, inner in node.value}
        if node.kind == "array":
            return [self._any(inner) for inner in node.value]
        if node.kind != "number":
            return node.value
        if float(node.text) in (float("inf"), float("-inf")):
            self._wrong(f"number {node.text}", "float64")
            return None
        return {"$float": node.text}

    def _wrong(self, what: str, go_type: str) -> None:
        """Keep an error, unless there is one."""
        place = (
            f"struct field {self.struct.rpartition('.')[2]}.{'.'.join(self.path)}" if self.struct else "value"
        )
        named = "abi.ResultStatus" if self.path[-1:] == ("status",) else _named(go_type, self.package)
        self.error = self.error or f"json: cannot unmarshal {what} into Go {place} of type {named}"


def _range(go_type: str) -> range:
    if go_type.startswith("uint"):
        return range(2 ** int(go_type.removeprefix("uint")))
    return range(-(2 ** _BITS[go_type]), 2 ** _BITS[go_type])


def folded(key: str) -> str:
    """Return a key as Go compares it where no field has just that name."""
    return "".join(each.lower() if each.isascii() else each for each in key.translate(_FOLDED))


def _named(go_type: str, package: str) -> str:
    """Return a type's name as Go writes it."""
    for prefix in ("[]", "map[string]"):
        if go_type.startswith(prefix):
            return prefix + _named(go_type.removeprefix(prefix), package)
    if go_type in TYPES:
        return go_type if "." in go_type else f"{_PACKAGES.get(go_type, package)}.{go_type}"
    return {"any": "interface {}", "byte": "uint8"}.get(go_type, go_type)


def _time(node: _Node) -> Any:
    if node.kind != "string":
        raise _AbortedError("Time.UnmarshalJSON: input is not a JSON string")
    try:
        return {"$time": format_time(parse_time(node.value))}
    except ValueError:
        raise _AbortedError("parsing time ") from None


def written(go_type: str, value: Any) -> str:
    """Return the JSON that Go writes of a value in the vectors' notation.

    Raises:
        ValueError: Go cannot write it.
    """
    if go_type.startswith("*"):
        return "null" if value is None else written(go_type[1:], value)
    if go_type in TYPES:
        parts = [
            f'"{name}":{written(inner, value.get(name))}'
            for name, (inner, omitted) in _fields(go_type).items()
            if not (omitted and _is_empty(value.get(name)))
        ]
        return f"{{{','.join(parts)}}}"
    if go_type.startswith("[]") and go_type != "[]byte":
        return "null" if value is None else f"[{','.join(written(go_type[2:], each) for each in value)}]"
    if go_type.startswith("map["):
        inner = go_type.partition("]")[2]
        pairs = (
            f"{encode_json(name).decode()}:{written(inner, value[name])}" for name in sorted(value or ())
        )
        return "null" if value is None else f"{{{','.join(pairs)}}}"
    if go_type == "time.Duration" and isinstance(value, dict):
        return str(value["$duration_ns"])
    scalar = value if value is not None or go_type in ("any", _RAW, "[]byte") else go.exact(zero(go_type))
    return go.as_go(encode_json(go.value(go.only_go(scalar))).decode())


def _is_empty(value: Any) -> bool:
    """Whether a value is one that `omitempty` leaves out."""
    if isinstance(value, dict):
        return value in ({}, {"$bytes_b64": ""}, {"$raw_json": ""}, {"$string_bytes_b64": ""})
    return not value


def same_error(error: str | None, expected: str | None) -> bool:
    """Whether Go's error is the one that was foreseen, which is given by its beginning where it tells much."""
    if error is None or expected is None:
        return error is expected
    if error == SYNTAX_ERRORS[0]:
        return expected.startswith(SYNTAX_ERRORS)
    return expected == error or (error.endswith(" ") and expected.startswith(error))
