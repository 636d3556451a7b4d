"""Logins: from two variables, else as docker, oras and podman keep them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen
from oras.auth.token import TokenAuth
from oras.auth.utils import get_basic_auth

from reglet.infrastructure.registry.errors import LoginError
from reglet.infrastructure.registry.reference import Reference


@frozen
class Credentials:
    """A user's name and password as HTTP's basic authentication has them, and where they were found."""

    basic: str = field(repr=False)
    origin: str


def find_credentials(reference: Reference, environment: Mapping[str, str]) -> Credentials | None:
    """Return what to log in to a registry with, if there is anything.

    Raises:
        LoginError: one of the two variables is set alone, or a file of logins cannot be read.
    """
    username, password = environment.get("REGISTRY_USERNAME", ""), environment.get("REGISTRY_PASSWORD", "")
    if bool(username) != bool(password):
        there, missing = ("USERNAME", "PASSWORD") if username else ("PASSWORD", "USERNAME")
        raise LoginError(
            f"{reference}: REGISTRY_{there} is set without REGISTRY_{missing}: set both, or neither"
        )
    if username:
        return Credentials(get_basic_auth(username, password), "REGISTRY_USERNAME and REGISTRY_PASSWORD")
    kept = (_kept_credentials(path, reference) for path in _config_files(environment))
    return next((each for each in kept if each is not None), None)


def _config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Give the files of docker and oras, then podman's."""
    chosen = environment.get("DOCKER_CONFIG")
    yield (Path(chosen) if chosen else Path.home() / ".docker") / "config.json"
    if "REGISTRY_AUTH_FILE" in environment:
        yield Path(environment["REGISTRY_AUTH_FILE"])
    elif "XDG_RUNTIME_DIR" in environment:
        yield Path(environment["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"


def _kept_credentials(path: Path, reference: Reference) -> Credentials | None:
    """Ask the library for what a config file, or a credential helper that it names, has for a registry."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        config = json.loads(content)
        found = _KeptLogins(config).find(reference)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise LoginError(
            f"{reference}: the logins in {path} cannot be read ({type(error).__name__}): log in again"
        ) from error
    return None if found is None else Credentials(found, str(path))


class _KeptLogins(TokenAuth):
    """The library's reader of a docker config, which looks a registry up by its bare name."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._auth_config = {
            "auths": {_bare(name): entry for name, entry in (config.get("auths") or {}).items()},
            "credHelpers": config.get("credHelpers") or {},
            "credsStore": config.get("credsStore"),
        }

    def find(self, reference: Reference) -> str | None:
        return self._basic_auth if self._load_auth(reference.registry) else None


def _bare(name: str) -> str:
    """Return the registry of a key such as `https://registry.example.com/v2/`."""
    return name.partition("://")[2].partition("/")[0] if "://" in name else name.partition("/")[0]
