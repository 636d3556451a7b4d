"""The guest's clients over hosts of both dialects: what is asked, what comes back, what is raised."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from reglet.application.checks import run_dns_check
from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.records import CommandRequest, CommandResult, HTTPRequest, HTTPResponse, MXRecord
from reglet.domain.errors import (
    CancelledError,
    CapabilityError,
    DNSError,
    ExecError,
    HostError,
    HTTPError,
    NetworkError,
    RegletError,
    TCPError,
    TimeoutError,  # noqa: A004 - our own family
    UnsupportedOptionError,
    WireFormatError,
)
from reglet.domain.ports import (
    AddressResolver,
    CommandRunner,
    DNSResolver,
    HostFunctions,
    HTTPClient,
    SMTPClient,
    TCPDialer,
)
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


@pytest.mark.parametrize("number", [-(2**63), 2**63, 10**30, 1e300, -1e300, 0.5, "5", True, None, [], {}])
@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "0000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "",
        5,
    ],
)
def test_no_number_and_no_time_of_an_answer_is_an_error_of_pythons(number: object, time: object) -> None:
    """It is a value, or an error of ours that names the field."""
    names = ("latency_ms", "response_time_ms", "duration_ms", "exit_code", "status_code", "ttl")
    answer = {"connected": True, "tls": True, "mx_records": [{"host": "a", "pref": number}]}
    host = ScriptedHost({**answer, **dict.fromkeys(names, number), "tls_cert_not_after": time})
    ctx = Context(clients=host_clients(host))
    for call in (
        lambda: ctx.client(HTTPClient).get("http://h/"),
        lambda: ctx.client(TCPDialer).dial_secure("h:1", timedelta(seconds=1), tls=True),
        lambda: ctx.client(SMTPClient).connect("h", 25, timedelta(seconds=1), False, False),
        lambda: ctx.client(DNSResolver).lookup_mx("h"),
        lambda: ctx.client(CommandRunner).run(CommandRequest("c")),
    ):
        with contextlib.suppress(RegletError):
            call()


def test_an_answer_always_has_a_protocol() -> None:
    """Where the host leaves it out, it is that which the Go plugins write."""
    assert client_of(ScriptedHost(OK)).get("http://h/").proto == "HTTP/1.1"


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


SECOND = timedelta(seconds=1)
NOT_FOUND = {"error": {"type": "network", "code": "dns_A", "message": "no such host", "is_not_found": True}}


def context_over(host: HostFunctions) -> Context:
    """Return a context with every port over a host."""
    return Context(clients=host_clients(host))


def test_lookup_host_asks_for_both_families() -> None:
    """A host that answers type A with IPv4 alone is asked for AAAA too."""
    host = ScriptedHost({"records": ["10.0.0.1"]}, {"records": ["::1", "10.0.0.1"]})
    assert context_over(host).client(DNSResolver).lookup_host("h") == ["10.0.0.1", "::1"]
    assert [each["type"] for each in host.requests] == ["A", "AAAA"]


def test_lookup_host_asks_once_where_the_host_tells_both_families() -> None:
    """The Go host SDK answers type A with both."""
    host = ScriptedHost({"records": ["::1", "10.0.0.1"]})
    assert context_over(host).client(DNSResolver).lookup_host("h") == ["::1", "10.0.0.1"]
    assert len(host.calls) == 1


@pytest.mark.parametrize("missing", [NOT_FOUND, {"error": {"code": "UNSUPPORTED_TYPE", "message": "AAAA"}}])
def test_one_family_is_enough(missing: dict[str, object]) -> None:
    """A name with IPv4 addresses alone is no failure."""
    host = ScriptedHost({"records": ["10.0.0.1"]}, missing)
    assert context_over(host).client(DNSResolver).lookup_host("h") == ["10.0.0.1"]


def test_a_name_that_does_not_exist_is_said_so() -> None:
    """`is_not_found` survives, from the flag and from Go's words."""
    for answer in (NOT_FOUND, {"error": {"code": "LOOKUP_FAILED", "message": "lookup h: no such host"}}):
        with pytest.raises(DNSError, match="no such host") as caught:
            context_over(ScriptedHost(answer)).client(DNSResolver).lookup_host("h")
        assert caught.value.is_not_found


