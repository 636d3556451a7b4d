"""The host and port that a check connects to."""

from __future__ import annotations

from attrs import frozen

from reglet.application.checks.failure import RefusedConfigError
from reglet.application.config import must_get_int, must_get_string
from reglet.domain.entities.json_value import JSONObject
from reglet.domain.errors import ConfigError
from reglet.domain.host_port import PORTS, join_host_port


@frozen
class Target:
    """A name or address, and a port."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return join_host_port(self.host, self.port)


def read_target(config: JSONObject | None) -> Target:
    """Return the `host` and `port` of a config.

    Raises:
        RefusedConfigError: one is missing, of another type, or no port (`MISSING_HOST`, `MISSING_PORT`,
            `INVALID_PORT`).
    """
    try:
        host = must_get_string(config, "host")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_HOST") from error
    try:
        port = must_get_int(config, "port")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_PORT") from error
    if port not in PORTS:
        raise RefusedConfigError(f"invalid port: {port} (must be 1-65535)", "INVALID_PORT")
    return Target(host, port)
