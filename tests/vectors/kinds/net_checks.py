"""The four checks over fakes: their results, and the calls that they make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self

import reglet
from reglet.domain.context import Context
from reglet.domain.entities.records import HTTPRequest, HTTPResponse, MXRecord, SMTPConnectResult, TLSFacts
from reglet.domain.entities.result import Result
from reglet.domain.errors import RegletError
from reglet.infrastructure.wire.exports import RESULT
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_PLACEHOLDER = re.compile(r"<[A-Z_]+>")
_LONGEST_MS = 2**31 - 1
_MOST_DAYS = 106751  # in a Go duration
_MILLISECOND = timedelta(milliseconds=1)


class _Fake:
    """What all fakes do: keep the calls, and fail if the vector says so."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.calls: list[Any] = []

    def called(self, call: Any) -> None:
        self.calls.append(call)
        if self._given["error"] is not None:
            raise RegletError(self._given["error"])


class _HTTP(_Fake):
    def do(self, request: HTTPRequest) -> HTTPResponse:
        headers = {name: list(values) for name, values in request.headers.items()}
        self.called(
            {
                "Body": request.body.decode() if request.body else None,
                "Headers": headers or None,
                "Method": request.method,
                "Timeout": _milliseconds(request.timeout),
                "URL": request.url,
            }
        )
        response = self._given["response"]
        return HTTPResponse(
            response["StatusCode"],
            {name: tuple(values) for name, values in (response["Headers"] or {}).items()},
            go.value(response["Body"]) or b"",
            response["Proto"],
        )

    def get(self, url: str) -> HTTPResponse:
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))


class _DNS(_Fake):
    def _look_up(self, name: str, host: str, field: str) -> Any:
        self.called(f"{name} {host}")
        return self._given[field]

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        return list(self._look_up("LookupHost", host, "hosts") or ())

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        return str(self._look_up("LookupCNAME", host, "cname"))

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        return [MXRecord(each["Host"], each["Pref"]) for each in self._look_up("LookupMX", host, "mx") or ()]

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        return list(self._look_up("LookupTXT", host, "txt") or ())

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        return list(self._look_up("LookupNS", host, "ns") or ())


