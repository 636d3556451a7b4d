"""Who asks: the keys of an AWS account, from the environment."""

from __future__ import annotations

import os

from attrs import field, frozen

from reglet.errors import ConfigError

VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
"""The environment variables that are read, when a check runs."""


@frozen
class Credentials:
    """An access key; its secret and its token never show."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False, default="")


def credentials_from_environment() -> Credentials:
    """Return the access key of the environment; raises `ConfigError` if there is none."""
    return Credentials(
        _required("AWS_ACCESS_KEY_ID"),
        _required("AWS_SECRET_ACCESS_KEY"),
        os.environ.get("AWS_SESSION_TOKEN", ""),
    )


def region_or_default(region: str) -> str:
    """Return a region, or that of the environment; raises `ConfigError` if there is none."""
    found = region or region_of_environment()
    if not found:
        raise ConfigError("region", "AWS region not specified (set region in config or AWS_REGION env var)")
    return found


def region_of_environment() -> str:
    """Return the region of the environment, an empty string if there is none."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(name, f"{name} environment variable not set, or not granted to this plugin")
    return value
