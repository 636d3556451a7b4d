"""What a route asks of a call: texts with `*`, regular expressions, headers, bodies, sequences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from reglet.testing.comparison import matches_fields

TextPattern: TypeAlias = str | re.Pattern[str]
"""A text in which `*` stands for any text, or a regular expression that must match the whole."""

BodyPattern: TypeAlias = TextPattern | bytes | Mapping[str, Any] | Sequence[Any]
"""Exact bytes, a text pattern, or JSON compared on the fields it names."""


def text_matches(pattern: TextPattern, text: str) -> bool:
    """Whether the whole of `text` fits."""
    if isinstance(pattern, re.Pattern):
        return pattern.fullmatch(text) is not None
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def equals(wanted: object, seen: object) -> bool:
    """Whether a fact is exactly as wanted."""
    return wanted == seen


def headers_match(wanted: Mapping[str, TextPattern], headers: Mapping[str, Sequence[str]]) -> bool:
    """Whether every wanted header is there with one value that fits; the case of names does not matter."""
    there = {name.lower(): values for name, values in headers.items()}
    return all(
        any(text_matches(pattern, value) for value in there.get(name.lower(), ()))
        for name, pattern in wanted.items()
    )


def body_matches(pattern: BodyPattern, body: bytes) -> bool:
    """Whether the body fits."""
    if isinstance(pattern, bytes):
        return pattern == body
    if isinstance(pattern, str | re.Pattern):
        return text_matches(pattern, body.decode("utf-8", "replace"))
    try:
        return matches_fields(pattern, json.loads(body))
    except ValueError:
        return False
