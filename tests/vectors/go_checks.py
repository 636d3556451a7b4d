"""What the Go SDK's four network checks answer over fakes."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
from typing import Any

from attrs import frozen

from reglet.domain.time import format_time
from tests.vectors import go_config, go_json
from tests.vectors import go_values as go

Given = dict[str, Any]
_METADATA = {"start_time": "<TIME>", "end_time": "<TIME>", "duration_ns": "<DURATION_NS>"}
_PORTS = range(1, 65536)


@frozen
class Answer:
    """What a check answers: its result as JSON, its error's text, and what the port was asked."""

    result: Given
    error: str | None = None
    calls: list[Any] | None = None


class GoPanicError(Exception):
    """The check panics: its client returned nil."""


@frozen
class _Config:
    given: Given

    def get(self, name: str, key: str, default: Any = None) -> Any:
        value = go_config.read(name, go_config.from_json(self.given[key]) if key in self.given else None)
        return default if value is None else value


def answer(kind: str, config: Given | None, fake: Given) -> Answer:
    """Return what a check of that kind answers.

    Raises:
        GoPanicError: it panics.
    """
    return _CHECKS[kind](_Config(config or {}), fake)


def _refused(name: str, key: str) -> Answer:
    return Answer(_failure("config", go_config.missing(name, key), f"MISSING_{key.upper()}"))


def _failure(kind: str, message: str, code: str, **more: Any) -> Given:
    error = {"message": message, "type": kind, "code": code}
    made = {"timestamp": "0001-01-01T00:00:00Z", **more, "error": error, "status": "error"}
    return made | ({"message": message} if message else {})


def _failed(message: str, code: str, calls: list[Any]) -> Answer:
    """Return the answer to a call that failed, which is an error too."""
    return Answer(
        _failure("network", message, code, metadata=_METADATA), f"network: {message} [{code}]", calls
    )


def _done(message: str, data: Given, status: str = "success") -> Given:
    made = {"timestamp": "0001-01-01T00:00:00Z", "data": data, "metadata": _METADATA, "status": status}
    return made | {"message": message}


def _http(config: _Config, fake: Given) -> Answer:
    url = config.get("String", "url")
    if url is None:
        return _refused("String", "url")
    body, given = config.get("String", "body", ""), config.given.get("headers")
    headers = (
        {name: each for name, each in given.items() if isinstance(each, str)}
        if isinstance(given, dict)
        else None
    )
    method = config.get("String", "method", "GET")
    call = {
        "Body": {"$bytes_b64": base64.b64encode(body.encode()).decode()} if body else None,
        "Headers": headers,
        "Method": method,
        "Timeout": config.get("Int", "timeout_ms", 30000),
        "URL": url,
    }
    if fake["error"] is not None:
        return _failed(fake["error"], "REQUEST_FAILED", [call])
    response = fake["response"]
    if response is None:
        raise GoPanicError
    status, content = response["StatusCode"], go.value(response["Body"]) or b""
    data = {"status_code": status, "response_time_ms": "<MS>", "protocol": response["Proto"]}
    if response["Headers"]:
        data["headers"] = response["Headers"]
    data |= _body(content, config.get("Int", "body_preview_length", 200)) if content else {}
    wanted, part = config.get("Int", "expected_status"), config.get("String", "expected_body_contains", "")
    if wanted is not None and wanted != status:
        said = f"HTTP status mismatch: expected {wanted}, got {status}"
        data |= {"expected_status": wanted, "actual_status": status}
        return Answer(_done(said, data, "failure"), None, [call])
    if part.encode() not in content:
        said = f"HTTP body mismatch: expected to contain '{part}'"
        return Answer(_done(said, data | {"expected_body_contains": part}, "failure"), None, [call])
    return Answer(_done(f"HTTP {method} request successful: {status}", data), None, [call])


def _body(content: bytes, most: int) -> Given:
    shown = content[:most] if 0 <= most < len(content) else content
    text = json_text(shown)
    size = len(content)
    digest = hashlib.sha256(content).hexdigest()
    cut = {"body": text, "body_truncated": len(shown) < size}
    return {"body_sha256": digest, "body_size": size, "body_length": size, **cut}


def json_text(content: bytes) -> str:
    """Return bytes as a text of JSON: each that is not UTF-8 is U+FFFD."""
    encoded = {"$string_bytes_b64": base64.b64encode(content).decode()}
    return str(json.loads(go_json.written("string", encoded)))


