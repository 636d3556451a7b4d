"""The `context` that every request carries (ABI section 2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from reglet.domain.context import Cancellation, Context
from reglet.domain.time import format_time
from reglet.infrastructure.wire.fields import Fields
from reglet.infrastructure.wire.go_json import TRUE, object_text, optional_number, optional_text
from reglet.infrastructure.wire.time import milliseconds, span


@frozen
class CallContext:
    """What a host is told of the check that calls it. `timeout_ms` 0 means none."""

    deadline: datetime | None = None
    request_id: str = ""
    timeout_ms: int = 0
    canceled: bool = False

    @classmethod
    def of(cls, ctx: Context, timeout: timedelta | None = None) -> CallContext:
        """Return what a call within `timeout` should say of the context it is made in."""
        remaining = ctx.remaining()
        spans = [each for each in (remaining, timeout) if each is not None]
        timeout_ms = milliseconds(min(spans)) if spans else 0
        return cls(ctx.deadline, ctx.request_id or "", timeout_ms, ctx.cancelled)

    @property
    def timeout(self) -> timedelta | None:
        """The time that the call may take, None if unset; a negative one counts as unset."""
        return span(self.timeout_ms)

    def to_context(self) -> Context:
        """Return a context with this deadline (or timeout), cancellation and request id."""
        ctx = Context(
            deadline=self.deadline,
            request_id=self.request_id or None,
            cancellation=_thrown() if self.canceled else None,
        )
        if self.deadline is None and (timeout := self.timeout) is not None:
            return ctx.with_timeout(timeout)
        return ctx


NO_CONTEXT = CallContext()
"""What a call made outside of any check says."""


def _thrown() -> Cancellation:
    cancellation = Cancellation()
    cancellation.cancel()
    return cancellation


def context_text(call: CallContext) -> str:
    """Return the context as JSON."""
    return object_text(
        deadline=None if call.deadline is None else f'"{format_time(call.deadline)}"',
        request_id=optional_text(call.request_id),
        timeout_ms=optional_number(call.timeout_ms),
        canceled=TRUE if call.canceled else None,
    )


def read_context(fields: Fields) -> CallContext:
    """Return the context within a request's fields."""
    inner = fields.inner("context")
    return NO_CONTEXT if inner is None else context_of(inner)


def context_of(fields: Fields) -> CallContext:
    """Return the context that these fields are."""
    return CallContext(
        deadline=fields.time("deadline"),
        request_id=fields.text("request_id"),
        timeout_ms=fields.integer("timeout_ms"),
        canceled=fields.flag("canceled"),
    )
