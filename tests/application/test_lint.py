"""Lint: what hosts stumble over in a manifest."""

from __future__ import annotations

from typing import Any

import pytest

from reglet.application.lint import lint_manifest
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest

GOOD_OPERATION = OperationManifest("check", "Checks", ("url",), examples=(ExampleManifest("basic"),))


def manifest(
    properties: dict[str, Any] | None = None,
    capabilities: GrantSet | None = None,
    operation: OperationManifest = GOOD_OPERATION,
) -> Manifest:
    return Manifest(
        name="web",
        version="1",
        description="Checks pages",
        config_schema={"properties": properties or {}},
        capabilities=capabilities or GrantSet(),
        services={"web": ServiceManifest("web", "Pages", (operation,))},
    )


def codes(subject: Manifest) -> list[str]:
    return [finding.code for finding in lint_manifest(subject)]


def test_a_plugin_that_every_host_can_use_has_no_findings():
    """Nothing is said where there is nothing to say."""
    assert codes(manifest({"url": {"type": "string", "description": "URL"}})) == []


def test_a_plugin_without_operations_cannot_check():
    """It has no description and no services either."""
    assert codes(Manifest(name="web", version="1")) == ["R001", "R002"]


@pytest.mark.parametrize(
    ("name", "schema", "code"),
    [
        ("output", {"type": "string", "description": "d"}, "R101"),
        ("verbose", {"type": "boolean", "description": "d"}, "R102"),
        ("url", {"type": "string"}, "R103"),
        ("ratio", {"type": "number", "description": "d"}, "R104"),
        ("tls", {"type": "object", "description": "d", "properties": {"a": {}}}, "R105"),
    ],
)
def test_a_field_that_a_host_cannot_show_is_found(name: str, schema: dict[str, Any], code: str):
    """Each kind of field has its own code."""
    assert codes(manifest({name: schema})) == [code]


def test_routing_fields_are_expected():
    """`service` and `operation` belong to every plugin."""
    assert codes(manifest({"service": {"type": "string"}, "operation": {"type": "string"}})) == []


def test_an_operation_wants_a_description_and_an_example():
    """Both are what hosts show in their help."""
    assert codes(manifest(operation=OperationManifest("check"))) == ["R201", "R202"]


@pytest.mark.parametrize(
    ("capabilities", "code"),
    [
        (GrantSet(network=NetworkCapability([NetworkRule(["*"], ["*"])])), "R301"),
        (GrantSet(fs=FileSystemCapability([FileSystemRule(["/**"])])), "R301"),
        (GrantSet(env=EnvironmentCapability(["*"])), "R301"),
        (GrantSet(exec=ExecCapability(["**"])), "R301"),
        (GrantSet(kv=KeyValueCapability([KeyValueRule(["a"])])), "R302"),
        (GrantSet(network=NetworkCapability([NetworkRule(["10.0.0.5"], ["5432"])])), "R303"),
    ],
    ids=["network", "files", "variables", "commands", "keys", "private host"],
)
def test_a_capability_that_hosts_warn_about_is_found(capabilities: GrantSet, code: str):
    """Everything at once, and keys that no host serves."""
    assert codes(manifest(capabilities=capabilities)) == [code]


def test_a_finding_reads_as_one_line():
    """Code, severity, place and advice."""
    finding = lint_manifest(manifest({"output": {"type": "string", "description": "d"}}))[0]
    assert str(finding).startswith("R101 error config_schema.properties.output: ")
