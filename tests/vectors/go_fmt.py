"""Go's values with their types: what is equal, and how `fmt` prints them."""

from __future__ import annotations

import math
import re
import struct
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import frozen

from reglet.domain.time import Timestamp, format_nanoseconds
from tests.vectors import go_values as go

_COMPARED = ("float64", "float32", "int", "int64", "int32")
"""The numbers that Go's test kit compares as floats."""
_ANYS, _MAP = "[]interface {}", "map[string]interface {}"
_PLAIN_EXPONENTS = range(-4, 6)
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_DELETE, _BMP = 0x7F, 0x10000


@frozen
class GoValue:
    """A value with the name of its type, as `%T` prints it; the items of lists and maps are such too."""

    go_type: str
    value: Any

    @classmethod
    def typed(cls, given: Any, key: str = "go_type") -> GoValue:
        """Return a value whose notation says its type."""
        go_type, value = re.sub(r"\bany\b|interface\s*\{\}", "interface {}", given[key]), given["value"]
        go_type = "<nil>" if go_type in ("", "nil", "interface {}") and value is None else go_type
        inner = go_type.removeprefix("[]") if go_type.startswith("[]") else go_type.partition("]")[2]
        if value is None or not go_type.startswith(("[]", "map[")) or go_type == "[]uint8":
            return cls(go_type, _bare(go_type, value))
        item = cls.of if inner == "interface {}" else lambda each: cls.typed({key: inner, "value": each}, key)
        if isinstance(value, list):
            return cls(go_type, [item(each) for each in value])
        return cls(go_type, {name: item(each) for name, each in value.items()})

    @classmethod
    def of(cls, given: Any) -> GoValue:
        """Return a value whose type follows from its notation."""
        if isinstance(given, list):
            return cls(_ANYS, [cls.of(each) for each in given])
        marks = {"$time": "time.Time", "$duration_ns": "time.Duration", "$bytes_b64": "[]uint8"}
        marks |= {"$float": "float64", "$raw_json": "json.RawMessage", "$string_bytes_b64": "string"}
        if isinstance(given, dict) and not (len(given) == 1 and given.keys() <= marks.keys()):
            return cls(_MAP, {name: cls.of(each) for name, each in given.items()})
        kinds = {bool: "bool", int: "int", float: "float64", str: "string", type(None): "<nil>"}
        go_type = marks[next(iter(given))] if isinstance(given, dict) else kinds[type(given)]
        return cls(go_type, _bare(go_type, given))

    @property
    def number(self) -> float | None:
        """As a float, where Go's test kit compares it as one."""
        return float(self.value) if self.go_type in _COMPARED else None

    def __str__(self) -> str:  # noqa: PLR0911 - one case a kind
        """Return it as `%v` prints it."""
        if self.value is None:
            return {"m": "map[]", "[": "[]"}.get(self.go_type[0], "<nil>")
        if isinstance(self.value, dict):
            return f"map[{' '.join(f'{name}:{self.value[name]}' for name in sorted(self.value))}]"
        if isinstance(self.value, (list, bytes)):
            return f"[{' '.join(map(str, self.value))}]"
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, datetime):
            return _printed_time(self.value)
        if self.go_type == "time.Duration":
            return format_nanoseconds(self.value)
        return printed_float(self.value, self.go_type) if isinstance(self.value, float) else str(self.value)


def _bare(go_type: str, given: Any) -> Any:
    """Return what a scalar's notation stands for."""
    if go_type == "time.Duration":
        return go.duration_ns(given)
    if go_type == "json.RawMessage":
        return given["$raw_json"].encode()
    value = go.value(given)
    return float(value) if go_type in ("float64", "float32") and value is not None else value


def deep_equal(expected: GoValue, actual: GoValue) -> bool:
    """Whether Go's example tests take two values for equal: of a map the expected keys count alone."""
    types = {expected.go_type, actual.go_type}
    if types == {_ANYS}:
        one, other = expected.value or [], actual.value or []
        return len(one) == len(other) and all(map(deep_equal, one, other))
    if types == {_MAP}:
        there = actual.value or {}
        return all(
            name in there and deep_equal(each, there[name]) for name, each in (expected.value or {}).items()
        )
    if expected.number is not None and actual.number is not None:
        return expected.number == actual.number
    return identical(expected, actual)


def identical(one: GoValue, other: GoValue) -> bool:
    """Whether two values are the same to `reflect.DeepEqual`."""
    if one.go_type != other.go_type or (one.value is None) != (other.value is None):
        return False
    if isinstance(one.value, list):
        return len(one.value) == len(other.value) and all(map(identical, one.value, other.value))
    if isinstance(one.value, dict):
        return one.value.keys() == other.value.keys() and all(
            identical(each, other.value[name]) for name, each in one.value.items()
        )
    return bool(one.value == other.value)


def printed_float(value: float, go_type: str = "float64") -> str:
    """Return a float as `%v` prints it: in its fewest digits, with an exponent from a million on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if go_type == "float32":
        value = single(value)
        texts = (f"{value:.{digits}g}" for digits in range(1, 10))
        text = repr(float(next(each for each in texts if single(float(each)) == value)))
    digits = text.partition("e")[0].replace(".", "").strip("-0").rstrip("0") or "0"
    scientific = f"{float(text):.{len(digits) - 1}e}"
    is_plain = not value or int(scientific.partition("e")[2]) in _PLAIN_EXPONENTS
    return text.removesuffix(".0") if is_plain else scientific


def single(value: float) -> float:
    """Return a float with the precision of 32 bits."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _printed_time(value: datetime) -> str:
    nanosecond = value.microsecond * 1000 + (value.nanosecond if isinstance(value, Timestamp) else 0)
    fraction = f"{nanosecond:09}".rstrip("0")
    offset = int((value.utcoffset() or timedelta()).total_seconds())
    hours, minutes = divmod(abs(offset) // 60, 60)
    zone = f"{'-' if offset < 0 else '+'}{hours:02}{minutes:02}"
    date = (
        f"{value.year:04}-{value.month:02}-{value.day:02} {value.hour:02}:{value.minute:02}:{value.second:02}"
    )
    return f"{date}{'.' * bool(fraction)}{fraction} {zone} {zone if offset else 'UTC'}"


def quoted(text: str) -> str:
    """Return a string as `%q` prints it."""
    return f'"{"".join(map(_quoted_character, text))}"'


def _quoted_character(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    if code < ord(" ") or code == _DELETE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _BMP else f"\\U{code:08x}"


def decimal_or_value(given: Any) -> Any:
    """Return the counterpart of a typed value: a number as such, lists and maps that are not null."""
    go_type, value = given["go_type"], given["value"]
    if go_type == "json.Number":
        return Decimal(value)
    if go_type == "time.Duration":
        return go.value({"$duration_ns": go.duration_ns(value)})
    if value is None and go_type.startswith(("[]", "map")):
        return [] if go_type.startswith("[]") else {}
    return go.value(value)
