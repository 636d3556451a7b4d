"""The check that is under way: its context and its secrets, for the log."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from reglet.application.models.redacting import Redaction
from reglet.domain.context import Context

NO_SECRETS = Redaction()


class Check(NamedTuple):
    """What the log must know of a check."""

    context: Context
    redaction: Redaction = NO_SECRETS


under_way: ContextVar[Check | None] = ContextVar("reglet_check", default=None)
"""The check of this thread or task; None outside of one."""
