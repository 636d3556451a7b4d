"""Manifest on the wire (ABI section 2), and the older app's `describe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest
from reglet.infrastructure.wire.fields import Fields, as_fields, read_record
from reglet.infrastructure.wire.go_json import (
    list_text,
    object_text,
    optional_text,
    ordered_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.grants import grants_of, grants_text


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a Manifest as JSON: services sorted by name, operations and schemas in their own order.

    Raises:
        WireFormatError: a schema or an example holds something that is not JSON.
    """
    text = object_text(
        services=_services_text(manifest.services),
        name=string_text(manifest.name),
        version=string_text(manifest.version),
        description=string_text(manifest.description),
        sdk_version=string_text(manifest.sdk_version),
        min_host_version=optional_text(manifest.min_host_version),
        config_schema=ordered_text(manifest.config_schema),
        capabilities=grants_text(manifest.capabilities),
    )
    return to_bytes(text)


def encode_schema(manifest: Manifest) -> bytes:
    """Return a Manifest's config schema as JSON: the answer of the older app's `schema`."""
    return to_bytes(ordered_text(manifest.config_schema or {}))


def _services_text(services: Mapping[str, ServiceManifest]) -> str:
    pieces = [f"{string_text(name)}:{_service_text(services[name])}" for name in sorted(services)]
    return "{" + ",".join(pieces) + "}"


def _service_text(service: ServiceManifest) -> str:
    return object_text(
        name=string_text(service.name),
        description=string_text(service.description),
        operations=list_text(map(_operation_text, service.operations)),
    )


def _operation_text(operation: OperationManifest) -> str:
    schema = operation.output_schema
    return object_text(
        name=string_text(operation.name),
        description=string_text(operation.description),
        input_fields=list_text(map(string_text, operation.input_fields)) if operation.input_fields else None,
        output_schema=None if schema is None else ordered_text(schema),
        examples=list_text(map(_example_text, operation.examples)) if operation.examples else None,
    )


def _example_text(example: ExampleManifest) -> str:
    output = example.expected_output
    return object_text(
        name=string_text(example.name),
        description=optional_text(example.description),
        input=ordered_text(example.input),
        expected_output=None if output is None else ordered_text(output),
        expected_error=optional_text(example.expected_error),
    )


def decode_manifest(data: bytes) -> Manifest:
    """Return the Manifest in JSON.

    Raises:
        WireFormatError: the bytes are not a Manifest.
    """
    fields = read_record(data, "Manifest")
    capabilities = fields.inner("capabilities")
    services = fields.entries("services")
    return Manifest(
        name=fields.text("name"),
        version=fields.text("version"),
        description=fields.text("description"),
        sdk_version=fields.text("sdk_version"),
        min_host_version=fields.text("min_host_version"),
        config_schema=fields.object("config_schema"),
        capabilities=GrantSet() if capabilities is None else grants_of(capabilities),
        services={name: _service(name, value) for name, value in services.items()},
    )


def _service(name: str, value: Any) -> ServiceManifest:
    fields = as_fields(value, f"Manifest.services.{name}")
    operations = tuple(map(_operation, fields.records("operations")))
    return ServiceManifest(fields.text("name"), fields.text("description"), operations)


def _operation(fields: Fields) -> OperationManifest:
    return OperationManifest(
        name=fields.text("name"),
        description=fields.text("description"),
        input_fields=fields.texts("input_fields"),
        output_schema=fields.object("output_schema"),
        examples=tuple(map(_example, fields.records("examples"))),
    )


def _example(fields: Fields) -> ExampleManifest:
    return ExampleManifest(
        name=fields.text("name"),
        input=fields.get("input"),
        description=fields.text("description"),
        expected_output=fields.get("expected_output"),
        expected_error=fields.text("expected_error"),
    )


def encode_description(manifest: Manifest) -> bytes:
    """Return what the older app's `describe` answers: who the plugin is, and its capabilities as patterns."""
    text = object_text(
        name=string_text(manifest.name),
        version=string_text(manifest.version),
        description=string_text(manifest.description),
        capabilities=list_text(
            object_text(kind=string_text(kind), pattern=string_text(pattern))
            for kind, pattern in legacy_capabilities(manifest.capabilities)
        ),
    )
    return to_bytes(text)


def legacy_capabilities(grants: GrantSet) -> list[tuple[str, str]]:
    """Return grants as the older app's pairs of kind and pattern; keys have no place there."""
    pairs: list[tuple[str, str]] = []
    if grants.network is not None:
        pairs += [("network", f"outbound:{','.join(rule.ports)}") for rule in grants.network.rules]
    if grants.fs is not None:
        for rule in grants.fs.rules:
            pairs += [("fs", f"read:{path}") for path in rule.read]
            pairs += [("fs", f"write:{path}") for path in rule.write]
    if grants.env is not None:
        pairs += [("env", name) for name in grants.env.vars]
    if grants.exec is not None:
        pairs += [("exec", command) for command in grants.exec.commands]
    return list(dict.fromkeys(pairs))
