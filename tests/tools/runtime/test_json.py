"""JSON that a guest reads and writes in one pass: what Python makes of it, or left to Python."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.infrastructure.wasm.sections import PAGE_SIZE
from reglet.infrastructure.wire.go_json import decode_json, encode_json
from tests.tools.runtime.wasm_host import WasmHost

LEFT = "NotImplemented"
MIB = 1 << 20

CHARACTERS = st.one_of(
    st.characters(codec="utf-8"), st.sampled_from('<>&\u2028\u2029\u2027\u202a"\\/\b\f\n\r\t\0\x1f\x7fé€😀')
)
STRINGS = st.text(CHARACTERS, max_size=12)
NUMBERS = st.one_of(
    st.integers(), st.integers(-100, 100), st.floats(), st.sampled_from([0.0, -0.0, 1.5, 1e15])
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(STRINGS, inner, max_size=5)),
    max_leaves=12,
)
MANY = st.lists(VALUES, min_size=20, max_size=60)
"""So many that to call the guest costs little of each."""

FEW = settings(max_examples=20)


@pytest.fixture(scope="module")
def guest(echo_plugin: bytes) -> Iterator[WasmHost]:
    """One instance for all: an answer has no bearing on the next."""
    with closing(WasmHost(echo_plugin)) as host:
        yield host


def evaluated(guest: WasmHost, calls: Sequence[str]) -> list[str]:
    """Return what Python in the guest shows of each expression."""
    request = {"do": "evaluate all", "calls": calls}
    answers: list[str] = json.loads(guest.observe(json.dumps(request).encode()))
    return answers


def written(guest: WasmHost, values: Sequence[Any]) -> list[str | None]:
    """Return what the guest writes for each value, None where it leaves it to Python."""
    names = "(lambda inf, nan: {})(float('inf'), float('nan'))"
    calls = [names.format(f"_reglet.write_json({each!a})") for each in values]
    return [None if each == LEFT else ast.literal_eval(each) for each in evaluated(guest, calls)]


def read(guest: WasmHost, documents: Sequence[bytes]) -> list[Any]:
    """Return what the guest reads of each document, NotImplemented where it leaves it to Python."""
    answers = evaluated(guest, [f"_reglet.read_json({each!r})" for each in documents])
    return [NotImplemented if each == LEFT else ast.literal_eval(each) for each in answers]


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal, types and signs of zeros too, and keys in one order."""
    return repr(one) == repr(other)


@FEW
@given(MANY)
def test_what_is_written_is_what_python_writes(guest: WasmHost, values: list[Any]) -> None:
    """Each byte of it: keys are sorted, characters escaped and floats spelt as Go does."""
    for value, text in zip(values, written(guest, values), strict=True):
        assert text is None or text.encode() == encode_json(value), value


@FEW
@given(MANY, st.booleans(), st.sampled_from([None, 0, 2, "\t"]))
def test_what_is_read_is_what_python_reads(
    guest: WasmHost, values: list[Any], ascii_only: bool, indent: int | str | None
) -> None:
    """However it is spelt: with escapes or without, with white space or without."""
    documents = [json.dumps(each, ensure_ascii=ascii_only, indent=indent).encode() for each in values]
    for document, value in zip(documents, read(guest, documents), strict=True):
        assert value is NotImplemented or is_same(value, decode_json(document, "a value")), document


@FEW
@given(st.lists(st.tuples(VALUES, st.integers(0, 400), st.binary(max_size=3)), min_size=20, max_size=60))
def test_what_is_not_json_is_left_to_python(guest: WasmHost, spoiled: list[tuple[Any, int, bytes]]) -> None:
    """Bytes of it were replaced: no value comes of what has none, and no other than Python's."""
    documents = [
        (text := json.dumps(value, ensure_ascii=False).encode())[: place % (len(text) + 1)]
        + noise
        + text[place % (len(text) + 1) + 1 :]
        for value, place, noise in spoiled
    ]
    for document, value in zip(documents, read(guest, documents), strict=True):
        if value is not NotImplemented:
            assert is_same(value, decode_json(document, "a value")), document


@pytest.mark.parametrize(
    "value",
    [
        {"url": "https://example.com/?a=1&b=<2>", "headers": {"B": ["1"], "A": []}, "size": -12, "ok": True},
        {"none": None, "empty": {}, "list": [[], [1.5, -0.0, 10**17, -(10**17), 0.0001, False]]},
        'é€😀\u2028\u2029 \\ " \0\x1f\x7f\t',
        {f"key {number}": number for number in range(500)},
        9_223_372_036_854_775_807,
    ],
)
def test_what_checks_have_is_written_at_once(guest: WasmHost, value: Any) -> None:
    """The plain types, whatever is in their strings."""
    (text,) = written(guest, [value])
    assert text is not None
    assert text.encode() == encode_json(value)


