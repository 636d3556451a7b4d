"""ErrorDetail on the wire, in the two forms that responses carry (ABI sections 2 and 5)."""

from __future__ import annotations

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.fields import Fields, as_fields
from reglet.infrastructure.wire.go_json import (
    TRUE,
    base64_text,
    object_text,
    sorted_text,
    string_text,
)

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


def detail_text(detail: ErrorDetail, dialect: Dialect = Dialect.ABI) -> str:
    """Return an error as JSON; hostlib knows only its code and message."""
    if dialect is Dialect.HOSTLIB:
        return object_text(code=string_text(detail.code), message=string_text(detail.message))
    return object_text(
        wrapped=None if detail.wrapped is None else detail_text(detail.wrapped),
        details=sorted_text(detail.details) if detail.details else None,
        message=string_text(detail.message),
        type=string_text(detail.type),
        code=string_text(detail.code),
        stack=base64_text(detail.stack) if detail.stack else None,
        is_timeout=TRUE if detail.is_timeout else None,
        is_not_found=TRUE if detail.is_not_found else None,
    )


def optional_detail_text(detail: ErrorDetail | None, dialect: Dialect = Dialect.ABI) -> str | None:
    """Return an error as JSON, None where there is none."""
    return None if detail is None else detail_text(detail, dialect)


def read_detail(fields: Fields) -> ErrorDetail:
    """Return the error that these fields are. A code may be a number; its type is not guessed."""
    wrapped = fields.inner("wrapped")
    code = fields.get("code")
    return ErrorDetail(
        type=fields.text("type"),
        message=fields.text("message"),
        code=str(code) if type(code) is int else fields.text("code"),
        is_timeout=fields.flag("is_timeout"),
        is_not_found=fields.flag("is_not_found"),
        wrapped=None if wrapped is None else read_detail(wrapped),
        details=fields.entries("details"),
        stack=fields.blob("stack"),
    )


def read_optional_detail(fields: Fields, name: str = "error") -> ErrorDetail | None:
    """Return the error in a field, None where there is none."""
    value = fields.get(name)
    return None if value is None else read_detail(as_fields(value, f"{fields.record}.{name}"))


def type_of_code(code: str) -> str:
    """Return the error type that a host's code implies; `internal` where it implies none."""
    return _TYPES.get(code, "internal")
