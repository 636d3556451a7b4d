"""Requests and their context; responses, and what a host's error means (ABI sections 2, 4 and 5).

An error means a kind, whether a target was asked, and perhaps the grant that is missing. Hosts have a type
(the ABI), a code alone (the Go host SDK), that code in place of the type (the newer app), or nothing but Go's
own words (the older app).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import evolve, frozen

from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.result import ERROR_TYPES, ErrorDetail
from reglet.domain.errors import TIMEOUT_WORDS, CapabilityError, HostError, RegletError, WireFormatError
from reglet.infrastructure.wire.exports import ERROR
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


_GUARD_CODE = "SSRF_BLOCKED"
_TIMEOUT, _NOT_FOUND, _REFUSED, _LOST = "TIMEOUT", "HOST_NOT_FOUND", "CONNECTION_REFUSED", "LOOKUP_FAILED"
_TYPES_OF_CODES = {
    _TIMEOUT: "timeout",
    "EXECUTION_FAILED": "exec",
    **dict.fromkeys(
        (
            _LOST, _NOT_FOUND, _REFUSED, "CONNECTION_FAILED", "READ_BANNER_FAILED", "READ_BODY_FAILED",
            "REQUEST_FAILED", "SMTP_CLIENT_FAILED", "STARTTLS_FAILED", "TLS_CERTIFICATE_ERROR", "TLS_ERROR",
            "TOO_MANY_REDIRECTS",
        ),
        "network",
    ),
    **dict.fromkeys(("INVALID_REQUEST", "UNSUPPORTED_TYPE", "VALIDATION_ERROR"), "validation"),
    **dict.fromkeys((_GUARD_CODE, "CAPABILITY_DENIED", "PERMISSION_DENIED"), "capability"),
}  # fmt: skip
"""The types behind the codes of the Go host SDK, whose errors have none."""

_GUARD_TYPE = "ssrf_protection"
"""What the older app has in place of the type where its guard refuses, or cannot look a name up."""

_REQUEST = re.compile(r'[A-Z][a-z]+ "[^"]*": ')
"""What Go writes before the failure of an HTTP request; words in a URL say nothing of it."""

_WORDS = (
    (re.compile("no such host"), _NOT_FOUND),
    (re.compile("^(dial tcp: )?lookup .*connection refused"), _LOST),
    (re.compile("connection refused|actively refused"), _REFUSED),
    (
        re.compile(
            "i/o timeout|deadline exceeded|Client.Timeout|handshake timeout|timeout awaiting|timed out"
            f"|did not properly respond|{TIMEOUT_WORDS}"
        ),
        _TIMEOUT,
    ),
)
"""What Go writes, on any system, and we do, for failures to which hosts give no code of their own."""

_MISNAMED = frozenset({"", _TIMEOUT, "TOO_MANY_REDIRECTS"})
"""Codes that are left out, or that the Go host SDK also gives for a word in the URL."""

_UNRESOLVED = re.compile("DNS resolution failed: |failed to resolve host: |no IP addresses found")
"""What a guard writes for a name that it cannot look up, in the place where it says what it blocks."""

_NOT_ASKED = re.compile(
    "^hostfuncs: |^failed to (create HTTP request|decode request body): |unsupported protocol scheme"
    "|no Host in request URL|unsupported record type|(context|request) canceled|too many open files"
    "|cannot assign requested address|no buffer space|address family not supported"
    "|(connect|socket): (operation not permitted|permission denied)"
)
"""What hosts and Go write where nothing left the host; of what was to be asked nothing is known then."""

_ASKED = re.compile(
    r"(dial|read|write) (tcp|udp)|lookup |connection (failed|reset)|broken pipe|\btls: |x509: |EOF"
    r"|server misbehaving|HTTP/1.x transport|malformed HTTP|gave HTTP response|stopped after \d+ redirects"
    "|http2: |gzip: |no route to host|is unreachable|SMTP banner|SMTP client creation|STARTTLS"
    "|TLS connection failed|TLS state"
)
"""What they write where the target was asked, and did not answer as it should."""

_QUOTED = re.compile("SMTP banner: |STARTTLS failed: |SMTP client creation failed: |malformed HTTP ")
"""What stands before words of the target's own."""

_GUARD = re.compile(
    "SSRF protection|(localhost/loopback|private|link-local|multicast|unspecified) address(es)? blocked"
    r"|\(requires network:outbound:private capability\)",
    re.IGNORECASE,
)
_LISTED = re.compile("port not in allowlist|port is blocked|address in blocklist|IP in blocklist CIDR")
_MALFORMED = "invalid address format: "
_DENIED = "capability denied: "
_REQUIRES = re.compile(r"requires '?(network|fs|env|exec|kv):([^']*)")
_NOTHING_GRANTED = "no capabilities granted"
_MISSING = "missing capability: "
_KINDS = {"filesystem": "fs", "environment": "env"}
"""What hosts call the kinds of capabilities, where it is not their name."""

