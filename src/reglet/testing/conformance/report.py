"""What a conformance run says: for each subject, and each host that it concerns, what that host would do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import asdict, frozen

from reglet.infrastructure.wire.record import Dialect


class Host(StrEnum):
    """The hosts that plugins meet."""

    SDK = "Go host SDK"
    APP = "Reglet app"
    OLDER_APP = "older app"
    TACK = "tack"

    @property
    def dialect(self) -> Dialect:
        """What it speaks; tack is made with the Go host SDK."""
        return _DIALECTS[self]


_DIALECTS = {
    Host.SDK: Dialect.HOSTLIB,
    Host.APP: Dialect.APP,
    Host.OLDER_APP: Dialect.OLDER,
    Host.TACK: Dialect.HOSTLIB,
}


ON_SDK = (Host.SDK, Host.TACK)
NEWER = (Host.SDK, Host.APP, Host.TACK)
"""Those that call `_manifest` and `_observe`."""
OLDER = (Host.OLDER_APP,)
EVERY = tuple(Host)


class Outcome(StrEnum):
    """What a host would do; a row shows the worst."""

    WORKS = "works"
    WARNING = "warning"
    FAILS = "fails"
    NOT_FOR_IT = "-"


@frozen
class Remark:
    """One thing that hosts would not take well."""

    hosts: tuple[Host, ...]
    outcome: Outcome
    message: str


def fails(hosts: tuple[Host, ...], message: str) -> Remark:
    """Return the remark that a plugin fails on some hosts."""
    return Remark(hosts, Outcome.FAILS, message)


def warns(hosts: tuple[Host, ...], message: str) -> Remark:
    """Return the remark that a plugin works on some hosts, and not as its author meant."""
    return Remark(hosts, Outcome.WARNING, message)


@frozen
class Row:
    """What was looked at, which hosts it concerns, and the remarks on it."""

    subject: str
    hosts: tuple[Host, ...]
    remarks: tuple[Remark, ...] = ()

    def outcome(self, host: Host) -> Outcome:
        """Return what a host would do: its worst remark."""
        if host not in self.hosts:
            return Outcome.NOT_FOR_IT
        found = {each.outcome for each in self.remarks if host in each.hosts}
        return next(
            (each for each in (Outcome.FAILS, Outcome.WARNING, Outcome.NOT_FOR_IT) if each in found),
            Outcome.WORKS,
        )


@frozen
class Figures:
    """What was measured on this machine; 0 where there was no need.

    Attributes:
        first_seconds: until the first answer, which is the manifest.
        further_seconds: one of many checks of a kept instance.
        first_memory: bytes of memory of that instance after its first check.
        last_memory: the same after its last one.
    """

    first_seconds: float = 0.0
    further_seconds: float = 0.0
    first_memory: int = 0
    last_memory: int = 0


@frozen
class Report:
    """A whole run: its rows and its figures."""

    rows: tuple[Row, ...]
    figures: Figures = Figures()

    @property
    def failing(self) -> tuple[Host, ...]:
        """The hosts on which the plugin would fail."""
        return tuple(host for host in Host if any(row.outcome(host) is Outcome.FAILS for row in self.rows))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "rows": [
                {
                    "subject": row.subject,
                    "outcomes": {host: row.outcome(host) for host in Host},
                    "remarks": [asdict(remark) for remark in row.remarks],
                }
                for row in self.rows
            ],
            **asdict(self.figures),
            "failing": list(self.failing),
        }