@pytest.mark.parametrize(
    "value", [2**63, 1e16, 1e-5, math.inf, math.nan, (1, 2), {1: 2}, {"a": b"bytes"}, "\ud800", {"\ud800": 1}]
)
def test_what_has_rules_of_its_own_is_left_to_python(guest: WasmHost, value: Any) -> None:
    """Large integers, floats that Go spells differently, other types, and what is not Unicode."""
    assert written(guest, [value]) == [None]


@pytest.mark.parametrize(
    "document",
    [
        '{"url": "https://example.com", "n": [0, -1, 1.5e3, 123456789012345678], "x": {"y": null}}',
        r' { "\u00e9\ud83d\ude00\/\\\"\b\f\n\r\t" : [ true , false ] } ',
        '"é😀\x7f"',
        "[]",
        "{}",
        "-0",
        "-0.0",
        "1E400".replace("400", "300"),
    ],
)
def test_what_checks_are_given_is_read_at_once(guest: WasmHost, document: str) -> None:
    """Objects, lists and plain values, with white space around them."""
    (value,) = read(guest, [document.encode()])
    assert value is not NotImplemented
    assert is_same(value, json.loads(document))


@pytest.mark.parametrize(
    "document",
    [
        b"", b" ", b"{", b"[1,]", b"[,1]", b'{"a":1,}', b'{"a" 1}', b"{a:1}", b"{'a':1}", b'{"a":1 "b":2}', b"[1 2]",
        b"01", b"-", b"1.", b".5", b"+1", b"1e", b"1e+", b"0x10", b"1_0", b"1234567890123456789", b"1e999", b"NaN",
        b"Infinity", b"-Infinity", b"nul", b"True", b'"', b'"a', b'"\\', b'"\\"', b'"\\x"', b'"\\u12"', b'"\\u12g4"',
        b'"\n"', b'"\x00"', b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\u0041"',
        b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"1 1", b"[]]", b"\xef\xbb\xbf1", b"[" * 100 + b"]" * 100,
        b"1\x00", b"\x0b1", b"nullx",
    ],
)  # fmt: skip
def test_what_is_odd_is_left_to_python(guest: WasmHost, document: bytes) -> None:
    """It has the words for what is wrong, and the rules for keys that stand twice."""
    assert read(guest, [document]) == [NotImplemented]


def test_containers_are_read_and_written_to_a_depth(guest: WasmHost) -> None:
    """What is nested deeper is left to Python, which stops before the stack ends."""
    nested: Any = "innermost"
    for _ in range(50):
        nested = [nested]
    document = json.dumps(nested, separators=(",", ":"))
    assert written(guest, [nested, [nested]]) == [document, None]
    assert read(guest, [document.encode(), f"[{document}]".encode()]) == [nested, NotImplemented]


def test_nothing_is_kept_of_what_was_read_and_written(guest: WasmHost) -> None:
    """Neither of a value nor of what stopped half-way."""
    documents = [b'{"a": ["x", {"b": "\\u00e9"}]}' * copies for copies in (1, 2)]
    calls = [f"[_reglet.read_json({each!r}) for _ in range(1000)] and None" for each in documents]
    calls += [
        f"[_reglet.write_json({value}) for _ in range(1000)] and None"
        for value in ("{'a': 'é'}", "['a', {1: 2}]")
    ]
    for _ in range(5):
        evaluated(guest, [*calls, "gc.collect()"])
    before = guest.pages
    for _ in range(20):
        evaluated(guest, [*calls, "gc.collect()"])
    assert guest.pages == before


@pytest.mark.parametrize(("character", "bytes_written"), [("x", 1), ("é", 2), ("<", 6), ("\u2028", 6)])
def test_a_long_string_takes_the_room_that_its_json_takes(
    echo_plugin: bytes, character: str, bytes_written: int
) -> None:
    """And not what it would take if each byte were to be escaped, which a limit of memory may not have."""
    megabytes = 4
    length = megabytes * MIB // bytes_written
    with closing(WasmHost(echo_plugin)) as host:
        before = host.pages
        evaluated(host, [f"len(_reglet.write_json({character!a} * {length}))"])
        assert host.pages - before < 4 * megabytes * MIB // PAGE_SIZE