FAILED: dict[str, object] = {"error": {"code": "LOOKUP_FAILED", "message": "SERVFAIL"}}


def resolver_over(*answers: dict[str, object]) -> AddressResolver:
    """Return the resolver over a host that gives these answers."""
    resolver = context_over(ScriptedHost(*answers)).client(DNSResolver)
    assert isinstance(resolver, DNSResolver)
    assert isinstance(resolver, AddressResolver)
    return resolver


TIMED: dict[str, object] = {"records": ["10.0.0.1"], "latency_ms": 1234}


@pytest.mark.parametrize(
    ("record_type", "answers", "measured"),
    [
        ("A", [TIMED], True),
        ("TXT", [TIMED], True),
        ("A", [{"records": ["10.0.0.1"]}], False),
        (
            "AAAA",
            [{"error": {"code": "LOOKUP_FAILED", "message": "no such host", "is_not_found": True}}, TIMED],
            False,
        ),
    ],
)
def test_the_time_of_a_look_up_is_what_the_host_measured(
    record_type: str, answers: list[dict[str, object]], measured: bool
) -> None:
    """So a replay has it too; where one of several look-ups has none, it is the time around them."""
    ctx = context_over(ScriptedHost(*answers))
    result = run_dns_check(ctx, {"hostname": "h.example", "record_type": record_type})
    assert result.data is not None
    assert (result.data["query_time_ms"] == 1234) is measured


@pytest.mark.parametrize(
    "answers", [({"records": ["10.0.0.1"]}, FAILED), (FAILED, {"records": ["10.0.0.1"]})]
)
def test_a_family_that_failed_is_no_matter_where_the_other_has_addresses(
    answers: tuple[dict[str, object], dict[str, object]],
) -> None:
    """As in Go."""
    assert context_over(ScriptedHost(*answers)).client(DNSResolver).lookup_host("h") == ["10.0.0.1"]


@pytest.mark.parametrize("answers", [(FAILED, NOT_FOUND), (NOT_FOUND, FAILED), (FAILED, FAILED)])
def test_a_look_up_that_fails_otherwise_is_not_taken_for_an_empty_one(
    answers: tuple[dict[str, object], dict[str, object]],
) -> None:
    """A server failure in one family is an error where the other has no addresses."""
    with pytest.raises(DNSError, match="SERVFAIL") as caught:
        context_over(ScriptedHost(*answers)).client(DNSResolver).lookup_host("h")
    assert not caught.value.is_not_found


@pytest.mark.parametrize("record_type", ["A", "AAAA"])
def test_a_family_that_is_asked_for_must_not_fail(record_type: str) -> None:
    """Whether there are such addresses is not known then, whatever the other family has."""
    with pytest.raises(DNSError, match="SERVFAIL"):
        resolver_over(FAILED).lookup_addresses("h", record_type)


def test_a_family_without_addresses_is_none_where_the_name_has_others() -> None:
    """It is missing where it has none at all; one question is enough where the host finds no fault."""
    four = {"records": ["10.0.0.1"]}
    assert resolver_over(NOT_FOUND, four).lookup_addresses("h", "AAAA") == ["10.0.0.1"]
    assert resolver_over({"records": []}).lookup_addresses("h", "AAAA") == []
    assert resolver_over({"records": ["::1"]}).lookup_addresses("h", "AAAA") == ["::1"]
    with pytest.raises(DNSError) as caught:
        resolver_over(NOT_FOUND, NOT_FOUND).lookup_addresses("h", "AAAA")
    assert caught.value.is_not_found


