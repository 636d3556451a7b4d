"""Ready-made checks, from a config without a model to a Result: what they have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve, field, frozen

from reglet.application.config import get_bool_default, get_int_default, must_get_int, must_get_string
from reglet.domain.entities import JSONObject
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import RunMetadata
from reglet.domain.errors import CausedError, ConfigError, HostError, RegletError
from reglet.domain.urls import PORTS, join_host_port

_REFUSALS = frozenset({"capability", "config", "validation", "execution"})


class RefusedConfigError(RegletError):
    """A check's config lacks something; `code` is the check's own code for it."""

    error_type = "config"

    def __init__(self, message: str, code: str) -> None:
        """Take what is missing, and the code for it."""
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """The check's code, such as `MISSING_URL`."""
        return self._code


def failed_call(error: RegletError, code: str) -> ErrorDetail:
    """Return a failed host call as data.

    A call that was refused (no grant, an option the host cannot honour, a cancelled check) keeps its own
    detail, and so does one of which nothing is known since the host failed; that is no network error. A call
    that was made and failed gets the check's code, and wraps what is known of the cause.
    """
    cause = error.detail()
    if cause.type in _REFUSALS:
        return cause
    if isinstance(error, CausedError | HostError) and not error.concerns_target:
        return evolve(cause, type="execution") if cause.type == "network" else cause
    return ErrorDetail(
        type="timeout" if cause.is_timeout else "network",
        message=cause.message,
        code=code,
        is_timeout=cause.is_timeout,
        is_not_found=cause.is_not_found,
        wrapped=cause if cause.code else None,
    )


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


_LONGEST_MS = 2**31 - 1


def _now() -> datetime:
    return datetime.now(UTC)


@frozen
class Stopwatch:
    """Runs from when it is made."""

    start: datetime = field(factory=_now)

    def stop(self) -> RunMetadata:
        """Return when the call began and ended."""
        return RunMetadata.between(self.start, _now())


def whole_milliseconds(duration_ns: int) -> int:
    """Return nanoseconds as whole milliseconds; what took any time at all took at least 1."""
    return max(duration_ns // 1_000_000, 1)


def measured_milliseconds(measured: timedelta | None, around: RunMetadata) -> int:
    """Return what the host measured in whole milliseconds; if nothing, what was measured around the call."""
    known = measured if measured is not None and measured > timedelta() else None
    microseconds = None if known is None else known // timedelta(microseconds=1)
    return whole_milliseconds(around.duration_ns if microseconds is None else microseconds * 1000)


def read_tls_options(config: JSONObject | None) -> dict[str, bool]:
    """Return `insecure_skip_verify` where a config sets it: clients may not know it."""
    name = "insecure_skip_verify"
    return {name: True} if get_bool_default(config, name, default=False) else {}


def read_timeout(config: JSONObject | None, default_ms: int) -> timedelta:
    """Return the `timeout_ms` of a config; zero, which leaves the limit to the host, for 0 or less."""
    timeout_ms = get_int_default(config, "timeout_ms", default_ms)
    return timedelta(milliseconds=min(max(timeout_ms, 0), _LONGEST_MS))