_LONGEST_KIND = 64
_LONGEST_MESSAGE = 16 * 1024
"""Characters of a host's message that are read and passed on."""


def type_of_code(code: str) -> str:
    """Return the error type that a host's code implies; `internal` where it implies none."""
    return _TYPES_OF_CODES.get(code.upper(), "internal")


def failure(detail: ErrorDetail, needs: str = "") -> RegletError:
    """Return the exception for what a host said, a denial as `CapabilityError` that says what to grant."""
    detail = _classified(detail)
    cause, denied = detail, _denied(detail, needs)
    while not denied and cause.wrapped is not None:
        cause = cause.wrapped
        denied = _denied(cause, needs)
    if not denied:
        return HostError(detail)
    said = cause.message.removeprefix(f"{_MISSING}{denied}").removeprefix("; ")
    if not _is_blocked(cause):
        advice = f"declare it in the plugin's {denied.partition(':')[0]} capability and have it granted"
    elif _LISTED.search(cause.message):
        advice = "this host has a list of its own for addresses and ports, which no grant changes"
    else:
        advice = (
            "this host's guard blocks private and reserved addresses, whatever names them: the Go host SDK "
            'dials them where a network rule with the host and 127.0.0.1 has port "*" or "0", the Reglet app '
            "where network:outbound:private is granted"
        )
    return CapabilityError(denied, hint=f"{advice} ({said})" if said else advice)


def _classified(detail: ErrorDetail) -> ErrorDetail:
    """Return a host's error, and what it wraps, with type, code and flags, whichever dialect it came in."""
    message, wrapped = detail.message, detail.wrapped and _classified(detail.wrapped)
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}… (cut)"
    kind, code = _named(detail.type, detail.code)
    cause = _REQUEST.sub("", message, count=1)
    implied = next((code for words, code in _WORDS if words.search(cause)), "")
    if _UNRESOLVED.search(message):
        kind, code = "network", implied or _LOST
    elif _MALFORMED in message and code == _GUARD_CODE:
        kind, code = "validation", "INVALID_REQUEST"
    if kind == "network" or (kind == "timeout" and code == _TIMEOUT) or (kind == "internal" and not code):
        if implied:
            kind, code = type_of_code(implied), implied if code in _MISNAMED else code
        elif _NOT_ASKED.search(message):
            kind = "internal"
        elif cause != message or _ASKED.search(message):
            kind = "timeout" if kind == "timeout" else "network"
    if wrapped is not None and kind == "internal":
        kind, code = wrapped.type, code or wrapped.code
    return evolve(
        detail,
        message=message,
        type=kind,
        code=code,
        wrapped=wrapped,
        is_timeout=detail.is_timeout or kind == "timeout" or (wrapped is not None and wrapped.is_timeout),
        is_not_found=detail.is_not_found
        or (kind == "network" and _NOT_FOUND in (code, implied))
        or (wrapped is not None and wrapped.is_not_found),
    )


def _named(kind: str, code: str) -> tuple[str, str]:
    """Return the type and the code that a host means, in whatever case and place it writes them."""
    code = code.upper() if code.upper() in _TYPES_OF_CODES else code
    if kind in ERROR_TYPES:
        return kind, code
    if kind.lower() == _GUARD_TYPE:
        return "capability", code or _GUARD_CODE
    if kind.upper() in _TYPES_OF_CODES:
        return type_of_code(kind), code or kind.upper()
    return (kind.lower(), code) if kind.lower() in ERROR_TYPES else (type_of_code(code), code or kind)


def _denied(detail: ErrorDetail, needs: str) -> str:
    """Return the grant that is missing, empty where none is."""
    message = detail.message
    if _is_blocked(detail):
        return needs or "network:outbound:private"
    if _QUOTED.search(message):
        return ""
    before, denied, pattern = message.partition(_DENIED)
    found = _REQUIRES.search(message)
    # a host that denies says so by its type; of other texts a part may be anybody's
    if detail.type in ("capability", "validation"):
        kind = before[-_LONGEST_KIND:].rstrip().rpartition(" ")[2]
        if denied and before.endswith(" ") and kind.isidentifier():
            return f"{_KINDS.get(kind, kind)}:{pattern.partition('; ')[0]}"
        if found:
            return f"{found[1]}:{found[2]}"
    if detail.type == "capability":
        return detail.code if ":" in detail.code else needs or detail.code or message or detail.type
    return needs or message if denied or found or _NOTHING_GRANTED in message else ""


def _is_blocked(detail: ErrorDetail) -> bool:
    """Report whether a guard of the host refused an address, whatever the grant says."""
    return detail.type != "validation" and (
        detail.code == _GUARD_CODE
        or (_UNRESOLVED.search(detail.message) is None and _GUARD.search(detail.message) is not None)
    )