def test_every_record_type_is_read() -> None:
    """MX comes sorted, TXT and NS as texts, CNAME as one text; the nameserver is told."""
    host = ScriptedHost(
        {"records": ["c."], "mx_records": [{"host": "b.", "pref": 20}, {"host": "a.", "pref": 10}]}
    )
    resolver = context_over(host).client(DNSResolver)
    assert resolver.lookup_mx("h", nameserver="9.9.9.9") == [MXRecord("a.", 10), MXRecord("b.", 20)]
    assert (resolver.lookup_cname("h"), resolver.lookup_txt("h"), resolver.lookup_ns("h")) == (
        "c.",
        ["c."],
        ["c."],
    )
    assert host.requests[0]["nameserver"] == "9.9.9.9"


def test_a_missing_canonical_name_is_not_found() -> None:
    """An empty answer has no canonical name."""
    with pytest.raises(DNSError) as caught:
        context_over(ScriptedHost({})).client(DNSResolver).lookup_cname("h")
    assert caught.value.is_not_found


def test_dns_names_its_grant_and_its_timeouts() -> None:
    """A denial needs port 53; a timeout is one."""
    denied = {"error": {"code": "SSRF_BLOCKED", "message": "no"}}
    with pytest.raises(CapabilityError) as caught:
        context_over(ScriptedHost(denied)).client(DNSResolver).lookup_ns("h")
    assert caught.value.required == "network:h:53"
    with pytest.raises(TimeoutError):
        context_over(ScriptedHost({"error": {"code": "TIMEOUT", "message": "t"}})).client(
            DNSResolver
        ).lookup_ns("h")


def test_a_connection_tells_its_facts_and_closes() -> None:
    """Everything that a host tells of a connection is there; leaving the block closes it."""
    host = ScriptedHost(
        {
            "connected": True,
            "remote_addr": "1.1.1.1:443",
            "local_addr": "10.0.0.1:5",
            "tls": True,
            "tls_version": "TLS 1.3",
            "tls_cipher_suite": "C",
            "tls_server_name": "h",
            "tls_cert_subject": "CN=h",
            "tls_cert_issuer": "CN=i",
            "tls_cert_not_after": "2030-01-02T03:04:05Z",
        }
    )
    with context_over(host).client(TCPDialer).dial_secure("h:443", SECOND, tls=True) as connection:
        assert connection.is_connected
    assert not connection.is_connected
    facts = (connection.tls_version, connection.tls_cipher_suite, connection.tls_server_name)
    assert facts == ("TLS 1.3", "C", "h")
    assert (connection.tls_cert_subject, connection.tls_cert_issuer) == ("CN=h", "CN=i")
    assert connection.tls_cert_not_after == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (connection.remote_addr, connection.local_addr, connection.is_tls) == (
        "1.1.1.1:443",
        "10.0.0.1:5",
        True,
    )


def test_tcp_is_repeated_in_hostlib_with_both_names_of_tls() -> None:
    """A host that reads the port as a number is never left to connect in plain text."""
    host = HostlibHost(
        {"connected": True, "tls_version": "TLS 1.2", "tls_cert_expiry": "2030-01-02T03:04:05Z"}
    )
    connection = context_over(host).client(TCPDialer).dial_secure("[::1]:443", SECOND, tls=True)
    first, second = host.requests
    assert (first["port"], second["port"], second["host"]) == ("443", 443, "::1")
    assert all(each["tls"] and each["use_tls"] for each in (first, second))
    assert connection.is_tls
    assert connection.tls_cert_not_after is not None


def test_the_dialect_is_remembered_across_ports() -> None:
    """What one client learns, all clients of the instance know."""
    host = HostlibHost({"connected": True, "banner": "220 x"})
    ctx = context_over(host)
    ctx.client(TCPDialer).dial("h:25")
    ctx.client(SMTPClient).connect("h", 25, SECOND, use_tls=False, use_starttls=False)
    assert [type(each["port"]) for each in host.requests] == [str, int, int]


