"""Records of the wire, against bare `json`.

Each record of the ABI is written and read as between a plugin and its host. The peer makes or takes the
same JSON, and neither checks it nor makes objects, timestamps, or bytes of base64 of it.
"""

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
)
from reglet.domain.entities.result import RunMetadata, result_success
from reglet.infrastructure.wire import host_functions as wire
from reglet.infrastructure.wire.exports import GRANTS, MANIFEST, RESULT
from reglet.infrastructure.wire.messages import CallContext
from reglet.infrastructure.wire.record import Record

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_CALL = CallContext(_NOW, "r-1", 5000)
_CONNECTED = wire.TCPResponse(
    connected=True,
    remote_addr="1.1.1.1:443",
    tls=True,
    tls_version="TLS 1.3",
    tls_cipher_suite="TLS_AES_128_GCM_SHA256",
    tls_server_name="example.com",
    tls_cert_subject="CN=example.com",
    tls_cert_issuer="CN=issuer",
    tls_cert_not_after=_NOW,
)
_DATA = {"status_code": 200, "url": "https://example.com", "body": "x" * 200, "response_time_ms": 12}
_GRANTS = reglet.GrantSet(
    network=reglet.NetworkCapability([reglet.NetworkRule(["example.com", "*.test"], ["80", "443"])])
)
_MANIFEST = reglet.Manifest("http", "1.0.0", "d", "0.1.0", "", {"type": "object", "properties": {}}, _GRANTS)

_REQUESTS: dict[str, tuple[Any, Any, Any]] = {
    **{
        request.name: (value, request.encode, request.decode_call)
        for request, value in (
            (wire.HTTP_REQUEST, HTTPRequest("POST", "https://e.com", {"A": ("1",)}, b"hello")),
            (wire.DNS_REQUEST, wire.DNSRequest("example.com", "MX")),
            (wire.TCP_REQUEST, wire.TCPRequest("h", 443, tls=True)),
            (wire.SMTP_REQUEST, wire.SMTPRequest("h", 587, starttls=True)),
            (wire.EXEC_REQUEST, CommandRequest("/bin/ls", ["-l"], "/srv", {"A": "b"})),
        )
    },
    "LogMessage": (
        LogMessage("INFO", "hello", [LogAttribute("n", "int64", "5")], _NOW),
        wire.encode_log_message,
        wire.decode_log_message,
    ),
}
"""Records that carry the context of a call."""

_VALUES: tuple[tuple[Record[Any], Any], ...] = (
    (wire.HTTP_RESPONSE, HTTPResponse(200, {"A": ("1", "2")}, b"x" * 1000, "HTTP/1.1")),
    (wire.DNS_RESPONSE, wire.DNSResponse(("10.0.0.1", "::1"))),
    (wire.TCP_RESPONSE, _CONNECTED),
    (wire.SMTP_RESPONSE, SMTPConnectResult(banner="220 h")),
    (wire.EXEC_RESPONSE, CommandResult("x" * 200, "", 3)),
    (GRANTS, _GRANTS),
    (MANIFEST, _MANIFEST),
    (RESULT, result_success("ok", _DATA).with_metadata(RunMetadata.between(_NOW, _NOW))),
)


def rows() -> Iterator[Row]:
    """Yield two rows a record: written, and read."""
    for name, (value, encode, decode) in _REQUESTS.items():
        yield from _pair(name, partial(encode, value, _CALL), decode)
    for record, value in _VALUES:
        yield from _pair(record.name, partial(record.encode, value), record.decode)


def _pair(name: str, encode: Callable[[], bytes], decode: Callable[[bytes], object]) -> Iterator[Row]:
    data = encode()
    value = json.loads(data)
    yield _row(f"encode {name}", encode, "json.dumps", partial(_dump, value))
    yield _row(f"decode {name}", partial(decode, data), "json.loads", partial(json.loads, data), goal=3)


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _row(
    name: str,
    ours: Callable[[], object],
    peer_name: str,
    peer: Callable[[], object],
    goal: float | None = None,
) -> Row:
    return Row(name, seconds_per_call(ours, 1000), peer_name, seconds_per_call(peer, 1000), goal)
