"""Every record is read back as it was written, in either dialect."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.records import LogAttribute, LogMessage
from reglet.domain.entities.result import Result, RunMetadata
from reglet.domain.errors import RegletError
from reglet.domain.time import EPOCH, ZERO_TIME, Timestamp, format_time, parse_time
from reglet.infrastructure.wire import host_functions as wire
from reglet.infrastructure.wire.exports import GRANTS, MANIFEST, RESULT, encode_check, run_text
from reglet.infrastructure.wire.go_json import encode_json
from reglet.infrastructure.wire.record import Dialect
from tests.wire import strategies as records

FEW = settings(max_examples=40, deadline=None)
"""Enough for records this small; the machine may be busy."""

dialects = st.sampled_from(Dialect)


@FEW
@given(records.http_requests, records.calls)
def test_http_request(request: wire.HTTPRequest, call: Any) -> None:
    """Request and context, in dialect abi."""
    data = wire.HTTP_REQUEST.encode(request, call)
    assert wire.HTTP_REQUEST.decode_call(data) == (request, call)
    assert wire.HTTP_REQUEST.decode_call(data, Dialect.ABI) == (request, call)


@FEW
@given(records.http_requests)
def test_http_request_in_hostlib(request: wire.HTTPRequest) -> None:
    """A header's values are one text there."""
    joined = {name: (", ".join(values),) for name, values in request.headers.items()}
    data = wire.HTTP_REQUEST.encode(request, dialect=Dialect.HOSTLIB)
    assert wire.HTTP_REQUEST.decode_call(data, Dialect.HOSTLIB)[0] == evolve(request, headers=joined)


@FEW
@given(records.http_responses, st.lists(records.names, max_size=2).map(tuple))
def test_http_response(response: wire.HTTPResponse, applied: tuple[str, ...]) -> None:
    """The response and the options that were applied."""
    data = wire.HTTP_RESPONSE.encode(response, applied=applied)
    assert wire.HTTP_RESPONSE.decode(data) == (response, frozenset(applied))


@FEW
@given(records.results, st.integers(-5, 2**53), st.integers(0, 10**13), st.text(max_size=9))
def test_the_result_of_a_check_is_written_as_any_other(
    result: Result, start: int, duration: int, name: str
) -> None:
    """In one expression, with the same bytes: start and end to the microsecond, and the plugin's name."""
    started, ended = (EPOCH + timedelta(microseconds=time) for time in (start, start + duration))
    plain = evolve(result, metadata=None, timestamp=ZERO_TIME)
    run = RunMetadata.between(started, ended, sdk_version="1.2.3", plugin_id=name)

    written = encode_check(plain, start, start + duration, run_text("1.2.3", name))

    assert written == RESULT.encode(evolve(plain, metadata=run, timestamp=ended))


@FEW
@given(records.dns_requests, records.calls)
def test_dns_request(request: wire.DNSRequest, call: Any) -> None:
    """Both dialects have one form."""
    assert wire.DNS_REQUEST.decode_call(wire.DNS_REQUEST.encode(request, call)) == (request, call)


@FEW
@given(records.dns_responses, dialects)
def test_dns_response(answer: wire.DNSResponse, dialect: Dialect) -> None:
    """Texts and mail exchangers."""
    assert wire.DNS_RESPONSE.decode(wire.DNS_RESPONSE.encode(answer, dialect=dialect)) == answer


@FEW
@given(records.tcp_requests, records.calls, dialects, st.booleans())
def test_tcp_request(request: wire.TCPRequest, call: Any, dialect: Dialect, both: bool) -> None:
    """With and without the other dialect's names, read strictly and leniently."""
    data = wire.TCP_REQUEST.encode(request, call, dialect, both=both)
    assert wire.TCP_REQUEST.decode_call(data, dialect) == (request, call)
    assert wire.TCP_REQUEST.decode_call(data) == (request, call)


@FEW
@given(records.tcp_responses, dialects)
def test_tcp_response(answer: wire.TCPResponse, dialect: Dialect) -> None:
    """All facts of TLS, to the nanosecond."""
    assert wire.TCP_RESPONSE.decode(wire.TCP_RESPONSE.encode(answer, dialect=dialect)) == answer


@FEW
@given(records.smtp_requests, records.calls, dialects, st.booleans())
def test_smtp_request(request: wire.SMTPRequest, call: Any, dialect: Dialect, both: bool) -> None:
    """With and without the other dialect's names, read strictly and leniently."""
    data = wire.SMTP_REQUEST.encode(request, call, dialect, both=both)
    assert wire.SMTP_REQUEST.decode_call(data, dialect) == (request, call)
    assert wire.SMTP_REQUEST.decode_call(data) == (request, call)


@FEW
@given(records.smtp_results)
def test_smtp_response(answer: wire.SMTPConnectResult) -> None:
    """Banner and TLS."""
    assert wire.SMTP_RESPONSE.decode(wire.SMTP_RESPONSE.encode(answer)) == answer


