"""DNSRequest and DNSResponse on the wire (ABI section 2)."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import MXRecord
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.errors import optional_detail_text
from reglet.infrastructure.wire.failures import read_response
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import (
    list_text,
    object_text,
    optional_number,
    optional_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.time import milliseconds, span

_UINT16 = range(2**16)


@frozen
class DNSRequest:
    """A look-up: `type` is A, AAAA, CNAME, MX, TXT or NS; `nameserver` empty means the host's own."""

    hostname: str
    type: str = "A"
    nameserver: str = ""
    timeout: timedelta | None = None


@frozen
class DNSAnswer:
    """What a look-up found: texts, or mail exchangers."""

    records: tuple[str, ...] = ()
    mx_records: tuple[MXRecord, ...] = ()


_NO_ANSWER = DNSAnswer()


def encode_dns_request(request: DNSRequest, call: CallContext = NO_CONTEXT) -> bytes:
    """Return a request as JSON; both dialects read it."""
    text = object_text(
        hostname=string_text(request.hostname),
        type=string_text(request.type),
        nameserver=optional_text(request.nameserver),
        context=context_text(call),
        timeout_ms=optional_number(milliseconds(request.timeout)),
    )
    return to_bytes(text)


def decode_dns_request(data: bytes) -> tuple[DNSRequest, CallContext]:
    """Return the request and context in JSON; a type that is left out is empty, and means A and AAAA.

    Raises:
        WireFormatError: the bytes are not such a request.
    """
    fields = read_record(data, "DNSRequest")
    request = DNSRequest(
        hostname=fields.text("hostname"),
        type=fields.text("type"),
        nameserver=fields.text("nameserver"),
        timeout=span(fields.integer("timeout_ms")),
    )
    return request, read_context(fields)


def encode_dns_response(
    answer: DNSAnswer = _NO_ANSWER, *, error: ErrorDetail | None = None, dialect: Dialect = Dialect.ABI
) -> bytes:
    """Return a response as JSON."""
    text = object_text(
        error=optional_detail_text(error, dialect),
        records=list_text(map(string_text, answer.records)) if answer.records else None,
        mx_records=list_text(map(_mx_text, answer.mx_records)) if answer.mx_records else None,
    )
    return to_bytes(text)


def _mx_text(record: MXRecord) -> str:
    return object_text(host=string_text(record.host), pref=str(record.pref))


def decode_dns_response(data: bytes, needs: str = "") -> DNSAnswer:
    """Return the answer in JSON.

    Raises:
        CapabilityError, HostError, WireFormatError: see `read_response`.
    """
    fields = read_response(data, "DNSResponse", needs)
    return DNSAnswer(fields.texts("records"), tuple(map(_mx_record, fields.records("mx_records"))))


def _mx_record(fields: Fields) -> MXRecord:
    return MXRecord(fields.text("host"), fields.integer("pref", _UINT16))
