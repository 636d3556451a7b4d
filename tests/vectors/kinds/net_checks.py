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
from tests.vectors import go_checks
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
            {name: tuple(values or ()) for name, values in (response["Headers"] or {}).items()},
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


_CHECKS: dict[str, tuple[type[_Fake], Callable[..., Result]]] = {
    "http": (_HTTP, reglet.run_http_check),
    "dns": (_DNS, reglet.run_dns_check),
    "tcp": (_TCP, reglet.run_tcp_check),
    "smtp": (_SMTP, reglet.run_smtp_check),
}


def run(vector: Vector) -> Rule | None:
    """Compare the result, times aside, and the calls; what Go answers is known."""
    make, check = _CHECKS[vector["kind"]]
    given, expected = vector["input"], vector["expected"]
    if not _compare_go(vector["kind"], given, expected):
        return Rule.PORTS_ANSWER
    fake = make(given["fake"])
    result = check(Context(), go.value(given["config"]), client=fake)
    seen = json.loads(RESULT.encode(result))
    wanted = json.loads(expected["result"])
    calls = expected["calls"]
    wanted, calls, rules = _brackets(given, wanted, calls)
    rules += [
        _longest_timeout(given["config"], calls),
        _floored_days(seen, wanted),
        _answer_beside_error(given["fake"], wanted),
    ]
    rules += [
        _issuer_alone(given["fake"], wanted),
        _null_headers(wanted),
        _enforced_version(given, seen, wanted),
    ]
    _must_match(seen, wanted)
    _compare_calls(fake.calls, calls)
    if expected["error"] is not None:
        must_equal(seen["status"], "error")
        rules.append(Rule.ONE_RESULT)
    return next((rule for rule in rules if rule is not None), None)


def _compare_go(kind: str, given: Given, expected: Given) -> bool:
    """Compare Go's answer with what is known of it; return whether there is one, and no panic."""
    try:
        answer = go_checks.answer(kind, given["config"], given["fake"])
    except go_checks.GoPanicError:
        must_equal("nil pointer" in expected["panic"], True)
        return False
    must_equal([expected["error"], expected["calls"]], [answer.error, answer.calls])
    must_equal(expected.get("timestamp_zero", True), True)
    told = json.loads(expected["result"])
    _must_match(told, json.loads(json.dumps(answer.result)))
    must_equal(json.dumps(list(told)), json.dumps([name for name in _RESULT_ORDER if name in answer.result]))
    return True


_RESULT_ORDER = ("timestamp", "data", "metadata", "error", "status", "message")


def _answer_beside_error(fake: Given, wanted: Given) -> Rule | None:
    """Bring an error that came with records to one that did not."""
    data = wanted.get("data") or {}
    if fake["error"] is None or wanted["status"] != "error" or not data.get("record_count"):
        return None
    for name in ("records", "mx_records"):
        data.pop(name, None)
    data["record_count"] = 0
    return Rule.PORTS_ANSWER


def _issuer_alone(fake: Given, wanted: Given) -> Rule | None:
    """Bring a certificate without a subject to one that has an issuer all the same."""
    connection, data = fake.get("connection") or {}, wanted.get("data") or {}
    if not data.get("tls") or connection["Subject"] or not connection["Issuer"]:
        return None
    data |= {"tls_cert_subject": "", "tls_cert_issuer": connection["Issuer"]}
    return Rule.NO_SUBJECT


def _null_headers(wanted: Given) -> Rule | None:
    """Bring a header without a list to one with an empty list."""
    headers = (wanted.get("data") or {}).get("headers") or {}
    nulls = [name for name, each in headers.items() if each is None]
    headers |= {name: [] for name in nulls}
    return Rule.ONE_EMPTY_LIST if nulls else None


def _longest_timeout(config: Given | None, calls: list[Any] | None) -> Rule | None:
    """Bring a timeout that no host could read to the longest one of ours."""
    timeout = (config or {}).get("timeout_ms", 0)
    if not isinstance(timeout, int | float) or timeout <= _LONGEST_MS or not calls:
        return None
    for name, of_millisecond in (("Timeout", 1), ("timeout_ms", 1), ("timeout_ns", 10**6)):
        if name in calls[0]:
            calls[0][name] = _LONGEST_MS * of_millisecond
    return Rule.TIMEDELTA


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
    """Bring a connection with another version of TLS than was expected to a failure."""
    version = (given["config"] or {}).get("expected_tls_version")
    if not version or not isinstance(version, str) or seen["status"] == wanted["status"]:
        return None
    connection = given["fake"]["connection"]
    there = connection["Ver"] if connection["TLS"] else ""
    must_equal((seen["status"], wanted["status"], there == version), ("failure", "success", False))
    must_equal((version in seen["message"], there in seen["message"]), (True, True))
    wanted |= {"status": "failure", "message": seen["message"]}
    wanted["data"] |= {"expected_tls_version": version, "actual_tls_version": there}
    return Rule.TLS_VERSION


def _brackets(
    given: Given, wanted: Given, calls: list[Any] | None
) -> tuple[Given, list[Any] | None, list[Rule | None]]:
    """Bring an address of version 6 before a port into brackets."""
    host = (given["config"] or {}).get("host")
    if not isinstance(host, str) or ":" not in host or host.startswith("["):
        return wanted, calls, []
    plain = json.dumps(host)[1:-1]
    made = json.loads(json.dumps([wanted, calls]).replace(f"{plain}:", f"[{plain}]:"))
    return made[0], made[1], [Rule.BRACKETS] if made != [wanted, calls] else []


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
