"""Encoding and decoding of each record against bare `json`, which checks nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import reglet
from bench.harness import Row, seconds_per_call
from reglet.domain.entities.records import (
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    LogAttribute,
    LogMessage,
    SMTPConnectResult,
    TLSFacts,
)
from reglet.domain.entities.result import RunMetadata, result_success
from reglet.infrastructure.wire import command, dns, grants, http, log, manifest, result, smtp, tcp
from reglet.infrastructure.wire.context import CallContext

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_CALL = CallContext(_NOW, "r-1", 5000)
_FACTS = TLSFacts("TLS 1.3", "TLS_AES_128_GCM_SHA256", "example.com", "CN=example.com", "CN=issuer", _NOW)
_DATA = {"status_code": 200, "url": "https://example.com", "body": "x" * 200, "response_time_ms": 12}
_GRANTS = reglet.GrantSet(
    network=reglet.NetworkCapability([reglet.NetworkRule(["example.com", "*.test"], ["80", "443"])])
)
_MANIFEST = reglet.Manifest("http", "1.0.0", "d", "0.1.0", "", {"type": "object", "properties": {}}, _GRANTS)

_REQUESTS: dict[str, tuple[Any, Any, Any]] = {
    "HTTPRequest": (
        HTTPRequest("POST", "https://e.com", {"A": ("1",)}, b"hello"),
        http.encode_http_request,
        http.decode_http_request,
    ),
    "DNSRequest": (dns.DNSRequest("example.com", "MX"), dns.encode_dns_request, dns.decode_dns_request),
    "TCPRequest": (tcp.TCPRequest("h", 443, tls=True), tcp.encode_tcp_request, tcp.decode_tcp_request),
    "SMTPRequest": (
        smtp.SMTPRequest("h", 587, starttls=True),
        smtp.encode_smtp_request,
        smtp.decode_smtp_request,
    ),
    "ExecRequest": (
        CommandRequest("/bin/ls", ["-l"], "/srv", {"A": "b"}),
        command.encode_command_request,
        command.decode_command_request,
    ),
    "LogMessage": (
        LogMessage("INFO", "hello", [LogAttribute("n", "int64", "5")], _NOW),
        log.encode_log_message,
        log.decode_log_message,
    ),
}
"""Records that carry the context of a call."""

_VALUES: dict[str, tuple[Any, Any, Any]] = {
    "HTTPResponse": (
        HTTPResponse(200, {"A": ("1", "2")}, b"x" * 1000, "HTTP/1.1"),
        http.encode_http_response,
        http.decode_http_response,
    ),
    "DNSResponse": (
        dns.DNSAnswer(("10.0.0.1", "::1")),
        dns.encode_dns_response,
        dns.decode_dns_response,
    ),
    "TCPResponse": (
        tcp.TCPAnswer(connected=True, remote_addr="1.1.1.1:443", tls=True, facts=_FACTS),
        tcp.encode_tcp_response,
        tcp.decode_tcp_response,
    ),
    "SMTPResponse": (
        SMTPConnectResult(banner="220 h"),
        smtp.encode_smtp_response,
        smtp.decode_smtp_response,
    ),
    "ExecResponse": (
        CommandResult("x" * 200, "", 3),
        command.encode_command_response,
        command.decode_command_response,
    ),
    "GrantSet": (_GRANTS, grants.encode_grants, grants.decode_grants),
    "Manifest": (_MANIFEST, manifest.encode_manifest, manifest.decode_manifest),
    "Result": (
        result_success("ok", _DATA).with_metadata(RunMetadata.between(_NOW, _NOW)),
        result.encode_result,
        result.decode_result,
    ),
}


def rows() -> Iterator[Row]:
    """Yield two rows a record: written, and read."""
    for name, (record, encode, decode) in _REQUESTS.items():
        yield from _pair(name, partial(encode, record, _CALL), decode)
    for name, (record, encode, decode) in _VALUES.items():
        yield from _pair(name, partial(encode, record), decode)


def _pair(name: str, encode: Callable[[], bytes], decode: Callable[[bytes], object]) -> Iterator[Row]:
    data = encode()
    value = json.loads(data)
    yield _row(f"encode {name}", encode, partial(_dump, value))
    yield _row(f"decode {name}", partial(decode, data), partial(json.loads, data))


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _row(name: str, ours: Callable[[], object], peer: Callable[[], object]) -> Row:
    return Row(name, seconds_per_call(ours, 1000), "bare json", seconds_per_call(peer, 1000))
