"""Requests and their context; responses, and the ways in which a host function fails (ABI 2, 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import evolve, frozen

from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.errors import HostError, WireFormatError
from reglet.infrastructure.wire.exports import ERROR
from reglet.infrastructure.wire.failures import failure, type_of_code
from reglet.infrastructure.wire.go_json import decode_json, string_text, to_bytes
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    Dialect,
    Field,
    InvalidFieldError,
    Kind,
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


def _read_foreign_context(value: Any) -> CallContext:
    """Return a context, an empty one for any other value, which hostlib takes: it does not know the name."""
    try:
        return CONTEXT.kind.read(value)
    except InvalidFieldError:
        return NO_CONTEXT


CONTEXT_FIELD = Field(
    "context",
    evolve(
        CONTEXT.kind,
        write=lambda call: "{}" if call is NO_CONTEXT else CONTEXT.text(call),
        read_strictly={Dialect.HOSTLIB: _read_foreign_context},
    ),
    always=True,
    extra=True,
)
"""The field of a request that holds its context."""


_UNREADABLE = b"unmarshal"
_CODES = {"VALIDATION_ERROR": 400, "NOT_FOUND": 404, "INTERNAL_ERROR": 500}

HOSTLIB_ERROR = Record(
    "ErrorDetail", ErrorDetail, Field("code", STRING, always=True), Field("message", STRING, always=True)
)
ERROR_FIELD = Field(
    "error", Kind(lambda value: value, ERROR.text, None, write_hostlib=HOSTLIB_ERROR.text), extra=True
)
"""The field of a response that holds why there is none, which is read with what stands beside it."""


class Response(Record[T]):
    """A record that a host answers with, or with an error in its place: its table has the field `error`."""

    def __init__(self, name: str, make: Callable[..., T], empty: Any, *fields: Field) -> None:
        """Take what `Record` does, and the value whose fields are written beside an error."""
        super().__init__(name, make, *fields)
        self._empty = empty

    def encode(self, value: Any, dialect: Dialect = Dialect.ABI, **extra: Any) -> bytes:
        """Return a response as JSON; `extra` names the values of fields that the record itself lacks."""
        return to_bytes(self.text(value, dialect, extra))

    def encode_error(self, error: ErrorDetail, dialect: Dialect = Dialect.ABI) -> bytes:
        """Return the response of a call that failed; hostlib knows only an error's code and message."""
        return to_bytes(self.text(self._empty, dialect, {"error": error}))

    def decode(self, data: bytes, needs: Callable[[], str] = str) -> T:
        """Return the response in JSON.

        `needs` returns the grant that the request needs, such as `network:example.com:443`.

        Raises:
            CapabilityError: the host refused for want of a grant.
            HostError: the host failed in any other way, or answered nothing.
            WireFormatError: the answer is not a JSON object of this record.
        """
        if not data:
            message = f"the host gave no answer where {self.name} was expected; its log may say why"
            raise HostError(ErrorDetail("internal", message, "no_answer"))
        values = decode_json(data, self.name)
        if values is None:
            raise HostError(ErrorDetail("internal", f"the host answered null for {self.name}", "no_answer"))
        try:
            attributes = self.attributes(values)
        except WireFormatError:
            _raise_failure(values, self.name, needs)
            raise
        known = self._read.keys()
        # a response may lack every field, but then it has no others
        is_foreign = known.isdisjoint(values) and not any(name.lower() in known for name in values)
        if attributes.pop("error") is not None or (values and is_foreign):
            _raise_failure(values, self.name, needs)
            raise InvalidFieldError("one of its fields", values).wire_error(self.name)
        return self._make(**attributes)


def _raise_failure(values: Any, record: str, needs: Callable[[], str]) -> None:
    """Raise what a JSON answer has in place of a response, if it has: `Response.decode` says what."""
    if not isinstance(values, dict):
        return
    members = {name.lower(): value for name, value in values.items()}
    error, message = members.get("error"), members.get("message")
    if isinstance(error, str):
        said = message if message and isinstance(message, str) else error
        raise failure(ErrorDetail(type_of_code(error), said, error), needs())
    if error is not None:
        raise failure(ERROR.of(error, where=f"{record}.error"), needs())
    if message and isinstance(message, str) and "code" in members:
        code = str(members["code"])
        raise failure(ErrorDetail(type_of_code(code), message, code), needs())


def is_unreadable(data: bytes) -> bool:
    """Report whether a host could not decode the request; it did nothing then (ABI section 5)."""
    if _UNREADABLE not in data:
        return False
    try:
        answer = decode_json(data, "a response")
    except WireFormatError:
        return False
    return isinstance(answer, dict) and answer.get("error") == "VALIDATION_ERROR"


def encode_failure(kind: str, message: str) -> bytes:
    """Return the answer that stands in place of a response; `kind` is one of ABI section 4."""
    text = f'{{"error":{string_text(kind)},"message":{string_text(message)},"code":{_CODES[kind]}}}'
    return to_bytes(text)
