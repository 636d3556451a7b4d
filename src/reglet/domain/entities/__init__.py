"""The values that everything else speaks in, and the names for what JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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


def _left_to_python(_: JSONValue) -> Any:
    return NotImplemented


try:
    import _reglet  # type: ignore[import-not-found]  # built into a guest's interpreter
except ImportError:
    _reglet = None

read_json: Callable[[bytes], JSONValue] = getattr(_reglet, "read_json", _left_to_python)
"""Returns the value of JSON bytes, or NotImplemented if Python is to read them.

Only a guest reads at all, in one pass: objects in which no key stands twice, lists, strings, finite numbers
of at most 18 digits, booleans and nulls, 50 levels deep at most.
"""

write_json: Callable[[JSONValue], str] = getattr(_reglet, "write_json", _left_to_python)
"""Returns a value as Go writes it, keys sorted and escaped for HTML, or NotImplemented.

Only a guest writes at all, in one pass: what `read_json` returns, but for floats that have an exponent.
"""

_UNDECODABLE = dict.fromkeys(range(0xDC80, 0xDD00), "\N{REPLACEMENT CHARACTER}")


def go_string(content: bytes) -> str:
    """Return bytes as a string, as where Go writes JSON: each one that is not UTF-8 becomes U+FFFD."""
    return content.decode("utf-8", "surrogateescape").translate(_UNDECODABLE)


class _Strings(Protocol):
    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


Strings: TypeAlias = _Strings | Iterator[str]
"""Some strings, and not one: a string contains nothing but strings."""
