"""The values that everything else speaks in, and the names for what JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

JSONValue: TypeAlias = Any
"""None, bool, int, float, str, a list of JSON values or a mapping from str to JSON values."""

JSONObject: TypeAlias = Mapping[str, Any]
"""A JSON object: its keys are strings, its values are JSON values."""


GO_ESCAPES: Mapping[str, str] = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
"""The characters that Go escapes in JSON, for HTML's sake."""

_UNDECODABLE = dict.fromkeys(range(0xDC80, 0xDD00), "\N{REPLACEMENT CHARACTER}")


def go_string(content: bytes) -> str:
    """Return bytes as a string, as where Go writes JSON: each one that is not UTF-8 becomes U+FFFD."""
    return content.decode("utf-8", "surrogateescape").translate(_UNDECODABLE)


class _Strings(Protocol):
    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


Strings: TypeAlias = _Strings | Iterator[str]
"""Some strings, and not one: a string contains nothing but strings."""
