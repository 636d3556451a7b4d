"""One line of a plugin's log, as the host gets it (ABI section 2, LogMessage)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from attrs import field, frozen

from reglet.domain.entities.timestamp import ZERO_TIME

LogAttributeType = Literal[
    "string", "int64", "uint64", "bool", "float64", "time", "duration", "error", "json", "any", "group"
]


@frozen
class LogAttribute:
    """A typed fact beside a message; the value is text."""

    key: str
    type: LogAttributeType
    value: str


def _attributes(attributes: Iterable[LogAttribute]) -> tuple[LogAttribute, ...]:
    return tuple(attributes)


@frozen
class LogMessage:
    """A message with its level (DEBUG, INFO, WARN, ERROR), its attributes and the request it belongs to."""

    level: str
    message: str
    attributes: tuple[LogAttribute, ...] = field(converter=_attributes, default=())
    timestamp: datetime = ZERO_TIME
    request_id: str | None = None
