"""A plugin's description of itself before it runs: services, operations, schemas, capabilities."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from reglet.domain.entities import JSONObject, JSONValue
from reglet.domain.entities.grants import GrantSet


@frozen
class ExampleManifest:
    """One example of an operation, as hosts show it."""

    name: str
    input: JSONValue = None
    description: str = ""
    expected_output: JSONValue = None
    expected_error: str = ""


@frozen
class OperationManifest:
    """One operation of a service: its input fields by name, its output's schema, its examples."""

    name: str
    description: str = ""
    input_fields: tuple[str, ...] = ()
    output_schema: JSONObject | None = None
    examples: tuple[ExampleManifest, ...] = ()


@frozen
class ServiceManifest:
    """One service of a plugin; its operations in declared order."""

    name: str
    description: str = ""
    operations: tuple[OperationManifest, ...] = ()


@frozen
class Manifest:
    """A plugin's description of itself (ABI section 2).

    Attributes:
        name: what profiles and hosts call it.
        version: of the plugin.
        description: what it checks, for people.
        sdk_version: of this SDK.
        min_host_version: the oldest host that it runs on; empty for any.
        config_schema: the JSON Schema (2020-12) by which hosts check configs before they run anything.
        capabilities: the most that it can be granted.
        services: its services by name.
    """

    name: str
    version: str
    description: str = ""
    sdk_version: str = ""
    min_host_version: str = ""
    config_schema: JSONObject | None = None
    capabilities: GrantSet = field(factory=GrantSet)
    services: Mapping[str, ServiceManifest] = field(factory=dict)
