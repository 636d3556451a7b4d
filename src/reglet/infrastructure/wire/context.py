"""Requests, and the `context` that every one of them carries (ABI section 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve, frozen

from reglet.domain.context import Cancellation, Context
from reglet.infrastructure.wire.go_json import decode_json, to_bytes
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    Dialect,
    Field,
    Record,
    milliseconds,
    timeout_of,
)

T = TypeVar("T")


@frozen
class CallContext:
    """What a call carries of the check that makes it. `timeout_ms` 0 means none."""

    deadline: datetime | None = None
    request_id: str = ""
    timeout_ms: int = 0
    canceled: bool = False

    @classmethod
    def of(cls, ctx: Context, timeout: timedelta | None = None) -> CallContext:
        """Return what a call within `timeout` carries of the context it is made in."""
        if timeout is None and ctx.deadline is None and ctx.cancellation is None and not ctx.request_id:
            return NO_CONTEXT
        remaining = ctx.remaining()
        if remaining is not None and (timeout is None or remaining < timeout):
            timeout = remaining
        return cls(ctx.deadline, ctx.request_id or "", milliseconds(timeout), ctx.cancelled)

    @property
    def timeout(self) -> timedelta | None:
        """The time that the call may take, None if unset; a negative one counts as unset."""
        return timeout_of(self.timeout_ms)

    def to_context(self) -> Context:
        """Return a context with this deadline (or timeout), cancellation and request id."""
        cancellation = None
        if self.canceled:
            cancellation = Cancellation()
            cancellation.cancel()
        ctx = Context(deadline=self.deadline, request_id=self.request_id or None, cancellation=cancellation)
        if self.deadline is None and (timeout := self.timeout) is not None:
            return ctx.with_timeout(timeout)
        return ctx


NO_CONTEXT = CallContext()
"""What a call made outside of any check carries."""


CONTEXT = Record(
    "ContextWire",
    CallContext,
    Field("deadline", TIME, default=None),
    Field("request_id", STRING),
    Field("timeout_ms", INTEGER),
    Field("canceled", BOOLEAN),
)


class Request(Record[T]):
    """A record that a plugin sends with the context it is sent in, which its table names `context`."""

    def encode(
        self,
        value: T,
        call: CallContext = NO_CONTEXT,
        dialect: Dialect = Dialect.ABI,
        *,
        both: bool = False,
    ) -> bytes:
        """Return a request as JSON; `both` writes the fields that only the other dialect has, too."""
        return to_bytes(self.text(value, dialect, {"context": call}, both=both))

    def decode_call(self, data: bytes, dialect: Dialect | None = None) -> tuple[T, CallContext]:
        """Return the request and its context; with a dialect, what only the other one spells is refused.

        Raises:
            WireFormatError: the bytes are not such a request.
        """
        attributes = self.attributes(decode_json(data, self.name), dialect)
        call = attributes.pop("context") or NO_CONTEXT
        return self._make(**attributes), call


CONTEXT_FIELD = Field(
    "context",
    evolve(CONTEXT.kind, write=lambda call: "{}" if call is NO_CONTEXT else CONTEXT.text(call)),
    always=True,
    extra=True,
)
"""The field of a request that holds its context."""
