"""The HTTP port over a host's functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.errors import (
    CancelledError,
    CapabilityError,
    HostError,
    HTTPError,
    TimeoutError,  # noqa: A004 - our own family
    UnsupportedOptionError,
    WireFormatError,
)
from reglet.domain.ports import HostFunctions, HTTPClient
from reglet.infrastructure.guest.clients import host_clients
from tests.guest.hosts import HostlibHost, ScriptedHost

OK = {"status_code": 200}


def client_of(host: HostFunctions, ctx: Context | None = None) -> HTTPClient:
    """Return the HTTP client of a context over a host."""
    bound = Context(clients=host_clients(host)) if ctx is None else ctx.with_client(HTTPClient, _http(host))
    return bound.client(HTTPClient)


def _http(host: HostFunctions) -> HTTPClient:
    return Context(clients=host_clients(host)).client(HTTPClient)


def test_an_answer_is_returned_whole() -> None:
    """Status, headers, body, protocol and truncation arrive."""
    host = ScriptedHost(
        {
            "status_code": 203,
            "headers": {"A": ["1", "2"]},
            "body": "aGk=",
            "proto": "HTTP/2.0",
            "body_truncated": True,
        }
    )
    assert client_of(host).get("http://h/") == HTTPResponse(203, {"A": ("1", "2")}, b"hi", "HTTP/2.0", True)


def test_post_sends_the_body_and_its_type() -> None:
    """`post` says the method, the content type and the body."""
    host = ScriptedHost(OK)
    client_of(host).post("http://h/", "text/plain", b"\x00\xff")
    assert host.requests == [
        {
            "headers": {"Content-Type": ["text/plain"]},
            "method": "POST",
            "url": "http://h/",
            "body": "AP8=",
            "context": {},
        }
    ]


def test_a_timeout_is_sent_in_both_spellings() -> None:
    """A host of either dialect finds the timeout."""
    host = ScriptedHost(OK)
    client_of(host).do(HTTPRequest("GET", "http://h/", timeout=timedelta(seconds=2)))
    (request,) = host.requests
    assert (request["timeout_ms"], request["context"]["timeout_ms"]) == (2000, 2000)


def test_the_context_reaches_the_host() -> None:
    """Deadline and request id are told, and the time left is the timeout."""
    host = ScriptedHost(OK)
    deadline = datetime.now(UTC) + timedelta(hours=1)
    client_of(host, Context(deadline=deadline, request_id="r-1")).get("http://h/")
    (request,) = host.requests
    assert request["context"]["request_id"] == "r-1"
    assert request["context"]["deadline"].startswith(deadline.isoformat()[:19])
    assert 3_590_000 < request["timeout_ms"] <= 3_600_000


def test_a_deadline_that_has_passed_makes_no_call() -> None:
    """Nothing is sent when time is up."""
    host = ScriptedHost(OK)
    ctx = Context(deadline=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(TimeoutError, match="http_request"):
        client_of(host, ctx).get("http://h/")
    assert host.calls == []


def test_a_cancelled_check_makes_no_call() -> None:
    """Nothing is sent once the check is cancelled."""
    host = ScriptedHost(OK)
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        client_of(host, Context(cancellation=cancellation)).get("http://h/")
    assert host.calls == []


@pytest.mark.parametrize(
    ("request_", "option"),
    [
        (HTTPRequest("GET", "http://h/", follow_redirects=False), "follow_redirects"),
        (HTTPRequest("GET", "http://h/", max_redirects=3), "max_redirects"),
        (HTTPRequest("GET", "https://h/", insecure_skip_verify=True), "insecure_skip_verify"),
    ],
)
def test_an_option_that_the_host_does_not_confirm_is_refused(request_: HTTPRequest, option: str) -> None:
    """A changed option either was applied, as the host says, or is an error."""
    with pytest.raises(UnsupportedOptionError, match=option):
        client_of(ScriptedHost(OK)).do(request_)
    confirming = ScriptedHost({**OK, "applied": [option]})
    assert client_of(confirming).do(request_).status_code == 200


def test_a_host_that_tells_latency_honours_redirect_options() -> None:
    """Hostlib has no mark; it is known by its latency."""
    host = ScriptedHost({**OK, "latency_ms": 4})
    request = HTTPRequest("GET", "http://h/", follow_redirects=False, max_redirects=0)
    assert client_of(host).do(request).status_code == 200
    assert (host.requests[0]["follow_redirects"], host.requests[0]["max_redirects"]) == (False, 0)


def test_headers_are_repeated_in_the_dialect_that_the_host_reads_and_it_is_remembered() -> None:
    """Dialect abi comes first; after the refusal everything goes in hostlib."""
    host = HostlibHost(OK)
    client = client_of(host)
    request = HTTPRequest("GET", "http://h/", {"X-A": ("1", "2")})
    client.do(request)
    client.do(request)
    assert [each["headers"] for each in host.requests] == [
        {"X-A": ["1", "2"]},
        {"X-A": "1, 2"},
        {"X-A": "1, 2"},
    ]


def test_a_request_that_neither_dialect_can_say_fails_after_two_calls() -> None:
    """The second refusal is an error, and the dialect stays unknown."""
    host = ScriptedHost(
        {"error": "VALIDATION_ERROR", "message": "failed to unmarshal request: x", "code": 400}
    )
    client = client_of(host)
    for _ in range(2):
        with pytest.raises(HTTPError, match="failed to unmarshal request: x"):
            client.get("http://h/")
    assert len(host.calls) == 4


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "VALIDATION_ERROR", "message": "network capability denied: h:8443", "code": 400},
        {"error": {"code": "SSRF_BLOCKED", "message": "h is private"}, "status_code": 0},
        {"error": {"type": "capability", "code": "network:h:8443", "message": "missing capability"}},
        {"error": "VALIDATION_ERROR", "message": "no capabilities granted: p", "code": 400},
    ],
)
def test_a_denial_names_the_missing_grant(answer: dict[str, object]) -> None:
    """However a host words it, the plugin learns which grant it needs and what to do."""
    with pytest.raises(CapabilityError, match="declare it") as caught:
        client_of(ScriptedHost(answer)).get("https://h:8443/x")
    assert caught.value.required == "network:h:8443"


def test_a_denied_redirect_names_the_target_that_was_denied() -> None:
    """The host's own word goes before what was asked for."""
    answer = {"error": {"type": "capability", "code": "network:other:443", "message": "m"}}
    with pytest.raises(CapabilityError) as caught:
        client_of(ScriptedHost(answer)).get("http://h/")
    assert caught.value.required == "network:other:443"


