"""The ways in which a host function fails, told apart and raised (ABI section 4)."""

from __future__ import annotations

import re

from attrs import evolve

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.errors import CapabilityError, HostError, RegletError, WireFormatError
from reglet.infrastructure.wire.errors import read_detail, type_of_code
from reglet.infrastructure.wire.fields import Fields, as_fields, decode_json, read_record
from reglet.infrastructure.wire.go_json import object_text, string_text, to_bytes

_DENIALS = (
    re.compile(r"(?P<kind>\w+) capability denied: (?P<pattern>.+?)(?:; |$)", re.DOTALL),
    re.compile(r"requires '(?P<kind>\w+):(?P<pattern>[^']*)' capability"),
)
_NOTHING_GRANTED = "no capabilities granted"
_MISSING = "missing capability: "
_UNREADABLE = b"unmarshal"
_NO_SUCH_HOST = "no such host"
_CODES = {"VALIDATION_ERROR": 400, "NOT_FOUND": 404, "INTERNAL_ERROR": 500}


def read_response(data: bytes, record: str, needs: str = "") -> Fields:
    """Return the fields of a host's answer.

    `needs` is the grant that the request needs, such as `network:example.com:443`.

    Raises:
        CapabilityError: the host refused for want of a grant.
        HostError: the host failed in any other way, or answered nothing.
        WireFormatError: the answer is not a JSON object of this record.
    """
    if not data:
        raise HostError(_no_answer(record))
    fields = read_record(data, record)
    if "error" in fields:
        raise _failure(fields, needs)
    return fields


def is_unreadable(data: bytes) -> bool:
    """Whether a host answered that it could not decode the request; then it did nothing (ABI section 5)."""
    if _UNREADABLE not in data:
        return False
    try:
        answer = decode_json(data, "a response")
    except WireFormatError:
        return False
    return isinstance(answer, dict) and answer.get("error") == "VALIDATION_ERROR"


def _no_answer(record: str) -> ErrorDetail:
    message = f"the host gave no answer where {record} was expected; its log may say why"
    return ErrorDetail("internal", message, "no_answer")


def _failure(fields: Fields, needs: str) -> RegletError:
    error = fields.get("error")
    if isinstance(error, str):
        return _bare_failure(error, fields, needs)
    return failure(read_detail(as_fields(error, f"{fields.record}.error")), needs)


def _bare_failure(kind: str, fields: Fields, needs: str) -> RegletError:
    message = fields.text("message")
    detail = ErrorDetail(type_of_code(kind), message or kind, kind)
    return failure(detail, needs)


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
    text = object_text(error=string_text(kind), message=string_text(message), code=str(_CODES[kind]))
    return to_bytes(text)
