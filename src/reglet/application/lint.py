"""What hosts and users of a plugin will stumble over: findings with stable codes.

A manifest is also a user interface: one host makes command-line flags of the config schema, another asks
its user about each capability. What they swallow, cannot show or warn about is found here. What only the
source shows (R203, R4, R5) is found by `reglet.testing.lint`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from attrs import frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest

Severity: TypeAlias = Literal["error", "warning"]

RULES: Mapping[str, tuple[Severity, str]] = MappingProxyType(
    {
        "R001": ("warning", "the plugin has no description"),
        "R002": ("error", "the plugin has no operation"),
        "R101": ("error", "a host keeps a flag of this name for itself"),
        "R102": ("warning", "a host's flag of this name means something else"),
        "R103": ("warning", "a field has no description"),
        "R104": ("warning", "a host makes no flag of this type"),
        "R105": ("warning", "a host makes no flags of a nested model"),
        "R201": ("warning", "an operation has no description"),
        "R202": ("warning", "an operation has no example"),
        "R203": ("warning", "a field of an output is never set"),
        "R301": ("warning", "a capability asks for everything"),
        "R302": ("warning", "a capability asks for keys, which no host has"),
        "R303": ("warning", "a private host is granted on single ports"),
        "R401": ("warning", "a check looks at a file that no capability covers"),
        "R402": ("warning", "a check changes what a later check sees"),
        "R403": ("warning", "the clock is read at import"),
        "R404": ("warning", "the environment is read at import"),
        "R405": ("warning", "random numbers are drawn at import"),
        "R406": ("warning", "a check reads a variable that no capability covers"),
        "R501": ("warning", "an ignore ignores nothing"),
    }
)
"""Every code, how bad it is and what it finds; `docs/lint.md` has a section for each."""

SWALLOWED_FIELDS = frozenset({"output", "quiet", "plugin_path"})
"""Flags that a host keeps for itself and never sends on."""

CLASHING_FIELDS = frozenset({"verbose", "trust_plugins"})
"""Flags that mean something else to a host."""

_FLAG_TYPES = frozenset({"string", "integer", "boolean", "array", "object"})
_BROAD_PATHS = frozenset({"/**", "**"})
_BROAD_COMMANDS = frozenset({"*", "**"})


@frozen
class Finding:
    """One thing to know or to change.

    Attributes:
        code: its rule.
        where: a path into the manifest, or a file and a line.
        message: what is wrong and what to do.
        file: the author's file, if it is known.
        line: the line there, from 1; 0 if it is not known.
    """

    code: str
    where: str
    message: str
    file: str = ""
    line: int = 0

    @property
    def severity(self) -> Severity:
        """How bad it is: an error is in every user's way."""
        return RULES[self.code][0]

    def __str__(self) -> str:
        """Return `CODE severity where: message`, and the file where that is another place."""
        place = f"{self.file}:{self.line}" if self.file else ""
        behind = f" ({place})" if place and place != self.where else ""
        return f"{self.code} {self.severity} {self.where}: {self.message}{behind}"

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "code": self.code,
            "severity": self.severity,
            "where": self.where,
            "message": self.message,
            "file": self.file,
            "line": self.line,
        }


def lint_manifest(manifest: Manifest) -> list[Finding]:
    """Return what hosts will stumble over, in the order of the manifest."""
    findings: list[Finding] = []
    if not manifest.description:
        message = "hosts show it in their help; say what the plugin checks"
        findings.append(Finding("R001", "description", message))
    if not manifest.services:
        message = "the plugin has no operation; add one with @plugin.service"
        findings.append(Finding("R002", "services", message))
    properties = (manifest.config_schema or {}).get("properties")
    for name, schema in properties.items() if isinstance(properties, Mapping) else ():
        if name in ("service", "operation") or not isinstance(schema, Mapping):
            continue
        where, kind = f"config_schema.properties.{name}", schema.get("type")
        what = f"type {kind}" if kind else "a field without one type"
        rules = (
            (
                "R101",
                name in SWALLOWED_FIELDS,
                "a host keeps this flag for itself and never sends it; rename the field",
            ),
            ("R102", name in CLASHING_FIELDS, "a host has a flag of this name that means something else"),
            ("R103", not schema.get("description"), "it has no description, so its flag has no help"),
            (
                "R104",
                not isinstance(kind, str) or kind not in _FLAG_TYPES,
                f"a host makes no flag of {what}; it can only be set in a profile",
            ),
            (
                "R105",
                kind == "object" and schema.get("properties"),
                "a host makes no flags of a nested object; flat fields get them",
            ),
        )
        findings += [Finding(code, where, message) for code, applies, message in rules if applies]
    for service in manifest.services.values():
        for operation in service.operations:
            where = f"services.{service.name}.{operation.name}"
            if not operation.description:
                findings.append(Finding("R201", where, "it has no description"))
            if not operation.examples:
                message = "it has no example; examples are its help and its tests"
                findings.append(Finding("R202", where, message))
    return [*findings, *_lint_capabilities(manifest.capabilities)]


def _lint_capabilities(grants: GrantSet) -> Iterator[Finding]:
    for rule in grants.network.rules if grants.network else ():
        if rule.hosts == ("*",) and rule.ports == ("*",):
            yield _broad("capabilities.network", "every host and port")
        if rule.private_hosts and "*" not in rule.ports:
            message = f'the Go host SDK reaches {rule.private_hosts[0]}, which is private, on no port but "*"'
            yield Finding("R303", "capabilities.network", message)
    for files in grants.fs.rules if grants.fs else ():
        if _BROAD_PATHS.intersection((*files.read, *files.write)):
            yield _broad("capabilities.fs", "every file")
    if grants.env and "*" in grants.env.vars:
        yield _broad("capabilities.env", "every variable")
    if grants.exec and _BROAD_COMMANDS.intersection(grants.exec.commands):
        yield _broad("capabilities.exec", "every command")
    if grants.kv:
        yield Finding("R302", "capabilities.kv", "no host has a function for keys yet")


def _broad(where: str, what: str) -> Finding:
    return Finding("R301", where, f"it asks for {what}; strict hosts refuse it, others warn on each load")
