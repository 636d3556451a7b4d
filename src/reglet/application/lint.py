"""What a plugin's manifest will meet at the hosts: findings with stable codes.

A manifest is also a user interface: one host makes command-line flags of the config schema, another asks
its user about each capability. What they swallow, cannot show or warn about is found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from attrs import frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest

SWALLOWED_FIELDS = frozenset({"output", "quiet", "plugin_path"})
"""Flags that a host keeps for itself and never sends on."""

CLASHING_FIELDS = frozenset({"verbose", "trust_plugins"})
"""Flags that mean something else to a host."""

_FLAG_TYPES = frozenset({"string", "integer", "boolean", "array", "object"})
_BROAD_PATHS = frozenset({"/**", "**"})
_BROAD_COMMANDS = frozenset({"*", "**"})


@frozen
class Finding:
    """One thing to know or to change; `where` is a path into the manifest."""

    code: str
    severity: Literal["error", "warning"]
    where: str
    message: str

    def __str__(self) -> str:
        """Return `CODE severity where: message`."""
        return f"{self.code} {self.severity} {self.where}: {self.message}"


def lint_manifest(manifest: Manifest) -> list[Finding]:
    """Return what hosts will stumble over, in the order of the manifest."""
    findings = list(_lint_fields(manifest))
    for service in manifest.services.values():
        for operation in service.operations:
            where = f"services.{service.name}.{operation.name}"
            if not operation.description:
                findings.append(Finding("R201", "warning", where, "it has no description"))
            if not operation.examples:
                message = "it has no example; examples are its help and its tests"
                findings.append(Finding("R202", "warning", where, message))
    return [*findings, *_lint_capabilities(manifest.capabilities)]


def _lint_fields(manifest: Manifest) -> Iterator[Finding]:
    if not manifest.description:
        yield Finding(
            "R001", "warning", "description", "hosts show it in their help; say what the plugin checks"
        )
    if not manifest.services:
        yield Finding(
            "R002", "error", "services", "the plugin has no operation; add one with @plugin.service"
        )
    properties = (manifest.config_schema or {}).get("properties")
    for name, schema in properties.items() if isinstance(properties, Mapping) else ():
        if name in ("service", "operation") or not isinstance(schema, Mapping):
            continue
        where, kind = f"config_schema.properties.{name}", schema.get("type")
        if name in SWALLOWED_FIELDS:
            message = "a host keeps this flag for itself and never sends it; rename the field"
            yield Finding("R101", "error", where, message)
        if name in CLASHING_FIELDS:
            message = "a host has a flag of this name that means something else"
            yield Finding("R102", "warning", where, message)
        if not schema.get("description"):
            yield Finding("R103", "warning", where, "it has no description, so its flag has no help")
        if not isinstance(kind, str) or kind not in _FLAG_TYPES:
            message = f"a host makes no flag of type {kind}; it can only be set in a profile"
            yield Finding("R104", "warning", where, message)
        if kind == "object" and schema.get("properties"):
            message = "a host makes no flags of a nested object; flat fields get them"
            yield Finding("R105", "warning", where, message)


def _lint_capabilities(grants: GrantSet) -> Iterator[Finding]:
    for rule in grants.network.rules if grants.network else ():
        if rule.hosts == ("*",) and rule.ports == ("*",):
            yield _broad("capabilities.network", "every host and port")
        if rule.private_hosts and "*" not in rule.ports:
            message = f'the Go host SDK reaches {rule.private_hosts[0]}, which is private, on no port but "*"'
            yield Finding("R303", "warning", "capabilities.network", message)
    for files in grants.fs.rules if grants.fs else ():
        if _BROAD_PATHS.intersection((*files.read, *files.write)):
            yield _broad("capabilities.fs", "every file")
    if grants.env and "*" in grants.env.vars:
        yield _broad("capabilities.env", "every variable")
    if grants.exec and _BROAD_COMMANDS.intersection(grants.exec.commands):
        yield _broad("capabilities.exec", "every command")
    if grants.kv:
        yield Finding("R302", "warning", "capabilities.kv", "no host has a function for keys yet")


def _broad(where: str, what: str) -> Finding:
    return Finding(
        "R301", "warning", where, f"it asks for {what}; strict hosts refuse it, others warn on each load"
    )
