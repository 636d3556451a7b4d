"""TCPRequest and TCPResponse on the wire (ABI sections 2 and 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import field, frozen

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import TLSFacts
from reglet.domain.time import format_time
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.errors import optional_detail_text
from reglet.infrastructure.wire.failures import read_response
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import (
    TRUE,
    flag_text,
    object_text,
    optional_number,
    optional_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.spelling import port_text, read_elapsed, read_option, read_port
from reglet.infrastructure.wire.time import milliseconds, span


@frozen
class TCPRequest:
    """A connection to make, with TLS or without; the host closes it at once."""

    host: str
    port: int
    timeout: timedelta | None = None
    tls: bool = False


@frozen
class TCPAnswer:
    """What a connection told."""

    connected: bool = False
    address: str = ""
    remote_addr: str = ""
    local_addr: str = ""
    tls: bool = False
    facts: TLSFacts = field(factory=TLSFacts)
    response_time: timedelta = timedelta()


_NO_ANSWER = TCPAnswer()


def encode_tcp_request(
    request: TCPRequest,
    call: CallContext = NO_CONTEXT,
    dialect: Dialect = Dialect.ABI,
    *,
    both: bool = False,
) -> bytes:
    """Return a request as JSON; `both` writes the other dialect's name of each option too."""
    hostlib = dialect is Dialect.HOSTLIB
    tls = flag_text(request.tls)
    text = object_text(
        host=string_text(request.host),
        port=port_text(request.port, dialect),
        context=context_text(call),
        timeout_ms=optional_number(milliseconds(request.timeout)),
        tls=tls if both or not hostlib else None,
        use_tls=tls if both or hostlib else None,
    )
    return to_bytes(text)


def decode_tcp_request(data: bytes, dialect: Dialect | None = None) -> tuple[TCPRequest, CallContext]:
    """Return the request and context in JSON; with a dialect, only what that one reads.

    Raises:
        WireFormatError: the bytes are not such a request.
    """
    fields = read_record(data, "TCPRequest")
    request = TCPRequest(
        host=fields.text("host"),
        port=read_port(fields, dialect),
        timeout=span(fields.integer("timeout_ms")),
        tls=read_option(fields, "tls", dialect),
    )
    return request, read_context(fields)


def encode_tcp_response(
    answer: TCPAnswer = _NO_ANSWER, *, error: ErrorDetail | None = None, dialect: Dialect = Dialect.ABI
) -> bytes:
    """Return a response as JSON."""
    facts = answer.facts
    took = milliseconds(answer.response_time)
    hostlib = dialect is Dialect.HOSTLIB
    text = object_text(
        tls_cert_not_after=None if hostlib else _optional_time(facts.cert_not_after),
        tls_cert_expiry=_optional_time(facts.cert_not_after) if hostlib else None,
        error=optional_detail_text(error, dialect),
        tls_version=optional_text(facts.version),
        local_addr=optional_text(answer.local_addr),
        tls_cipher_suite=optional_text(facts.cipher_suite),
        tls_server_name=optional_text(facts.server_name),
        tls_cert_subject=optional_text(facts.cert_subject),
        tls_cert_issuer=optional_text(facts.cert_issuer),
        remote_addr=optional_text(answer.remote_addr),
        address=optional_text(answer.address),
        response_time_ms=None if hostlib else optional_number(took),
        latency_ms=optional_number(took) if hostlib else None,
        tls=TRUE if answer.tls and not hostlib else None,
        connected=flag_text(answer.connected),
    )
    return to_bytes(text)


def _optional_time(moment: datetime | None) -> str | None:
    return None if moment is None else f'"{format_time(moment)}"'


def decode_tcp_response(data: bytes, needs: str = "") -> TCPAnswer:
    """Return the answer in JSON. Where the host does not say whether TLS was made, its facts do.

    Raises:
        CapabilityError, HostError, WireFormatError: see `read_response`.
    """
    fields = read_response(data, "TCPResponse", needs)
    facts = TLSFacts(
        version=fields.text("tls_version"),
        cipher_suite=fields.text("tls_cipher_suite"),
        server_name=fields.text("tls_server_name"),
        cert_subject=fields.text("tls_cert_subject"),
        cert_issuer=fields.text("tls_cert_issuer"),
        cert_not_after=fields.time("tls_cert_not_after") or _expiry(fields),
    )
    return TCPAnswer(
        connected=fields.flag("connected"),
        address=fields.text("address"),
        remote_addr=fields.text("remote_addr"),
        local_addr=fields.text("local_addr"),
        tls=fields.flag("tls") or bool(facts.version),
        facts=facts,
        response_time=read_elapsed(fields),
    )


def _expiry(fields: Fields) -> datetime | None:
    """Return hostlib's expiry, which is an empty text where there is none."""
    return fields.time("tls_cert_expiry") if fields.text("tls_cert_expiry") else None