def _dns(config: _Config, fake: Given) -> Answer:
    host = config.get("String", "hostname")
    if host is None:
        return _refused("String", "hostname")
    kind = config.get("String", "record_type", "A")
    method, field = _LOOKUPS.get(kind, ("", ""))
    error = f"unsupported record type: {kind}" if not method else fake["error"]
    calls = [f"{method} {host}"] if method else None
    found = fake[field] if method and (error is None or field not in ("hosts", "cname")) else None
    records = [found] if field == "cname" and error is None else found or []
    if field == "hosts":
        records = [each for each in records if _is_of(each, kind)]
    mx = [{"host": each["Host"], "pref": each["Pref"]} for each in records] if field == "mx" else []
    records = [] if field == "mx" else records
    data: Given = {"query_time_ms": "<MS>", "record_count": len(records) + len(mx)}
    data |= {"record_type": kind, "hostname": host}
    data |= ({"records": records} if records else {}) | ({"mx_records": mx} if mx else {})
    if error is None:
        return Answer(_done(f"DNS lookup successful for {host} ({kind})", data), None, calls)
    data["is_timeout"] = any(each in error for each in ("timeout", "deadline exceeded"))
    data["is_not_found"] = any(each in error for each in ("no such host", "not found"))
    return Answer(_failure("network", error, "LOOKUP_FAILED", data=data, metadata=_METADATA), None, calls)


_LOOKUPS = {
    "A": ("LookupHost", "hosts"),
    "AAAA": ("LookupHost", "hosts"),
    "CNAME": ("LookupCNAME", "cname"),
    "MX": ("LookupMX", "mx"),
    "TXT": ("LookupTXT", "txt"),
    "NS": ("LookupNS", "ns"),
}


def _is_of(text: str, kind: str) -> bool:
    """Whether a text is an address of that kind; one of version 4 may be written as one of version 6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    is_four = isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped is not None
    return is_four == (kind == "A")


def _host_and_port(config: _Config) -> Answer | tuple[str, int]:
    host = config.get("String", "host")
    if host is None:
        return _refused("String", "host")
    port = config.get("Int", "port")
    if port is None:
        return _refused("Int", "port")
    if port not in _PORTS:
        return Answer(_failure("config", f"invalid port: {port} (must be 1-65535)", "INVALID_PORT"))
    return host, port


def _tcp(config: _Config, fake: Given) -> Answer:
    asked = _host_and_port(config)
    if isinstance(asked, Answer):
        return asked
    address = f"{asked[0]}:{asked[1]}"
    timeout, tls = config.get("Int", "timeout_ms", 5000), config.get("Bool", "tls", default=False)
    calls = [{"address": address, "timeout_ms": timeout, "tls": tls}]
    if fake["error"] is not None:
        return _failed(fake["error"], "CONNECTION_FAILED", calls)
    connection = fake["connection"]
    if connection is None:
        raise GoPanicError
    if not connection["Connected"]:
        said = _failure("network", "TCP connection failed", "CONNECTION_FAILED", metadata=_METADATA)
        return Answer(said, None, calls)
    data = {"connected": True, "response_time_ms": "<MS>", "address": address}
    data |= {
        name: each
        for name, each in (("remote_addr", connection["Remote"]), ("local_addr", connection["Local"]))
        if each
    }
    return Answer(_done("TCP connection successful", data | _tls(connection)), None, calls)


def _tls(connection: Given) -> Given:
    if not connection["TLS"]:
        return {}
    names = {"tls_version": "Ver", "tls_cipher_suite": "Cipher", "tls_server_name": "Server"}
    data = {"tls": True, **{name: connection[each] for name, each in names.items()}}
    if connection["Subject"]:
        data |= {"tls_cert_subject": connection["Subject"], "tls_cert_issuer": connection["Issuer"]}
    not_after = go.moment(connection["NotAfter"])
    if not_after is None:
        return data
    text = format_time(not_after.replace(microsecond=0))
    return data | {"tls_cert_not_after": text, "tls_cert_days_remaining": "<DAYS>"}


def _smtp(config: _Config, fake: Given) -> Answer:
    asked = _host_and_port(config)
    if isinstance(asked, Answer):
        return asked
    host, port = asked
    nanoseconds = (
        config.get("Int", "timeout_ms", 30000) * 10**6 + 2**63
    ) % 2**64 - 2**63  # as an int64 turns over
    call = {"host": host, "port": str(port), "timeout_ns": nanoseconds}
    for name in ("use_starttls", "use_tls"):
        call[name] = config.get("Bool", name, default=False)
    if fake["error"] is not None:
        return _failed(fake["error"], "CONNECTION_FAILED", [call])
    result = fake["result"]
    if result is None:
        raise GoPanicError
    if not result["Connected"]:
        said = _failure("network", "SMTP connection failed", "CONNECTION_FAILED", metadata=_METADATA)
        return Answer(said, None, [call])
    names = {"banner": "Banner", "tls_version": "TLSVersion", "tls_cipher_suite": "TLSCipherSuite"}
    names["tls_server_name"] = "TLSServerName"
    data = {"connected": True, "latency_ms": "<MS>", "address": f"{host}:{port}"}
    data |= {name: result[each] for name, each in names.items() if result[each]}
    return Answer(_done(f"SMTP connection successful to {host}:{port}", data), None, [call])


_CHECKS = {"http": _http, "dns": _dns, "tcp": _tcp, "smtp": _smtp}
