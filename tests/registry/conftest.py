"""Registries that run for all tests: each test has a repository of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.manifest import Manifest
from reglet.infrastructure.registry.artifact import Artifact, make_artifact
from tests.registry.servers import running_registry

MODULE = b"\0asm\x01\0\0\0" + bytes(range(256)) * 400


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the host and port of a registry without login."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def login_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the host and port of a registry with login."""
    with running_registry(tmp_path_factory.mktemp("registry"), login=True) as address:
        yield address


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """Return a certificate authority, and the PEM file of whom to trust."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


@pytest.fixture(scope="session")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, authority: tuple[trustme.CA, Path]
) -> Iterator[str]:
    """Return the host and port of a registry with TLS, which wants a login too."""
    folder = tmp_path_factory.mktemp("registry")
    certificate = folder / "server.pem"
    authority[0].issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(certificate)
    )
    with running_registry(folder, login=True, certificate=certificate) as address:
        yield address


def make(version: str = "1.0.0", module: bytes = MODULE) -> Artifact:
    """Return the artifact of a plugin named http."""
    grants = GrantSet(network=NetworkCapability([NetworkRule(hosts=["*"], ports=["443"])]))
    manifest = Manifest("http", version, "Checks pages", sdk_version="0.1.0", capabilities=grants)
    return make_artifact(module, manifest, {"org.opencontainers.image.created": "2026-01-02T03:04:05Z"})
