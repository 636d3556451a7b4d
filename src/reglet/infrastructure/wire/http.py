"""HTTPRequest and HTTPResponse on the wire (ABI sections 2 and 5, options of the API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.errors import optional_detail_text
from reglet.infrastructure.wire.failures import read_response
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import (
    TRUE,
    base64_text,
    flag_text,
    list_text,
    object_text,
    optional_number,
    optional_text,
    sorted_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.time import milliseconds, span

DEFAULT_MAX_REDIRECTS = 10
"""What every host follows unless told otherwise."""

FOLLOW_REDIRECTS, MAX_REDIRECTS = "follow_redirects", "max_redirects"
INSECURE_SKIP_VERIFY = "insecure_skip_verify"

_NO_RESPONSE = HTTPResponse(0)


def encode_http_request(
    request: HTTPRequest, call: CallContext = NO_CONTEXT, dialect: Dialect = Dialect.ABI
) -> bytes:
    """Return a request as JSON. Options that a request leaves at their defaults are not written."""
    text = object_text(
        headers=_headers_text(request.headers, dialect) if request.headers else None,
        method=string_text(request.method),
        url=string_text(request.url),
        body=base64_text(request.body) if request.body else None,
        context=context_text(call),
        timeout_ms=optional_number(milliseconds(request.timeout)),
        follow_redirects=None if request.follow_redirects else flag_text(False),
        max_redirects=(
            None if request.max_redirects == DEFAULT_MAX_REDIRECTS else str(request.max_redirects)
        ),
        insecure_skip_verify=TRUE if request.insecure_skip_verify else None,
    )
    return to_bytes(text)


def _headers_text(headers: Mapping[str, tuple[str, ...]], dialect: Dialect) -> str:
    if dialect is Dialect.ABI:
        return sorted_text(headers)
    return sorted_text({name: ", ".join(values) for name, values in headers.items()})


def decode_http_request(data: bytes, dialect: Dialect | None = None) -> tuple[HTTPRequest, CallContext]:
    """Return the request and context in JSON; with a dialect, what the other one spells is refused.

    Raises:
        WireFormatError: the bytes are not such a request.
    """
    fields = read_record(data, "HTTPRequest")
    request = HTTPRequest(
        method=fields.text("method"),
        url=fields.text("url"),
        headers=_read_headers(fields, dialect),
        body=fields.blob("body"),
        timeout=span(fields.integer("timeout_ms")),
        follow_redirects=fields.flag(FOLLOW_REDIRECTS) if FOLLOW_REDIRECTS in fields else True,
        max_redirects=fields.integer(MAX_REDIRECTS) if MAX_REDIRECTS in fields else DEFAULT_MAX_REDIRECTS,
        insecure_skip_verify=fields.flag(INSECURE_SKIP_VERIFY),
    )
    return request, read_context(fields)


def _read_headers(fields: Fields, dialect: Dialect | None = None) -> dict[str, tuple[str, ...]]:
    return {name: _header_values(value, fields, dialect) for name, value in fields.entries("headers").items()}


def _header_values(value: object, fields: Fields, dialect: Dialect | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) and dialect is not Dialect.ABI:
        return (value,)
    if isinstance(value, list) and dialect is not Dialect.HOSTLIB:
        texts = tuple("" if item is None else item for item in value)
        if all(isinstance(item, str) for item in texts):
            return texts
    raise fields.wrong("headers", "texts by name" if dialect is Dialect.HOSTLIB else "lists of texts by name")


def encode_http_response(
    response: HTTPResponse = _NO_RESPONSE,
    *,
    error: ErrorDetail | None = None,
    dialect: Dialect = Dialect.ABI,
    applied: tuple[str, ...] = (),
    latency: timedelta | None = None,
) -> bytes:
    """Return a response as JSON. `applied` names the options that the host honoured."""
    hostlib = dialect is Dialect.HOSTLIB
    text = object_text(
        headers=sorted_text(response.headers) if response.headers else None,
        error=optional_detail_text(error, dialect),
        body=base64_text(response.body) if response.body else None,
        proto=optional_text(response.proto),
        status_code=str(response.status_code),
        latency_ms=str(milliseconds(latency)) if hostlib and latency is not None else None,
        body_truncated=TRUE if response.truncated else None,
        applied=list_text(map(string_text, applied)) if applied else None,
    )
    return to_bytes(text)


def decode_http_response(data: bytes, needs: str = "") -> tuple[HTTPResponse, frozenset[str]]:
    """Return the response in JSON, and the names of the options that the host honoured.

    A host that tells the latency speaks hostlib, which honours both options on redirects without saying so.

    Raises:
        CapabilityError, HostError, WireFormatError: see `read_response`.
    """
    fields = read_response(data, "HTTPResponse", needs)
    response = HTTPResponse(
        status_code=fields.integer("status_code"),
        headers=_read_headers(fields),
        body=fields.blob("body"),
        proto=fields.text("proto"),
        truncated=fields.flag("body_truncated"),
    )
    implied = (FOLLOW_REDIRECTS, MAX_REDIRECTS) if "latency_ms" in fields else ()
    return response, frozenset((*fields.texts("applied"), *implied))
