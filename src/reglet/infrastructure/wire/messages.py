"""Requests and their context; responses, and the ways in which a host function fails (ABI 2, 4 and 5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import evolve, frozen

from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.result import ERROR_TYPES, ErrorDetail
from reglet.domain.errors import TIMEOUT_WORDS, CapabilityError, HostError, RegletError, WireFormatError
from reglet.infrastructure.wire.go_json import decode_json, string_text, to_bytes
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    BYTES,
    INTEGER,
    OBJECT,
    STRING,
    TIME,
    Dialect,
    Field,
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


CONTEXT_FIELD = Field(
    "context",
    evolve(CONTEXT.kind, write=lambda call: "{}" if call is NO_CONTEXT else CONTEXT.text(call)),
    always=True,
    extra=True,
)
"""The field of a request that holds its context."""


_DENIED = "capability denied: "
_REQUIRES = re.compile(r"requires '?(network|fs|env|exec|kv):([^']*)")
_KINDS = {"filesystem": "fs", "environment": "env"}
"""What hosts call the kinds of capabilities, where it is not their name."""
_LONGEST_KIND = 64
_NOTHING_GRANTED = "no capabilities granted"
_GUARD = "SSRF protection"
_GUARD_TYPE = "ssrf_protection"
_GUARD_CODE = "SSRF_BLOCKED"
_GUARD_REASONS = re.compile(
    r"(localhost/loopback|private|link-local|multicast|unspecified) address(es)? blocked"
    r"|\(requires network:outbound:private capability\)"
)
_UNRESOLVED = re.compile(r"DNS resolution failed: |failed to resolve host: ")
"""What a guard writes for a name that it cannot look up, in the place where it says what it blocks."""
_MISSING = "missing capability: "
_UNREADABLE = b"unmarshal"
_CODES = {"VALIDATION_ERROR": 400, "NOT_FOUND": 404, "INTERNAL_ERROR": 500}
_TYPES = {
    "TIMEOUT": "timeout",
    _GUARD_CODE: "capability",
    "EXECUTION_FAILED": "exec",
    "INVALID_REQUEST": "validation",
    "UNSUPPORTED_TYPE": "validation",
    "VALIDATION_ERROR": "validation",
} | dict.fromkeys(
    (
        "CONNECTION_REFUSED",
        "CONNECTION_FAILED",
        "HOST_NOT_FOUND",
        "LOOKUP_FAILED",
        "READ_BANNER_FAILED",
        "READ_BODY_FAILED",
        "REQUEST_FAILED",
        "SMTP_CLIENT_FAILED",
        "STARTTLS_FAILED",
        "TLS_CERTIFICATE_ERROR",
        "TLS_ERROR",
        "TOO_MANY_REDIRECTS",
    ),
    "network",
)
"""The types behind the codes of the Go host SDK, whose errors have none."""

_WORDS = (
    ("no such host", "HOST_NOT_FOUND"),
    ("connection refused", "CONNECTION_REFUSED"),
    ("i/o timeout", "TIMEOUT"),
    ("deadline exceeded", "TIMEOUT"),
    ("Client.Timeout", "TIMEOUT"),
    (TIMEOUT_WORDS, "TIMEOUT"),
)
"""What Go writes, and we do, for failures to which a host gives neither code nor type of their own."""

_LONGEST_MESSAGE = 16 * 1024
"""Characters of a host's message that are read and passed on."""

_OCTETS = range(2**8)


def _read_stack(value: Any) -> bytes:
    """Return a stack, which Go reads as a list of numbers too."""
    if isinstance(value, list) and all(type(octet) is int and octet in _OCTETS for octet in value):
        return bytes(value)
    return BYTES.read(value)


_WRAPPED: Kind[ErrorDetail] = Kind(
    lambda value: ERROR.kind.read(value),  # noqa: PLW0108 - the table holds itself
    lambda value: ERROR.text(value),  # noqa: PLW0108
    None,
)
ERROR: Record[ErrorDetail] = Record(
    "ErrorDetail",
    ErrorDetail,
    Field("wrapped", _WRAPPED),
    Field("details", OBJECT),
    Field("message", STRING, always=True),
    Field("type", STRING, always=True),
    Field(
        "code",
        Kind(lambda code: str(code) if type(code) is int else STRING.read(code), STRING.write, ""),
        always=True,
    ),
    Field("stack", Kind(_read_stack, BYTES.write, b"")),
    Field("is_timeout", BOOLEAN),
    Field("is_not_found", BOOLEAN),
)
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
        try:
            attributes = self.attributes(values)
        except WireFormatError:
            _raise_failure(values, self.name, needs)
            raise
        if attributes.pop("error") is not None:
            _raise_failure(values, self.name, needs)
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