@pytest.mark.parametrize(
    "error",
    [
        {"code": "TIMEOUT", "message": "late"},
        {"type": "timeout", "code": "", "message": "late", "is_timeout": True},
    ],
)
def test_a_timeout_is_a_timeout(error: dict[str, object]) -> None:
    """Both shapes of a timeout become `TimeoutError`."""
    request = HTTPRequest("GET", "http://h/", timeout=timedelta(seconds=5))
    with pytest.raises(TimeoutError, match=r"http GET timeout after 5s \(target: http://h/: late\)"):
        client_of(ScriptedHost({"error": error})).do(request)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"error": {"code": "CONNECTION_REFUSED", "message": "refused"}}, "refused"),
        ({"error": "INTERNAL_ERROR", "message": "the host fell over", "code": 500}, "the host fell over"),
        (b"", "no answer"),
    ],
)
def test_a_failure_says_what_the_host_said(answer: bytes | dict[str, object], text: str) -> None:
    """Every shape of a failure keeps the host's words, and its detail as the cause."""
    with pytest.raises(HTTPError, match=text) as caught:
        client_of(ScriptedHost(answer)).get("http://h/")
    assert isinstance(caught.value.cause, HostError)
    detail = caught.value.detail()
    assert detail.type == "network"
    assert detail.wrapped == caught.value.cause.detail()


def test_an_answer_that_is_no_json_is_a_wire_format_error() -> None:
    """Garbage is told from a failure."""
    with pytest.raises(WireFormatError, match="HTTPResponse"):
        client_of(ScriptedHost(b"\xff{")).get("http://h/")


def test_a_request_that_is_too_large_is_not_sent() -> None:
    """Hosts read 1 MB; the error says the size and the limit."""
    host = ScriptedHost(OK)
    with pytest.raises(WireFormatError, match=r"\d{7} bytes, and hosts read at most 1048576"):
        client_of(host).post("http://h/", "text/plain", b"x" * 1_000_000)
    assert host.calls == []


def test_the_wire_keeps_what_go_would_escape() -> None:
    """The request's bytes are those of the Go SDK."""
    host = ScriptedHost(OK)
    client_of(host).get("http://h/?a=<&>")
    assert host.calls[0][1] == b'{"method":"GET","url":"http://h/?a=\\u003c\\u0026\\u003e","context":{}}'
    assert json.loads(host.calls[0][1])["url"] == "http://h/?a=<&>"
