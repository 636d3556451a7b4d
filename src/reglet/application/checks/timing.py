"""How long a host call may take and how long it took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import field, frozen

from reglet.application.config import get_int_default
from reglet.domain.entities.json_value import JSONObject
from reglet.domain.entities.result import RunMetadata

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


def read_timeout(config: JSONObject | None, default_ms: int) -> timedelta:
    """Return the `timeout_ms` of a config; zero, which leaves the limit to the host, for 0 or less."""
    timeout_ms = get_int_default(config, "timeout_ms", default_ms)
    return timedelta(milliseconds=min(max(timeout_ms, 0), _LONGEST_MS))
