"""SMTPRequest and SMTPResponse on the wire (ABI sections 2 and 5)."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import SMTPConnectResult
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.errors import optional_detail_text
from reglet.infrastructure.wire.failures import read_response
from reglet.infrastructure.wire.fields import read_record
from reglet.infrastructure.wire.go_json import (
    TRUE,
    flag_text,
    list_text,
    object_text,
    optional_number,
    optional_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.spelling import port_text, read_elapsed, read_option, read_port
from reglet.infrastructure.wire.time import milliseconds, span

_AUTH = "AUTH"


@frozen
class SMTPRequest:
    """A mail server to greet, with TLS from the start, with STARTTLS, or with neither."""

    host: str
    port: int
    timeout: timedelta | None = None
    tls: bool = False
    starttls: bool = False


_NO_RESULT = SMTPConnectResult(connected=False)


def encode_smtp_request(
    request: SMTPRequest,
    call: CallContext = NO_CONTEXT,
    dialect: Dialect = Dialect.ABI,
    *,
    both: bool = False,
) -> bytes:
    """Return a request as JSON; `both` writes the other dialect's name of each option too."""
    hostlib = dialect is Dialect.HOSTLIB
    tls, starttls = flag_text(request.tls), flag_text(request.starttls)
    text = object_text(
        host=string_text(request.host),
        port=port_text(request.port, dialect),
        context=context_text(call),
        timeout_ms=optional_number(milliseconds(request.timeout)),
        tls=tls if both or not hostlib else None,
        starttls=starttls if both or not hostlib else None,
        use_tls=tls if both or hostlib else None,
        use_starttls=starttls if both or hostlib else None,
    )
    return to_bytes(text)


def decode_smtp_request(data: bytes, dialect: Dialect | None = None) -> tuple[SMTPRequest, CallContext]:
    """Return the request and context in JSON; with a dialect, only what that one reads.

    Raises:
        WireFormatError: the bytes are not such a request.
    """
    fields = read_record(data, "SMTPRequest")
    request = SMTPRequest(
        host=fields.text("host"),
        port=read_port(fields, dialect),
        timeout=span(fields.integer("timeout_ms")),
        tls=read_option(fields, "tls", dialect),
        starttls=read_option(fields, "starttls", dialect),
    )
    return request, read_context(fields)


def encode_smtp_response(
    result: SMTPConnectResult = _NO_RESULT,
    *,
    error: ErrorDetail | None = None,
    dialect: Dialect = Dialect.ABI,
) -> bytes:
    """Return a response as JSON; the extensions are written where they are known."""
    hostlib = dialect is Dialect.HOSTLIB
    took = milliseconds(result.response_time)
    tells_extensions = bool(result.extensions) or result.supports_auth is not None
    text = object_text(
        error=optional_detail_text(error, dialect),
        address=optional_text(result.address),
        banner=optional_text(result.banner),
        tls_version=optional_text(result.tls_version),
        tls_cipher_suite=optional_text(result.tls_cipher_suite),
        tls_server_name=optional_text(result.tls_server_name),
        response_time_ms=None if hostlib else optional_number(took),
        latency_ms=optional_number(took) if hostlib else None,
        connected=flag_text(result.connected),
        tls=TRUE if result.tls_enabled and not hostlib else None,
        extensions=list_text(map(string_text, result.extensions)) if tells_extensions else None,
    )
    return to_bytes(text)


def decode_smtp_response(data: bytes, needs: str = "") -> SMTPConnectResult:
    """Return the result in JSON. Where the host does not say whether TLS was made, its version does.

    Raises:
        CapabilityError, HostError, WireFormatError: see `read_response`.
    """
    fields = read_response(data, "SMTPResponse", needs)
    extensions = fields.texts("extensions")
    return SMTPConnectResult(
        connected=fields.flag("connected"),
        banner=fields.text("banner"),
        extensions=extensions,
        supports_auth=any(map(_is_auth, extensions)) if "extensions" in fields else None,
        tls_enabled=fields.flag("tls") or bool(fields.text("tls_version")),
        tls_version=fields.text("tls_version"),
        tls_cipher_suite=fields.text("tls_cipher_suite"),
        tls_server_name=fields.text("tls_server_name"),
        response_time=read_elapsed(fields),
        address=fields.text("address"),
    )


def _is_auth(extension: str) -> bool:
    return extension.upper().replace("=", " ").split(" ", 1)[0] == _AUTH
