"""Manifest and GrantSet on the wire (ABI section 2), and the older app's `describe`."""

from __future__ import annotations

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
from reglet.infrastructure.wire.go_json import ordered_text, to_bytes
from reglet.infrastructure.wire.record import ANY, SCHEMA, STRING, STRINGS, Field, Record, nullable, one_of

_KEY_OPERATION = one_of({name: name for name in ("read", "write", "read-write")})

_NETWORK_RULE = Record(
    "NetworkRule", NetworkRule, Field("hosts", STRINGS, always=True), Field("ports", STRINGS, always=True)
)
_FILE_RULE = Record("FileSystemRule", FileSystemRule, Field("read", STRINGS), Field("write", STRINGS))
_KEY_RULE = Record(
    "KeyValueRule",
    KeyValueRule,
    Field("op", _KEY_OPERATION, always=True, required=True),
    Field("keys", STRINGS, always=True),
)
_NETWORK = Record("network", NetworkCapability, Field("rules", _NETWORK_RULE.listed, always=True))
_FILES = Record("fs", FileSystemCapability, Field("rules", _FILE_RULE.listed, always=True))
_ENVIRONMENT = Record("env", EnvironmentCapability, Field("vars", STRINGS, always=True))
_EXEC = Record("exec", ExecCapability, Field("commands", STRINGS, always=True))
_KEYS = Record("kv", KeyValueCapability, Field("rules", _KEY_RULE.listed, always=True))

GRANTS = Record(
    "GrantSet",
    GrantSet,
    Field("network", _NETWORK.kind),
    Field("fs", _FILES.kind),
    Field("env", _ENVIRONMENT.kind),
    Field("exec", _EXEC.kind),
    Field("kv", _KEYS.kind),
)
"""As users write it in files, too. A kind that is there without rules keeps its empty list."""

_EXAMPLE = Record(
    "Example",
    ExampleManifest,
    Field("name", STRING, always=True),
    Field("description", STRING),
    Field("input", ANY, always=True),
    Field("expected_output", ANY, default=None),
    Field("expected_error", STRING),
)
_OPERATION = Record(
    "Operation",
    OperationManifest,
    Field("name", STRING, always=True),
    Field("description", STRING, always=True),
    Field("input_fields", STRINGS),
    Field("output_schema", SCHEMA, default=None),
    Field("examples", _EXAMPLE.listed),
)
_SERVICE = Record(
    "Service",
    ServiceManifest,
    Field("name", STRING, always=True),
    Field("description", STRING, always=True),
    Field("operations", _OPERATION.listed, always=True),
)
MANIFEST = Record(
    "Manifest",
    Manifest,
    Field("services", _SERVICE.named, always=True),
    Field("name", STRING, always=True),
    Field("version", STRING, always=True),
    Field("description", STRING, always=True),
    Field("sdk_version", STRING, always=True),
    Field("min_host_version", STRING),
    Field("config_schema", nullable(SCHEMA), always=True),
    Field("capabilities", GRANTS.kind, always=True, default=GrantSet()),
)
"""Services are sorted by name; operations and schemas keep their own order."""


def encode_schema(manifest: Manifest) -> bytes:
    """Return a Manifest's config schema as JSON: the answer of the older app's `schema`."""
    return to_bytes(ordered_text(manifest.config_schema or {}))


def legacy_capabilities(grants: GrantSet) -> list[tuple[str, str]]:
    """Return grants as the older app's pairs of kind and pattern; keys have no place there."""
    pairs: list[tuple[str, str]] = []
    if grants.network is not None:
        pairs += [("network", f"outbound:{','.join(rule.ports)}") for rule in grants.network.rules]
        if any(rule.private_hosts for rule in grants.network.rules):
            pairs.append(("network", "outbound:private"))  # without it that app refuses these addresses
    if grants.fs is not None:
        for rule in grants.fs.rules:
            pairs += [("fs", f"read:{path}") for path in rule.read]
            pairs += [("fs", f"write:{path}") for path in rule.write]
    if grants.env is not None:
        pairs += [("env", name) for name in grants.env.vars]
    if grants.exec is not None:
        pairs += [("exec", command) for command in grants.exec.commands]
    return list(dict.fromkeys(pairs))


_PATTERN = Record(
    "Capability",
    tuple,
    Field("kind", STRING, always=True, derive=lambda pair: pair[0]),
    Field("pattern", STRING, always=True, derive=lambda pair: pair[1]),
)
DESCRIPTION = Record(
    "Description",
    Manifest,
    Field("name", STRING, always=True),
    Field("version", STRING, always=True),
    Field("description", STRING, always=True),
    Field(
        "capabilities",
        _PATTERN.listed,
        always=True,
        derive=lambda manifest: legacy_capabilities(manifest.capabilities),
    ),
)
"""What the older app's `describe` answers: its name, and its capabilities as patterns. Only written."""