def test_tls_that_the_host_left_out_is_refused() -> None:
    """A plain connection is never passed off as a secure one."""
    ctx = context_over(ScriptedHost({"connected": True}))
    with pytest.raises(UnsupportedOptionError, match="without TLS"):
        ctx.client(TCPDialer).dial_secure("h:443", SECOND, tls=True)
    with pytest.raises(UnsupportedOptionError, match="use_starttls"):
        ctx.client(SMTPClient).connect("h", 587, SECOND, use_tls=False, use_starttls=True)


def test_an_unverified_certificate_needs_a_host_that_says_so() -> None:
    """It is asked for in the request; a host that does not say that it applied it is refused."""
    answer: dict[str, object] = {"connected": True, "tls": True}
    silent, confirming = ScriptedHost(answer), ScriptedHost({**answer, "applied": ["insecure_skip_verify"]})
    ctx = context_over(silent)
    with pytest.raises(UnsupportedOptionError, match="insecure_skip_verify"):
        ctx.client(TCPDialer).dial_secure("h:443", SECOND, tls=True, insecure_skip_verify=True)
    with pytest.raises(UnsupportedOptionError, match="insecure_skip_verify"):
        ctx.client(SMTPClient).connect("h", 25, SECOND, False, True, insecure_skip_verify=True)
    assert all(request["insecure_skip_verify"] for request in silent.requests)
    ctx = context_over(confirming)
    assert ctx.client(TCPDialer).dial_secure("h:443", SECOND, tls=True, insecure_skip_verify=True).is_tls
    assert ctx.client(SMTPClient).connect("h", 25, SECOND, False, True, insecure_skip_verify=True).tls_enabled


def test_times_are_those_that_the_host_measured() -> None:
    """Of an answer and of a connection; nothing where it does not say."""
    http = ScriptedHost({"status_code": 200, "latency_ms": 7})
    assert context_over(http).client(HTTPClient).get("http://h/").latency == timedelta(milliseconds=7)
    tcp = ScriptedHost({"connected": True, "response_time_ms": 8}, {"connected": True})
    dialer = context_over(tcp).client(TCPDialer)
    times = [getattr(dialer.dial("h:1"), "response_time", None) for _ in range(2)]
    assert times == [timedelta(milliseconds=8), None]


@pytest.mark.parametrize("address", ["h", "h:", "h:0", "h:65536", "::1:443", "h:http", ":443", "[]:1"])
def test_an_address_that_is_none_is_not_sent(address: str) -> None:
    """The text says how an address is written."""
    host = ScriptedHost({"connected": True})
    with pytest.raises(TCPError, match="expected host:port"):
        context_over(host).client(TCPDialer).dial(address)
    assert host.calls == []


def test_a_connection_that_was_not_made_is_an_error() -> None:
    """Refused, late, denied, or without a reason: never a connection."""
    answers = [
        ({"connected": False, "error": {"code": "CONNECTION_REFUSED", "message": "refused"}}, TCPError),
        ({"connected": False, "error": {"code": "TIMEOUT", "message": "late"}}, TimeoutError),
        ({"connected": False, "error": {"code": "SSRF_BLOCKED", "message": "private"}}, CapabilityError),
        ({"connected": False}, TCPError),
    ]
    for answer, family in answers:
        with pytest.raises(family):
            context_over(ScriptedHost(answer)).client(TCPDialer).dial_with_timeout("h:1", SECOND)


