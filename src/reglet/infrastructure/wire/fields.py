"""JSON records, read: bytes to typed fields, leniently where the ABI asks for it.

Unknown fields are ignored, null counts as absent, keys match whatever their case, as in Go.
A field of the wrong type is a `WireFormatError` that names it.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reglet.domain.entities.json_value import JSONObject, JSONValue
from reglet.domain.errors import WireFormatError
from reglet.infrastructure.wire.time import parse_time

_MOST_SHOWN = 80
_INT64 = range(-(2**63), 2**63)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.",
    re.DOTALL,
)
_LONE_SURROGATE_LENGTH = 6


def decode_json(data: bytes, record: str) -> JSONValue:
    """Return the value that JSON bytes hold.

    Bytes and escapes that are not Unicode become U+FFFD, as in Go.

    Raises:
        WireFormatError: they are not JSON.
    """
    try:
        return json.loads(_unicode_escapes(_unicode(data)), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireFormatError("decode", record, error) from error


def _unicode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="surrogateescape")
        return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _unicode_escapes(text: str) -> str:
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if len(found[0]) == _LONE_SURROGATE_LENGTH else found[0], text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def read_record(data: bytes, record: str) -> Fields:
    """Return the fields of a JSON object; `null` has none.

    Raises:
        WireFormatError: the bytes are not a JSON object.
    """
    return as_fields(decode_json(data, record), record)


def as_fields(value: JSONValue, record: str) -> Fields:
    """Return the fields of a decoded object; None has none."""
    if value is None:
        return Fields({}, record)
    if not isinstance(value, dict):
        raise WireFormatError("decode", record, f"expected an object, not {shown(value)}")
    return Fields(value, record)


def shown(value: JSONValue) -> str:
    """Return a value as a message shows it, cut to a line."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"


class Fields:
    """The fields of one record. A field that is not there reads as empty: `""`, 0, False, ()."""

    __slots__ = ("_values", "record")

    def __init__(self, values: dict[str, Any], record: str) -> None:
        """Take a decoded object and the record's name for messages."""
        self.record = record
        self._values = (
            values if _all_lower(values) else {name.lower(): value for name, value in values.items()}
        )

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def get(self, name: str) -> JSONValue:
        """Return a field as it came."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        value = self._values.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def integer(self, name: str, allowed: range = _INT64) -> int:
        """Return a whole number within `allowed`."""
        value = self._values.get(name)
        if value is None:
            return 0
        if type(value) is not int or value not in allowed:
            raise self.wrong(name, f"a whole number from {allowed.start} to {allowed.stop - 1}")
        return value

    def time(self, name: str) -> datetime | None:
        """Return a moment."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return parse_time(value)
        except (TypeError, ValueError) as error:
            raise self.wrong(name, "an RFC 3339 time") from error

    def blob(self, name: str) -> bytes:
        """Return bytes from base64; line breaks within are skipped, as in Go."""
        text = self.text(name)
        if "\n" in text or "\r" in text:
            text = text.replace("\r", "").replace("\n", "")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError as error:
            raise self.wrong(name, "base64, standard alphabet, padded") from error

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a null in it is an empty one."""
        items = tuple("" if item is None else item for item in self.list(name))
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(name, "a list of texts")
        return items

    def list(self, name: str) -> list[Any]:
        """Return a list of any values."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def records(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list."""
        for index, item in enumerate(self.list(name)):
            yield as_fields(item, f"{self.record}.{name}[{index}]")

    def object(self, name: str) -> JSONObject | None:
        """Return an object with its keys as they came, None when it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return value

    def entries(self, name: str) -> JSONObject:
        """Return an object with its keys as they came, without any when it is not there."""
        return self.object(name) or {}

    def inner(self, name: str) -> Fields | None:
        """Return the fields of an object within this one."""
        value = self.object(name)
        return None if value is None else as_fields(value, f"{self.record}.{name}")

    def wrong(self, name: str, expected: str) -> WireFormatError:
        """Return the error for a field that is not what it should be."""
        return WireFormatError(
            "decode", self.record, f"field '{name}' should be {expected}, not {shown(self._values.get(name))}"
        )


def _all_lower(values: dict[str, Any]) -> bool:
    return all(map(str.islower, values))
