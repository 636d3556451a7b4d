"""Manifests: their exact bytes, and those of definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest
from reglet.domain.errors import WireFormatError
from reglet.infrastructure.wire.exports import MANIFEST
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.kinds import definitions
from tests.vectors.kinds.grantset import has_unknown_operation
from tests.vectors.kinds.wire_decode import without_empty, without_null
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]


def run(vector: Vector) -> Rule | None:
    """Compare the bytes, or that there is an error where Go has one."""
    if vector["kind"] == "define_plugin":
        return definitions.run(vector)
    given, expected = vector["input"], vector["expected"]
    try:
        wanted = go_json.written("Manifest", given)
    except (ValueError, WireFormatError):
        must_equal(str(expected.get("error")).startswith("json: "), True)
        return _refused(given)
    must_equal(expected, wanted)
    if has_unknown_operation(given["capabilities"]):
        return Rule.CLOSED_STATUS
    return _compared(given, wanted)


def _refused(given: Given) -> None:
    """Compare that we refuse to write what Go refuses."""
    try:
        MANIFEST.encode(_manifest(given))
    except (ValueError, WireFormatError):
        return
    raise AssertionError("a schema that is no JSON was written")


def _compared(given: Given, wanted: str) -> Rule | None:
    """Compare what we write with what Go writes, but for empty lists and the spelling of raw JSON."""
    try:
        text = MANIFEST.encode(_manifest(given)).decode()
    except (ValueError, WireFormatError):
        must_equal(any("1e400" in each or "Infinity" in each for each in _raw_texts(given)), True)
        return Rule.RAW_JSON
    if text == wanted:
        return None
    seen, there = json.loads(text), json.loads(wanted)
    if json.dumps(without_empty(seen)) == json.dumps(without_empty(there)):
        return Rule.ONE_EMPTY_LIST
    must_equal(_numbers_alone(without_empty(seen)), _numbers_alone(without_empty(there)))
    return Rule.RAW_JSON


def _raw_texts(given: Any) -> Iterator[str]:
    if isinstance(given, dict):
        for name, each in given.items():
            if name == "$raw_json":
                yield json.dumps(json.loads(each)) + each
            yield from _raw_texts(each)
    elif isinstance(given, list):
        for each in given:
            yield from _raw_texts(each)


def _numbers_alone(value: Any) -> Any:
    """Return a value with its numbers as floats and without what is null."""
    return without_null(json.loads(json.dumps(value), parse_int=float))


def _manifest(given: Given) -> Manifest:
    return Manifest(
        given["name"],
        given["version"],
        given["description"],
        given["sdk_version"],
        given["min_host_version"],
        go.value(given["config_schema"]),
        go.grants(given["capabilities"]) or GrantSet(),
        {name: _service(each) for name, each in (given["services"] or {}).items()},
    )


def _service(given: Given) -> ServiceManifest:
    operations = tuple(map(_operation, given["operations"] or ()))
    return ServiceManifest(given["name"], given["description"], operations)


def _operation(given: Given) -> OperationManifest:
    return OperationManifest(
        given["name"],
        given["description"],
        tuple(given["input_fields"] or ()),
        go.value(given["output_schema"]),
        tuple(map(_example, given["examples"] or ())),
    )


def _example(given: Given) -> ExampleManifest:
    return ExampleManifest(
        given["name"],
        go.value(given["input"]),
        given["description"],
        go.value(given["expected_output"]),
        given["expected_error"],
    )