def test_a_denial_names_the_grant_of_an_ipv6_address_in_brackets() -> None:
    """As the policy writes it, so that address and port can be told apart."""
    denied = {"connected": False, "error": {"code": "SSRF_BLOCKED", "message": "private"}}
    dialer = context_over(ScriptedHost(denied)).client(TCPDialer)
    with pytest.raises(CapabilityError) as tcp:
        dialer.dial("[::1]:443")
    mail = context_over(ScriptedHost(denied)).client(SMTPClient)
    with pytest.raises(CapabilityError) as smtp:
        mail.connect("::1", 25, SECOND, use_tls=False, use_starttls=False)
    assert (tcp.value.required, smtp.value.required) == ("network:[::1]:443", "network:[::1]:25")


def test_a_mail_server_tells_banner_and_extensions() -> None:
    """Extensions are there where the host tells them, and AUTH is found among them."""
    host = ScriptedHost(
        {
            "connected": True,
            "tls": True,
            "banner": "220 h",
            "extensions": ["PIPELINING", "auth PLAIN"],
            "response_time_ms": 7,
        }
    )
    result = context_over(host).client(SMTPClient).connect("h", 465, SECOND, use_tls=True, use_starttls=False)
    assert (result.banner, result.supports_auth, result.response_time) == (
        "220 h",
        True,
        timedelta(milliseconds=7),
    )
    (request,) = host.requests
    assert (request["port"], request["tls"], request["use_tls"], request["timeout_ms"]) == (
        "465",
        True,
        True,
        1000,
    )


def test_a_mail_server_without_word_of_extensions_leaves_auth_unknown() -> None:
    """None is not False."""
    result = (
        context_over(ScriptedHost({"connected": True}))
        .client(SMTPClient)
        .connect("h", 25, SECOND, use_tls=False, use_starttls=False)
    )
    assert result.supports_auth is None


def test_a_mail_server_that_fails_is_an_error() -> None:
    """Refused, late, or not connected."""
    answers = [
        ({"error": {"code": "READ_BANNER_FAILED", "message": "eof"}}, NetworkError),
        ({"error": {"code": "TIMEOUT", "message": "late"}}, TimeoutError),
        ({"connected": False}, NetworkError),
    ]
    for answer, family in answers:
        client = context_over(ScriptedHost(answer)).client(SMTPClient)
        with pytest.raises(family):
            client.connect("h", 25, SECOND, use_tls=False, use_starttls=False)


def test_a_command_says_where_with_what_and_how_long() -> None:
    """Directory, environment, arguments and timeout are told; the outcome comes back whole."""
    host = ScriptedHost(
        {"stdout": "o", "stderr": "e", "exit_code": 3, "duration_ms": 5, "stderr_truncated": True}
    )
    request = CommandRequest("/bin/x", ["-a"], "/tmp", {"A": "b=c"}, SECOND)
    result = context_over(host).client(CommandRunner).run(request)
    assert result == CommandResult("o", "e", 3, timedelta(milliseconds=5), truncated=True)
    assert host.requests == [
        {
            "args": ["-a"],
            "env": ["A=b=c"],
            "command": "/bin/x",
            "dir": "/tmp",
            "context": {"timeout_ms": 1000},
            "timeout_ms": 1000,
        }
    ]


def test_a_command_that_is_not_granted_names_the_grant() -> None:
    """The Go host SDK's ways to say no."""
    for message in ("exec capability denied: /bin/x", "shell requires 'exec:/bin/x' capability"):
        answer = {"error": "VALIDATION_ERROR", "message": message, "code": 400}
        with pytest.raises(CapabilityError) as caught:
            context_over(ScriptedHost(answer)).client(CommandRunner).run(CommandRequest("/bin/x"))
        assert caught.value.required == "exec:/bin/x"


def test_a_command_that_did_not_run_is_an_error() -> None:
    """Not found, or given up on."""
    answers = [
        ({"error": {"code": "EXECUTION_FAILED", "message": "no such file"}}, ExecError),
        ({"error": {"code": "TIMEOUT", "message": "late"}}, TimeoutError),
    ]
    for answer, family in answers:
        with pytest.raises(family):
            context_over(ScriptedHost(answer)).client(CommandRunner).run(CommandRequest("x"))
