"""JSON, written byte for byte as Go's encoding/json does, and read as it reads.

Records are put together from pieces of text, each written by the C encoder; characters that Go escapes
for HTML and floats that Go spells differently are mended afterwards, and only where there are any.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # typeshed lacks it
from typing import Any

from reglet.domain.entities import GO_ESCAPES, JSONValue, read_json, write_json
from reglet.domain.errors import WireFormatError
from reglet.domain.time import format_time

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.",
    re.DOTALL,
)
_LONE_SURROGATE_LENGTH = 6
_STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:e[+-]\d+)?')
_SMALLEST_PLAIN, _SMALLEST_EXPONENT = 1e-6, 1e21
"""Go writes a float without an exponent from the first up to, not including, the second."""


def escaped(text: str) -> str:
    """Return JSON text escaped for HTML as Go does."""
    if "<" in text or ">" in text or "&" in text or not text.isascii():
        for character, escape in GO_ESCAPES.items():
            text = text.replace(character, escape)
    return text


def escaped_text(value: JSONValue) -> str:
    """Return any value as JSON, keys sorted, escaped for HTML.

    Raises:
        WireFormatError: something in it is not a JSON value.
    """
    text = write_json(value)
    return escaped(sorted_text(value)) if text is NotImplemented else text


def to_bytes(text: str) -> bytes:
    """Return JSON text as bytes, escaped for HTML as Go does; what is not Unicode becomes U+FFFD."""
    return escaped_to_bytes(escaped(text))


def escaped_to_bytes(text: str) -> bytes:
    """Return what `escaped` returned as bytes; what is not Unicode becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(r"\\ufffd", text).encode()


def encode_json(value: JSONValue) -> bytes:
    """Return a value as JSON with its objects' keys sorted.

    Times become RFC 3339, durations nanoseconds, bytes base64.

    Raises:
        WireFormatError: something in it is not a JSON value, such as NaN.
    """
    return escaped_to_bytes(escaped_text(value))


string_text: Callable[[str], str] = encode_basestring
"""Returns a string as JSON."""


def list_text(items: Iterable[str]) -> str:
    """Return a JSON array of pieces that are JSON already."""
    return f"[{','.join(items)}]"


def _foreign(value: Any) -> JSONValue:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value: {value!r:.200}")


def _any_text(*, sort_keys: bool) -> Callable[[JSONValue], str]:
    """Return what writes any value by a C encoder: making one, as `json.dumps` does, takes far longer."""
    encode: Callable[[JSONValue, int], Iterable[str]] = c_make_encoder(
        None, _foreign, encode_basestring, None, ":", ",", sort_keys, False, False
    )

    def text_of(value: JSONValue) -> str:
        try:
            text = "".join(encode(value, 0))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise WireFormatError("encode", "JSON", error) from error
        # a float may be in it that Go spells differently; looking for one rare character is far faster
        if ".0" in text or ("-" in text and "e-" in text) or ("+" in text and "e+" in text):
            return _STRING_OR_NUMBER.sub(_go_number, text)
        return text

    return text_of


sorted_text = _any_text(sort_keys=True)
"""Returns any value as JSON, keys sorted as Go sorts a map's."""

ordered_text = _any_text(sort_keys=False)
"""Returns any value as JSON, keys in their own order: for schemas, whose order authors chose."""


def _go_number(token: re.Match[str]) -> str:
    text = token[0]
    if text[0] == '"' or ("." not in text and "e" not in text):
        return text
    return float_text(float(text))


def float_text(value: float) -> str:
    """Return a finite float as Go writes it: `1`, `0.0000125`, `1e+21`, `1e-7`."""
    if value and not _SMALLEST_PLAIN <= abs(value) < _SMALLEST_EXPONENT:
        digits, exponent = repr(value).split("e")
        return f"{digits.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, exponent = text.split("e")  # its digits, and no others
    sign = "-" if mantissa[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "")
    places = int(exponent)
    return f"{sign}0.{'0' * (-places - 1)}{digits}" if places < 0 else sign + digits.ljust(places + 1, "0")


def decode_json(data: bytes, record: str) -> JSONValue:
    """Return the value that JSON bytes hold.

    Bytes and escapes that are not Unicode become U+FFFD, as in Go.

    Raises:
        WireFormatError: they are not JSON.
    """
    value = read_json(data)
    if value is not NotImplemented:
        return value
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _SURROGATE.sub("\ufffd", data.decode(errors="surrogateescape"))
    if "\\" in text and ("\\ud" in text or "\\uD" in text):  # one character is found far faster
        text = _ESCAPE.sub(
            lambda found: "\\ufffd" if len(found[0]) == _LONE_SURROGATE_LENGTH else found[0], text
        )
    try:
        try:
            value, end = _SCAN(text, 0)
        except StopIteration:
            value, end = None, -1
        return value if end == len(text) else _DECODER.decode(text)  # white space around it, or what is wrong
    except (ValueError, RecursionError) as error:
        raise WireFormatError("decode", record, error) from error


def _finite(text: str) -> float:
    """Return a number with a fraction or an exponent, as Go does: NaN, Infinity and 1e400 are none."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.80} is not a JSON value")
    return number


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
"""Made once: `json.loads` makes one a call where constants are refused."""
_SCAN: Callable[[str, int], tuple[JSONValue, int]] = _DECODER.scan_once  # type: ignore[attr-defined]  # typeshed lacks it