class _Connection:
    """A connection with the vector's facts."""

    def __init__(self, given: Given) -> None:
        self.is_connected: bool = given["Connected"]
        self.remote_addr: str = given["Remote"]
        self.local_addr: str = given["Local"]
        self.is_tls: bool = given["TLS"]
        facts = TLSFacts(given["Ver"], given["Cipher"], given["Server"], given["Subject"], given["Issuer"])
        self.tls_version, self.tls_cipher_suite = facts.version, facts.cipher_suite
        self.tls_server_name = facts.server_name
        self.tls_cert_subject, self.tls_cert_issuer = facts.cert_subject, facts.cert_issuer
        self.tls_cert_not_after: datetime | None = go.moment(given["NotAfter"])

    def close(self) -> None:
        self.is_connected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _TCP(_Fake):
    def dial(self, address: str) -> _Connection:
        return self.dial_secure(address, timedelta(), tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> _Connection:
        return self.dial_secure(address, timeout, tls=False)

    def dial_secure(self, address: str, timeout: timedelta, tls: bool) -> _Connection:
        self.called({"address": address, "timeout_ms": _milliseconds(timeout), "tls": tls})
        return _Connection(self._given["connection"])


class _SMTP(_Fake):
    def connect(
        self, host: str, port: int, timeout: timedelta, use_tls: bool, use_starttls: bool
    ) -> SMTPConnectResult:
        self.called(
            {
                "host": host,
                "port": str(port),
                "timeout_ns": _milliseconds(timeout) * 1_000_000,
                "use_starttls": use_starttls,
                "use_tls": use_tls,
            }
        )
        given = self._given["result"]
        return SMTPConnectResult(
            connected=given["Connected"],
            banner=given["Banner"],
            extensions=tuple(given["Extensions"] or ()),
            supports_auth=given["SupportsAuth"],
            tls_enabled=given["TLSEnabled"],
            tls_version=given["TLSVersion"],
            tls_cipher_suite=given["TLSCipherSuite"],
            tls_server_name=given["TLSServerName"],
            response_time=go.value(given["ResponseTime"]),
        )


def _milliseconds(span: timedelta | None) -> int:
    return 0 if span is None else span // _MILLISECOND


_CHECKS: dict[str, tuple[type[_Fake], Callable[..., Result], str]] = {
    "http": (_HTTP, reglet.run_http_check, "response"),
    "dns": (_DNS, reglet.run_dns_check, ""),
    "tcp": (_TCP, reglet.run_tcp_check, "connection"),
    "smtp": (_SMTP, reglet.run_smtp_check, "result"),
}


def run(vector: Vector) -> Rule | None:
    """Compare the result, times aside, and the calls."""
    make, check, answer = _CHECKS[vector["kind"]]
    given, expected = vector["input"], vector["expected"]
    fake = make(given["fake"])
    if (
        answer
        and given["fake"][answer] is None
        and given["fake"]["error"] is None
        and "result" not in expected
    ):
        return Rule.PORTS_ANSWER
    result = check(Context(), go.value(given["config"]), client=fake)
    seen = json.loads(RESULT.encode(result))
    wanted = json.loads(expected["result"])
    rule = _enforced_version(given, seen, wanted) or _brackets(given, fake.calls, seen, expected, wanted)
    if rule is not None:
        return rule
    rule = _floored_days(seen, wanted)
    _must_match(seen, wanted)
    rule = rule or _longest_timeout(expected["calls"])
    _compare_calls(fake.calls, expected["calls"])
    if rule is None and expected["error"] is not None:
        must_equal(seen["status"], "error")
        return Rule.ONE_RESULT
    return rule


def _longest_timeout(calls: list[Any] | None) -> Rule | None:
    """Bring a timeout that no host could read to the longest one of ours."""
    for call in calls or ():
        if isinstance(call, dict) and call.get("Timeout", 0) > _LONGEST_MS:
            call["Timeout"] = _LONGEST_MS
            return Rule.TIMEDELTA
    return None


def _floored_days(seen: Given, wanted: Given) -> Rule | None:
    """Bring Go's days to ours: a certificate that expired some hours ago has -1 days left, not 0."""
    name = "tls_cert_days_remaining"
    days = (wanted.get("data") or {}).get(name)
    ours = (seen.get("data") or {}).get(name)
    beyond = isinstance(days, int) and abs(days) == _MOST_DAYS and abs(ours) > _MOST_DAYS
    if not beyond and (not isinstance(days, int) or days > 0 or ours != days - 1):
        return None
    wanted["data"][name] = ours
    return Rule.CERTIFICATE_DAYS


def _enforced_version(given: Given, seen: Given, wanted: Given) -> Rule | None:
    version = (given["config"] or {}).get("expected_tls_version")
    if not version or seen["status"] == wanted["status"]:
        return None
    must_equal([seen["status"], seen["data"]["expected_tls_version"]], ["failure", version])
    return Rule.TLS_VERSION


def _brackets(given: Given, calls: list[Any], seen: Given, expected: Given, wanted: Given) -> Rule | None:
    host = (given["config"] or {}).get("host")
    if not isinstance(host, str) or ":" not in host or host.startswith("["):
        return None
    text = json.dumps([wanted, expected["calls"]]).replace(f"{host}:", f"[{host}]:")
    bracketed, bracketed_calls = json.loads(text)
    _must_match(seen, bracketed)
    _compare_calls(calls, bracketed_calls)
    return Rule.BRACKETS


def _compare_calls(calls: list[Any], expected: list[Any] | None) -> None:
    wanted = [_call(each) for each in expected or ()]
    must_equal(calls, wanted)


def _call(expected: Any) -> Any:
    """Return a call as ours are kept: a body as text, no negative timeouts."""
    if not isinstance(expected, dict):
        return expected
    call = {name: go.value(each) for name, each in expected.items()}
    if not call.get("Headers", True):
        call["Headers"] = None  # no header is no header
    if isinstance(call.get("Body"), bytes):
        call["Body"] = call["Body"].decode() or None
    if call.get("Headers"):
        call["Headers"] = {
            name: [each] if isinstance(each, str) else each for name, each in call["Headers"].items()
        }
    return {name: max(each, 0) if name.lower().startswith("timeout") else each for name, each in call.items()}


def _must_match(seen: Any, wanted: Any, path: str = "$") -> None:
    """Compare JSON, where a placeholder stands for any number or time."""
    if isinstance(wanted, str) and _PLACEHOLDER.fullmatch(wanted):
        assert seen is not None, f"{path} is missing"
    elif isinstance(wanted, dict) and isinstance(seen, dict):
        must_equal((path, sorted(seen)), (path, sorted(wanted)))
        for name, each in wanted.items():
            _must_match(seen[name], each, f"{path}.{name}")
    else:
        must_equal((path, seen), (path, wanted))
