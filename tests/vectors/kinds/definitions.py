"""Definitions of plugins in Go, and the same in Python."""

from __future__ import annotations

import json
from typing import Any, Literal

import reglet
from reglet.domain.context import Context
from reglet.domain.errors import DefinitionError
from reglet.infrastructure.wire.exports import MANIFEST
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.go_structs import model_of
from tests.vectors.kinds.schema import flat
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_GO_SDK = "0.1.0"
"""The version of the SDK that the vectors are from."""


@reglet.model
class HTTPConfig:
    """The config of the Go SDK's README."""

    url: str = reglet.field(description="URL to request")
    method: Literal["GET", "POST"] = "GET"
    expected_status: int = 200
    timeout_seconds: int = 30


@reglet.model
class CheckInput:
    """What its operation takes."""

    url: str
    expected_status: int = 200


@reglet.model
class CheckOutput:
    """What its operation answers."""

    status_code: int
    url: str


def run(vector: Vector) -> Rule | None:
    """Compare the manifests, brought to the form that every host accepts."""
    given = vector["input"]
    if not given.keys() & {"config", "service"}:
        must_equal(vector["expected"], go_json.written("Manifest", _go_manifest(given)))
    try:
        plugin = _defined(given)
    except DefinitionError as refusal:
        must_equal(f"plugin name {given.get('name', '')!r}" in str(refusal), True)
        return Rule.FULL_MANIFEST
    seen = json.loads(MANIFEST.encode(plugin.manifest(Context())))
    wanted = json.loads(vector["expected"])
    must_equal(wanted["sdk_version"], _GO_SDK)
    wanted["sdk_version"] = reglet.__version__  # each names the SDK that it was made with
    if not given.get("version") and "service" not in given:
        wanted["version"] = seen["version"]  # ours is never empty
        assert seen["version"], "a manifest without a version"
    must_equal(_comparable(seen), _comparable(_as_ours(wanted)))
    return Rule.NO_SCHEMA_ID if wanted["services"] else Rule.FULL_MANIFEST


def _go_manifest(given: dict[str, Any]) -> dict[str, Any]:
    """Return Go's manifest of a plugin without a config and without services."""
    said = {name: given.get(name, "") for name in ("name", "version", "description", "min_host_version")}
    grants = given.get("capabilities") or {}
    return said | {
        "services": {},
        "sdk_version": _GO_SDK,
        "config_schema": {"$raw_json": "{}"},
        "capabilities": grants,
    }


def _defined(given: dict[str, Any]) -> reglet.PluginDefinition:
    if given.keys() - _PARTS or given.get("service", _README_SERVICE) != _README_SERVICE:
        raise NoCounterpartError(f"a definition that is told in words: {given}")
    of_readme = "service" in given  # all of the README's plugin, of which the input says the least
    plugin = reglet.define_plugin(
        name=given.get("name", ""),
        version=given.get("version") or ("1.0.0" if of_readme else None),
        description=given.get("description", _DESCRIPTION if of_readme else ""),
        config=_config(given.get("config")),
        capabilities=go.grants(given.get("capabilities")) or (_network() if of_readme else None),
        min_host_version=given.get("min_host_version"),
    )
    if "service" in given:
        plugin.service("http", description="HTTP request checking")(_Service)
    return plugin


def _config(given: Any) -> type[Any] | None:
    """Return the model of a config: the README's by name, another by its fields."""
    source = given.get("go") if isinstance(given, dict) else given
    if source is None:
        return None
    return HTTPConfig if "HTTPConfig" in source and "`" not in source else model_of(source)


def _network() -> reglet.GrantSet:
    rule = reglet.NetworkRule(hosts=["*"], ports=["80", "443"])
    return reglet.GrantSet(network=reglet.NetworkCapability(rules=[rule]))


class _Service:
    @reglet.operation(
        description="Check URL",
        examples=[
            reglet.Example(
                "basic",
                CheckInput("https://example.com"),
                expected_output=CheckOutput(200, "https://example.com"),
            ),
            reglet.Example("no_expected_output", CheckInput("u"), description="just input"),
            reglet.Example("error_case", CheckInput(""), expected_error="request failed"),
        ],
    )
    def check(self, request: CheckInput) -> CheckOutput:
        """Answer what was expected."""
        return CheckOutput(request.expected_status, request.url)


def _as_ours(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return Go's manifest with its schemas flat, and a schema where it has none."""
    schema = flat(wanted["config_schema"])
    empty = {"$schema": _DRAFT, "properties": {}, "additionalProperties": False, "type": "object"}
    return wanted | {"config_schema": schema or empty}


def _comparable(manifest: dict[str, Any]) -> dict[str, Any]:
    """Leave out inputs at their default, which examples need not name, and package paths."""
    for service in manifest["services"].values():
        for operation in service["operations"]:
            operation["output_schema"].pop("$id", None)
            for example in operation["examples"]:
                if example["input"].get("expected_status") == CheckInput("").expected_status:
                    del example["input"]["expected_status"]
    return manifest


_PARTS = {"name", "version", "description", "config", "capabilities", "min_host_version", "service"}
_README_SERVICE = "http/check with 3 examples"
_DESCRIPTION = "HTTP/HTTPS request checking and validation"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
