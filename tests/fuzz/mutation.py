"""Inputs near those of a corpus: the same number gives the same input on every machine."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

TOKENS = (
    b"\0", b"\xff", b"\n", b" ", b"=", b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"[[", b"null", b"true", b"-1",
    b"1e400", b"-0", b"NaN", b"9" * 400, b"\\ud800", b"\\u0000", b"\xe2\x80\xae", b"\xc3\x28", b"\xef\xbb\xbf",
    b"[" * 60, b'{"a":' * 40, b"..", b"/", b"*", b"**/", b"{a,b}", b"[a-", b"0x7f.1", b"\xff\xff\xff\xff\x0f", b"\x80" * 9,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 1.5, -0.0, 1e308, 10**400),
    *("", "\0", "a" * 300, "\u202e", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "*", "[", "-1", "1e9"),
    *([], {}, [[]], [None], {"": None}, {"rules": None}, {"error": {"wrapped": {"wrapped": {}}}}),
)


def mutated(corpus: Sequence[bytes], number: int) -> bytes:
    """Return the input of a number: one of the corpus, changed once to eight times."""
    chance = random.Random(number)
    content = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        content = chance.choice(_CHANGES)(content, chance, corpus)
    return content[: 1 << 16]


def _span(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(content))
    return start, min(len(content), start + chance.choice((1, 1, 2, 4, 8, 64)))


def _flip(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    if not content:
        return content
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _byte(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + chance.randbytes(end - start) + content[end:]


def _drop(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + content[end:]


def _cut(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    return content[: chance.randint(0, len(content))]


def _repeat(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + content[start:end] * chance.choice((2, 3, 50)) + content[end:]


def _insert(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + chance.choice(TOKENS) + content[chance.choice((start, end)) :]


def _splice(content: bytes, chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    other = chance.choice(corpus)
    return content[: chance.randint(0, len(content))] + other[chance.randint(0, len(other)) :]


def _replace_value(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Change one value of a JSON document; what is none stays."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return content
    holder = {"": document}
    places = list(_places(holder))
    container, key = chance.choice(places)
    container[key] = chance.choice((chance.choice(VALUES), chance.choice(places)[0]))
    try:
        return json.dumps(holder[""]).encode()
    except (ValueError, RecursionError):  # it holds itself
        return content


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a document with each of its keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


_CHANGES: tuple[Callable[[bytes, random.Random, Sequence[bytes]], bytes], ...] = (
    *(_flip, _byte, _drop, _cut, _repeat, _insert, _insert, _splice),
    *(_replace_value,) * 4,
)


def grown(corpus: Sequence[bytes], size: int) -> Iterator[tuple[str, bytes]]:
    """Yield inputs of about a size, each with its name: what parsers of too little care take too long for."""
    for name, head, unit, tail in (
        ("[", b"", b"[", b""),
        ("objects", b"", b'{"a":', b""),
        ("spaces", b"", b" ", b""),
        ("digits", b"", b"9", b""),
        ("number", b'{"a": ', b"9", b"}"),
        ("escapes", b'{"a": "', b"\\u00e9", b'"}'),
        ("surrogates", b'{"a": "', b"\\ud800", b'"}'),
        ("quotes", b"", b'"', b""),
        ("lists", b"[", b"[],", b"[]]"),
        ("words", b"", b"word ", b""),
        ("braces", b"", b"{a,b}", b""),
        ("stars", b"", b"**/", b""),
        ("bytes", b"\0asm\1\0\0\0", b"\0\1\0", b""),
        ("bits", b"\0asm\1\0\0\0\1", b"\x80", b""),
        ("tables", b"", b"[a.b]\n", b""),
    ):
        yield name, head + unit * (size // len(unit)) + tail
    for content in corpus:
        try:
            document = json.loads(content)
        except ValueError:
            continue
        holder = {"": document}
        for container, key in list(_places(holder)):
            before = container[key]
            if isinstance(before, str):
                for unit in ("w", "*", "denied: ", "{a,b}"):
                    container[key] = unit * (size // len(unit))
                    yield f"{key} of {unit!r}", json.dumps(holder[""]).encode()
            elif isinstance(before, list) and before:
                container[key] = before * (size // max(1, len(json.dumps(before))))
                yield f"{key}, many", json.dumps(holder[""]).encode()
            container[key] = before
