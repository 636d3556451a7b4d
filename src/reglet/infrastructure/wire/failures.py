"""Responses, and the ways in which a host function fails, told apart and raised (ABI sections 2, 4 and 5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import evolve

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.errors import CapabilityError, HostError, RegletError, WireFormatError
from reglet.infrastructure.wire.go_json import decode_json, string_text, to_bytes
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    BYTES,
    OBJECT,
    STRING,
    Dialect,
    Field,
    Kind,
    Record,
)

T = TypeVar("T")

_DENIALS = (
    re.compile(r"(?P<kind>\w+) capability denied: (?P<pattern>.+?)(?:; |$)", re.DOTALL),
    re.compile(r"requires '(?P<kind>\w+):(?P<pattern>[^']*)' capability"),
)
_NOTHING_GRANTED = "no capabilities granted"
_MISSING = "missing capability: "
_UNREADABLE = b"unmarshal"
_NO_SUCH_HOST = "no such host"
_CODES = {"VALIDATION_ERROR": 400, "NOT_FOUND": 404, "INTERNAL_ERROR": 500}
_TYPES = {
    "TIMEOUT": "timeout",
    "SSRF_BLOCKED": "capability",
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
        "TLS_ERROR",
        "TOO_MANY_REDIRECTS",
    ),
    "network",
)
"""The types behind the codes of the Go host SDK, whose errors have none."""

_OCTETS = range(2**8)


def _read_code(value: Any) -> str:
    return str(value) if type(value) is int else STRING.read(value)


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
    Field("code", Kind(_read_code, STRING.write, ""), always=True),
    Field("stack", Kind(_read_stack, BYTES.write, b"")),
    Field("is_timeout", BOOLEAN),
    Field("is_not_found", BOOLEAN),
)
HOSTLIB_ERROR = Record(
    "ErrorDetail", ErrorDetail, Field("code", STRING, always=True), Field("message", STRING, always=True)
)
ERROR_FIELD = Field(
    "error", Kind(ERROR.kind.read, ERROR.text, None, write_hostlib=HOSTLIB_ERROR.text), extra=True
)
"""The field of a response that holds why there is none."""


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

    def decode(self, data: bytes, needs: str = "") -> T:
        """Return the response in JSON.

        `needs` is the grant that the request needs, such as `network:example.com:443`.

        Raises:
            CapabilityError: the host refused for want of a grant.
            HostError: the host failed in any other way, or answered nothing.
            WireFormatError: the answer is not a JSON object of this record.
        """
        values = decode_answer(data, self.name, needs)
        attributes = self.attributes(values)
        del attributes["error"]
        return self._make(**attributes)


def decode_answer(data: bytes, record: str, needs: str = "") -> Any:
    """Return the JSON of an answer that is no failure; raises as `Response.decode` does."""
    if not data:
        message = f"the host gave no answer where {record} was expected; its log may say why"
        raise HostError(ErrorDetail("internal", message, "no_answer"))
    values = decode_json(data, record)
    if isinstance(values, dict):
        error = _member(values, "error")
        if isinstance(error, str):
            message = _member(values, "message")
            said = message if message and isinstance(message, str) else error
            raise failure(ErrorDetail(type_of_code(error), said, error), needs)
        if error is not None:
            raise failure(ERROR.of(error, where=f"{record}.error"), needs)
    return values


def _member(values: dict[str, Any], wanted: str) -> Any:
    """Return the last value of a name, whatever its case; faster than to lower every name."""
    found = None
    for name, value in values.items():
        if len(name) == len(wanted) and name.lower() == wanted:
            found = value
    return found


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
    if not detail.type:
        detail = evolve(detail, type=type_of_code(detail.code))
    denied = _denied(detail, needs)
    if denied:
        return CapabilityError(denied, hint=_hint(denied, detail))
    lost = detail.type == "network" and _NO_SUCH_HOST in detail.message
    return HostError(
        evolve(
            detail,
            is_timeout=detail.is_timeout or detail.type == "timeout",
            is_not_found=detail.is_not_found or lost or detail.code == "HOST_NOT_FOUND",
        )
    )


def type_of_code(code: str) -> str:
    """Return the error type that a host's code implies; `internal` where it implies none."""
    return _TYPES.get(code, "internal")


def _denied(detail: ErrorDetail, needs: str) -> str:
    """Return the grant that is missing, empty where none is."""
    for denial in _DENIALS:
        if found := denial.search(detail.message):
            return f"{found['kind']}:{found['pattern']}"
    if detail.type == "capability":
        return detail.code if ":" in detail.code else needs or detail.code or detail.message
    return needs or detail.message if _NOTHING_GRANTED in detail.message else ""


def _hint(denied: str, detail: ErrorDetail) -> str:
    kind = denied.partition(":")[0]
    said = detail.message.removeprefix(f"{_MISSING}{denied}").removeprefix("; ")
    advice = f"declare it in the plugin's {kind} capability and have it granted"
    return f"{advice} ({said})" if said else advice


def encode_failure(kind: str, message: str) -> bytes:
    """Return the answer that stands in place of a response; `kind` is one of ABI section 4."""
    text = f'{{"error":{string_text(kind)},"message":{string_text(message)},"code":{_CODES[kind]}}}'
    return to_bytes(text)