def is_unreadable(data: bytes) -> bool:
    """Report whether a host could not decode the request; it did nothing then (ABI section 5)."""
    if _UNREADABLE not in data:
        return False
    try:
        answer = decode_json(data, "a response")
    except WireFormatError:
        return False
    return isinstance(answer, dict) and answer.get("error") == "VALIDATION_ERROR"


def failure(detail: ErrorDetail, needs: str = "") -> RegletError:
    """Return the exception for what a host said, a denial as `CapabilityError` that says what to grant."""
    detail = _classified(detail)
    denied = _denied(detail, needs)
    if not denied:
        return HostError(detail)
    kind = denied.partition(":")[0]
    said = detail.message.removeprefix(f"{_MISSING}{denied}").removeprefix("; ")
    if _is_blocked(detail):
        advice = (
            "this host's guard blocks private and reserved addresses, whatever names them: the Go host SDK "
            'dials them where a network rule with the host and 127.0.0.1 has port "*" or "0", the Reglet app '
            "where network:outbound:private is granted"
        )
    else:
        advice = f"declare it in the plugin's {kind} capability and have it granted"
    return CapabilityError(denied, hint=f"{advice} ({said})" if said else advice)


def _classified(detail: ErrorDetail) -> ErrorDetail:
    """Return a host's error with type, code and flags, whichever dialect it came in.

    The ABI has a type, the host SDK a code alone, and the newer app writes that code in place of the type.
    The older app leaves Go's own words.
    """
    message, kind, code = detail.message, detail.type, detail.code
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}… (cut)"
    if _UNRESOLVED.search(message):
        kind, code = "", next((implied for words, implied in _WORDS if words in message), "LOOKUP_FAILED")
    elif kind == _GUARD_TYPE:
        kind, code = "capability", code or _GUARD_CODE
    elif kind.isupper():
        kind, code = kind.lower() if kind.lower() in ERROR_TYPES else "", code or kind
    kind = kind or type_of_code(code)
    if kind == "internal" and not code:
        code = next((implied for words, implied in _WORDS if words in message), "")
        kind = type_of_code(code)
    return evolve(
        detail,
        message=message,
        type=kind,
        code=code,
        is_timeout=detail.is_timeout
        or kind == "timeout"
        or code == "TIMEOUT"
        or (kind == "network" and any(words in message for words, implied in _WORDS if implied == "TIMEOUT")),
        is_not_found=detail.is_not_found
        or code == "HOST_NOT_FOUND"
        or (kind == "network" and "no such host" in message),
    )


def type_of_code(code: str) -> str:
    """Return the error type that a host's code implies; `internal` where it implies none."""
    return _TYPES.get(code, "internal")


def _denied(detail: ErrorDetail, needs: str) -> str:
    """Return the grant that is missing, empty where none is."""
    message = detail.message
    if _is_blocked(detail):
        return needs or "network:outbound:private"
    before, denied, pattern = message.partition(_DENIED)
    if denied:
        kind = before[-_LONGEST_KIND:].rstrip().rpartition(" ")[2]
        if before.endswith(" ") and kind.isidentifier():
            return f"{_KINDS.get(kind, kind)}:{pattern.partition('; ')[0]}"
    if found := _REQUIRES.search(message):
        return f"{found[1]}:{found[2]}"
    if detail.type == "capability":
        return detail.code if ":" in detail.code else needs or detail.code or message
    return needs or message if _NOTHING_GRANTED in message else ""


def _is_blocked(detail: ErrorDetail) -> bool:
    """Report whether a guard of the host refused an address, whatever the grant says."""
    return _UNRESOLVED.search(detail.message) is None and (
        detail.code == _GUARD_CODE
        or _GUARD in detail.message
        or _GUARD_REASONS.search(detail.message) is not None
    )


def encode_failure(kind: str, message: str) -> bytes:
    """Return the answer that stands in place of a response; `kind` is one of ABI section 4."""
    text = f'{{"error":{string_text(kind)},"message":{string_text(message)},"code":{_CODES[kind]}}}'
    return to_bytes(text)
