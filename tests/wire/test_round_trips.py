"""Every record is read back as it was written, in either dialect."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.domain.errors import RegletError
from reglet.domain.time import Timestamp, format_time
from reglet.infrastructure.wire import command, dns, grants, http, log, manifest, result, smtp, tcp
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.go_json import encode_json
from reglet.infrastructure.wire.time import parse_time
from tests.wire import strategies as records

FEW = settings(max_examples=40, deadline=None)
"""Enough for records this small; the machine may be busy."""

dialects = st.sampled_from(Dialect)


@FEW
@given(records.http_requests, records.calls)
def test_http_request(request: http.HTTPRequest, call: Any) -> None:
    """Request and context, in dialect abi."""
    data = http.encode_http_request(request, call)
    assert http.decode_http_request(data) == (request, call)
    assert http.decode_http_request(data, Dialect.ABI) == (request, call)


@FEW
@given(records.http_requests)
def test_http_request_in_hostlib(request: http.HTTPRequest) -> None:
    """A header's values are one text there."""
    joined = {name: (", ".join(values),) for name, values in request.headers.items()}
    data = http.encode_http_request(request, dialect=Dialect.HOSTLIB)
    assert http.decode_http_request(data, Dialect.HOSTLIB)[0] == evolve(request, headers=joined)


@FEW
@given(records.http_responses, st.lists(records.names, max_size=2).map(tuple))
def test_http_response(response: http.HTTPResponse, applied: tuple[str, ...]) -> None:
    """The response and the options that were applied."""
    data = http.encode_http_response(response, applied=applied)
    assert http.decode_http_response(data) == (response, frozenset(applied))


@FEW
@given(records.dns_requests, records.calls)
def test_dns_request(request: dns.DNSRequest, call: Any) -> None:
    """Both dialects have one form."""
    assert dns.decode_dns_request(dns.encode_dns_request(request, call)) == (request, call)


@FEW
@given(records.dns_answers, dialects)
def test_dns_response(answer: dns.DNSAnswer, dialect: Dialect) -> None:
    """Texts and mail exchangers."""
    assert dns.decode_dns_response(dns.encode_dns_response(answer, dialect=dialect)) == answer


@FEW
@given(records.tcp_requests, records.calls, dialects, st.booleans())
def test_tcp_request(request: tcp.TCPRequest, call: Any, dialect: Dialect, both: bool) -> None:
    """With and without the other dialect's names, read strictly and leniently."""
    data = tcp.encode_tcp_request(request, call, dialect, both=both)
    assert tcp.decode_tcp_request(data, dialect) == (request, call)
    assert tcp.decode_tcp_request(data) == (request, call)


@FEW
@given(records.tcp_answers, dialects)
def test_tcp_response(answer: tcp.TCPAnswer, dialect: Dialect) -> None:
    """All facts of TLS, to the nanosecond."""
    assert tcp.decode_tcp_response(tcp.encode_tcp_response(answer, dialect=dialect)) == answer


@FEW
@given(records.smtp_requests, records.calls, dialects, st.booleans())
def test_smtp_request(request: smtp.SMTPRequest, call: Any, dialect: Dialect, both: bool) -> None:
    """With and without the other dialect's names, read strictly and leniently."""
    data = smtp.encode_smtp_request(request, call, dialect, both=both)
    assert smtp.decode_smtp_request(data, dialect) == (request, call)
    assert smtp.decode_smtp_request(data) == (request, call)


@FEW
@given(records.smtp_results)
def test_smtp_response(answer: smtp.SMTPConnectResult) -> None:
    """Banner and TLS."""
    assert smtp.decode_smtp_response(smtp.encode_smtp_response(answer)) == answer


@FEW
@given(st.lists(records.names, max_size=3).map(tuple), st.booleans())
def test_smtp_extensions(extensions: tuple[str, ...], auth: bool) -> None:
    """What a host tells of extensions, and whether AUTH is among them."""
    told = (*extensions, "AUTH PLAIN") if auth else extensions
    answer = smtp.SMTPConnectResult(extensions=told, supports_auth=auth)
    assert smtp.decode_smtp_response(smtp.encode_smtp_response(answer)) == answer


@FEW
@given(records.command_requests, records.calls)
def test_command_request(request: command.CommandRequest, call: Any) -> None:
    """Both dialects have one form."""
    data = command.encode_command_request(request, call)
    assert command.decode_command_request(data) == (request, call)


@FEW
@given(records.command_results, dialects)
def test_command_response(answer: command.CommandResult, dialect: Dialect) -> None:
    """That output was cut is kept."""
    data = command.encode_command_response(answer, dialect=dialect)
    assert command.decode_command_response(data) == answer


@FEW
@given(records.log_messages)
def test_log_message(message: log.LogMessage) -> None:
    """A message carries its request id in its context."""
    assert log.decode_log_message(log.encode_log_message(message))[0] == message


@FEW
@given(records.grants)
def test_grants(grant_set: grants.GrantSet) -> None:
    """All five kinds, empty ones too."""
    assert grants.decode_grants(grants.encode_grants(grant_set)) == grant_set


@FEW
@given(records.manifests)
def test_manifest(written: manifest.Manifest) -> None:
    """Services, operations, examples, schemas and capabilities."""
    assert manifest.decode_manifest(manifest.encode_manifest(written)) == written


@FEW
@given(records.results)
def test_result(written: result.Result) -> None:
    """Data, error, metadata and the time."""
    assert result.decode_result(result.encode_result(written)) == written


@FEW
@given(records.moments)
def test_time(moment: Timestamp) -> None:
    """Nanoseconds and zone survive."""
    read = parse_time(format_time(moment))
    assert (read, read.nanosecond, read.utcoffset()) == (moment, moment.nanosecond, moment.utcoffset())


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
        http.decode_http_request,
        http.decode_http_response,
        dns.decode_dns_request,
        dns.decode_dns_response,
        tcp.decode_tcp_request,
        tcp.decode_tcp_response,
        smtp.decode_smtp_request,
        smtp.decode_smtp_response,
        command.decode_command_request,
        command.decode_command_response,
        log.decode_log_message,
        grants.decode_grants,
        manifest.decode_manifest,
        result.decode_result,
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
    http.decode_http_response,
    tcp.decode_tcp_response,
    command.decode_command_response,
    manifest.decode_manifest,
    result.decode_result,
    grants.decode_grants,
)


@FEW
@given(st.dictionaries(st.sampled_from(_FIELDS), records.json_values))
def test_fields_of_the_wrong_kind_are_one_of_our_errors(value: dict[str, Any]) -> None:
    """Known names with any values."""
    data = encode_json(value)
    for decode in _DECODERS:
        with contextlib.suppress(RegletError):
            decode(data)
