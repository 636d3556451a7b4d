"""The vectors' notation for values that JSON lacks, read into Python."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.time import Timestamp, parse_time
from reglet.infrastructure.wire.exports import GRANTS
from reglet.infrastructure.wire.go_json import to_bytes
from tests.vectors.rules import Rule
from tests.vectors.running import must_equal

MICROSECOND_NS = 1000
_ONLY_GO = re.compile(r'"\$go:([0-9a-f]*)\$"')
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


def value(given: Any) -> Any:
    """Return a value with every `{"$…": …}` in it replaced by what it stands for."""
    if isinstance(given, list):
        return [value(item) for item in given]
    if not isinstance(given, dict):
        return given
    if len(given) == 1:
        (mark, content), *_ = given.items()
        if mark in _MARKS:
            return _MARKS[mark](content)
    return {name: value(item) for name, item in given.items()}


def exact(given: Any) -> Any:
    """Return a value as `value` does, durations as the nanoseconds that Go writes into JSON."""
    if isinstance(given, list):
        return [exact(item) for item in given]
    if not isinstance(given, dict):
        return given
    if set(given) <= _MARKS.keys() and len(given) == 1:
        return given["$duration_ns"] if "$duration_ns" in given else value(given)
    return {name: exact(item) for name, item in given.items()}


def only_go(given: Any) -> Any:
    """Return a notated value where strings stand for what only Go can hold.

    That is the text of raw JSON, and parts of microseconds. `as_go` puts in what Go writes of them.
    """
    if isinstance(given, list):
        return [only_go(item) for item in given]
    if not isinstance(given, dict):
        return given
    if given.keys() == {"$raw_json"}:
        json.loads(given["$raw_json"])
        return f"$go:{given['$raw_json'].encode().hex()}$"
    if given.keys() == {"$duration_ns"}:
        return f"$go:{str(given['$duration_ns']).encode().hex()}$"
    return {name: item if name == "duration_ns" else only_go(item) for name, item in given.items()}


def as_go(written: str) -> str:
    """Return JSON with what only Go can hold as Go writes it: raw JSON without white space."""

    def copied(found: re.Match[str]) -> str:
        compact = _STRING_OR_SPACE.sub(lambda part: part[1] or "", bytes.fromhex(found[1]).decode())
        return to_bytes(compact).decode()

    return _ONLY_GO.sub(copied, written)


def settled(
    encode: Callable[[Any], str], given: Any, expected: str, *, raw: Rule = Rule.RAW_JSON
) -> Rule | None:
    """Compare what we write of an input; by a rule, Go writes what only Go can hold, and all else is the same."""
    ours = encode(given)
    if ours == expected:
        return None
    must_equal(as_go(encode(only_go(given))), expected)
    return raw if "$raw_json" in json.dumps(given) else Rule.TIMEDELTA


def text(given: Any) -> str:
    """Return a text; bytes that are not UTF-8 become surrogates."""
    return "" if given is None else value(given)


def as_written(given: str) -> str:
    """Return a text as JSON has it: each byte that is not UTF-8 is U+FFFD there."""
    return re.sub("[\ud800-\udfff]", "\ufffd", given)


def moment(given: Any) -> Timestamp | None:
    """Return a time, None for null."""
    return None if given is None else value(given)


def duration_ns(given: Any) -> int:
    """Return a duration in nanoseconds."""
    return given["$duration_ns"] if isinstance(given, dict) else given


def detail(given: Any) -> ErrorDetail | None:
    """Return an ErrorDetail from its fields by JSON name."""
    if given is None:
        return None
    return ErrorDetail(
        type=text(given.get("type")),
        message=text(given.get("message")),
        code=text(given.get("code")),
        is_timeout=given.get("is_timeout", False),
        is_not_found=given.get("is_not_found", False),
        wrapped=detail(given.get("wrapped")),
        details=value(given.get("details")) or {},
        stack=value(given.get("stack")) or b"",
    )


def grants(given: Any) -> GrantSet | None:
    """Return a GrantSet, None for null."""
    return None if given is None else GRANTS.of(given)


_MARKS = {
    "$time": parse_time,
    "$float": float,
    "$bytes_b64": base64.b64decode,
    "$string_bytes_b64": lambda content: base64.b64decode(content).decode(errors="surrogateescape"),
    "$duration_ns": lambda content: timedelta(
        microseconds=round(content / MICROSECOND_NS)
        if content % MICROSECOND_NS
        else content // MICROSECOND_NS
    ),
    "$raw_json": json.loads,
    "$go": lambda _: object(),
}