@FEW
@given(st.lists(records.names, max_size=3).map(tuple), st.booleans())
def test_smtp_extensions(extensions: tuple[str, ...], auth: bool) -> None:
    """What a host tells of extensions, and whether AUTH is among them."""
    told = (*extensions, "AUTH PLAIN") if auth else extensions
    answer = wire.SMTPConnectResult(extensions=told, supports_auth=auth)
    assert wire.SMTP_RESPONSE.decode(wire.SMTP_RESPONSE.encode(answer)) == answer


@FEW
@given(records.command_requests, records.calls)
def test_command_request(request: wire.CommandRequest, call: Any) -> None:
    """Both dialects have one form."""
    data = wire.EXEC_REQUEST.encode(request, call)
    assert wire.EXEC_REQUEST.decode_call(data) == (request, call)


@FEW
@given(records.command_results, dialects)
def test_command_response(answer: wire.CommandResult, dialect: Dialect) -> None:
    """That output was cut is kept."""
    data = wire.EXEC_RESPONSE.encode(answer, dialect=dialect)
    assert wire.EXEC_RESPONSE.decode(data) == answer


def test_a_log_message_has_the_order_of_the_go_sdk() -> None:
    """Its facts stand before its level."""
    message = LogMessage("INFO", "m", [LogAttribute("k", "string", "v")], EPOCH)
    assert wire.encode_log_message(message).decode() == (
        '{"timestamp":"1970-01-01T00:00:00Z","attrs":[{"key":"k","type":"string","value":"v"}],'
        '"level":"INFO","message":"m","context":{}}'
    )


@FEW
@given(records.log_messages)
def test_log_message(message: wire.LogMessage) -> None:
    """A message carries its request id in its context."""
    assert wire.decode_log_message(wire.encode_log_message(message))[0] == message


@FEW
@given(records.grants)
def test_grants(grant_set: GrantSet) -> None:
    """All five kinds, empty ones too."""
    assert GRANTS.decode(GRANTS.encode(grant_set)) == grant_set


@FEW
@given(records.manifests)
def test_manifest(written: Manifest) -> None:
    """Services, operations, examples, schemas and capabilities."""
    assert MANIFEST.decode(MANIFEST.encode(written)) == written


@FEW
@given(records.results)
def test_result(written: Result) -> None:
    """Data, error, metadata and the time."""
    assert RESULT.decode(RESULT.encode(written)) == written


@FEW
@given(records.moments)
def test_time(moment: Timestamp) -> None:
    """Nanoseconds and zone survive."""
    read = parse_time(format_time(moment))
    assert (read, getattr(read, "nanosecond", 0), read.utcoffset()) == (
        moment,
        moment.nanosecond,
        moment.utcoffset(),
    )


@FEW
@given(records.json_values)
def test_json_values(value: Any) -> None:
    """What is written is the same value to any reader of JSON, and holds nothing that Go would escape."""
    data = encode_json(value)
    assert json.loads(data) == value
    assert not set(b"<>&") & set(data)


@pytest.mark.parametrize(
    "decode",
    [
        wire.HTTP_REQUEST.decode_call,
        wire.HTTP_RESPONSE.decode,
        wire.DNS_REQUEST.decode_call,
        wire.DNS_RESPONSE.decode,
        wire.TCP_REQUEST.decode_call,
        wire.TCP_RESPONSE.decode,
        wire.SMTP_REQUEST.decode_call,
        wire.SMTP_RESPONSE.decode,
        wire.EXEC_REQUEST.decode_call,
        wire.EXEC_RESPONSE.decode,
        wire.decode_log_message,
        GRANTS.decode,
        MANIFEST.decode,
        RESULT.decode,
    ],
)
@FEW
@given(data=st.binary() | st.dictionaries(records.names, records.json_values).map(encode_json))
def test_garbage_is_one_of_our_errors(decode: Any, data: bytes) -> None:
    """Whatever the bytes, nothing but the SDK's own errors is raised."""
    with contextlib.suppress(RegletError):
        decode(data)


_FIELDS = (
    *("headers", "error", "body", "proto", "status_code", "applied", "records", "mx_records", "connected"),
    *("tls_cert_not_after", "response_time_ms", "stdout", "duration_ms", "is_timeout", "context", "port"),
    *("rules", "vars", "network", "fs", "kv", "services", "capabilities", "status", "metadata", "timestamp"),
)


_DECODERS: tuple[Callable[[bytes], object], ...] = (
    wire.HTTP_RESPONSE.decode,
    wire.TCP_RESPONSE.decode,
    wire.EXEC_RESPONSE.decode,
    MANIFEST.decode,
    RESULT.decode,
    GRANTS.decode,
)


@FEW
@given(st.dictionaries(st.sampled_from(_FIELDS), records.json_values))
def test_fields_of_the_wrong_kind_are_one_of_our_errors(value: dict[str, Any]) -> None:
    """Known names with any values."""
    data = encode_json(value)
    for decode in _DECODERS:
        with contextlib.suppress(RegletError):
            decode(data)
