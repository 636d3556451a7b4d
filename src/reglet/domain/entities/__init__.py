"""The values that everything else speaks in, and the names for what JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

JSONValue: TypeAlias = Any
"""None, bool, int, float, str, a list of JSON values or a mapping from str to JSON values."""

JSONObject: TypeAlias = Mapping[str, Any]
"""A JSON object: its keys are strings, its values are JSON values."""


class _Strings(Protocol):
    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


Strings: TypeAlias = _Strings | Iterator[str]
"""Some strings, and not one: a string contains nothing but strings."""
