"""A plugin's artifact, small and without a build."""

from __future__ import annotations

from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.manifest import Manifest
from reglet.infrastructure.registry.artifact import Artifact, make_artifact

MODULE = b"\0asm\x01\0\0\0" + bytes(range(256)) * 400


def make(version: str = "1.0.0", module: bytes = MODULE) -> Artifact:
    """Return the artifact of a plugin named http."""
    grants = GrantSet(network=NetworkCapability([NetworkRule(hosts=["*"], ports=["443"])]))
    manifest = Manifest("http", version, "Checks pages", sdk_version="0.1.0", capabilities=grants)
    return make_artifact(module, manifest, {"org.opencontainers.image.created": "2026-01-02T03:04:05Z"})
