"""Manifests: their exact bytes, and those of definitions."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest
from reglet.domain.errors import WireFormatError
from reglet.infrastructure.wire.exports import MANIFEST
from tests.vectors import go_values as go
from tests.vectors.kinds import definitions
from tests.vectors.kinds.grantset import has_unknown_operation
from tests.vectors.kinds.wire_decode import without_empty
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]


def run(vector: Vector) -> Rule | None:
    """Compare the bytes, or that there is an error where Go has one."""
    if vector["kind"] == "define_plugin":
        return definitions.run(vector)
    expected = vector["expected"]
    if has_unknown_operation(vector["input"]["capabilities"]):
        return Rule.CLOSED_STATUS
    try:
        text = MANIFEST.encode(_manifest(vector["input"])).decode()
    except (ValueError, WireFormatError):
        return _refused(expected)
    return _compared(text, expected)


def _refused(expected: Any) -> Rule | None:
    """Compare that Go refuses too, or that there is a number beyond any float."""
    if isinstance(expected, dict):
        return None
    must_equal("Infinity" in json.dumps(json.loads(expected)), True)
    return Rule.NUMBER_SPELLING


def _compared(text: str, expected: str) -> Rule | None:
    if text == expected:
        return None
    if _same_but_empty(text, expected):
        return Rule.ONE_EMPTY_LIST
    if _same_numbers(text, expected):
        return Rule.NUMBER_SPELLING
    must_equal(text, expected)
    return None


def _same_but_empty(text: str, expected: str) -> bool:
    return bool(without_empty(json.loads(text)) == without_empty(json.loads(expected)))


def _same_numbers(text: str, expected: str) -> bool:
    filled = json.loads(expected)
    filled["services"] = filled["services"] or {}
    return json.dumps(json.loads(text, parse_int=float)) == json.dumps(
        json.loads(json.dumps(filled), parse_int=float)
    )


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
