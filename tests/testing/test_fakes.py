"""Fakes of the ports."""

import re
from datetime import timedelta

import pytest

from reglet.application import examples
from reglet.domain.entities.records import CommandRequest, HTTPRequest, MXRecord, ObservedConnection, TLSFacts
from reglet.domain.errors import (
    CapabilityError,
    DNSError,
    ExecError,
    HostError,
    HTTPError,
    NetworkError,
    TCPError,
    TimeoutError,  # noqa: A004
)
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPConnection, TCPDialer
from reglet.testing import (
    FakeClock,
    FakeCommandRunner,
    FakeDNSResolver,
    FakeHTTPClient,
    FakeSMTPClient,
    FakeTCPDialer,
    UnexpectedCallError,
    bad_certificate,
    denied,
    not_found,
    refused,
    reset,
    timeout,
)

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("fake", "port"),
    [
        (FakeHTTPClient(), HTTPClient),
        (FakeDNSResolver(), DNSResolver),
        (FakeTCPDialer(), TCPDialer),
        (ObservedConnection(), TCPConnection),
        (FakeSMTPClient(), SMTPClient),
        (FakeCommandRunner(), CommandRunner),
    ],
)
def test_a_fake_is_its_port(fake, port):
    """Every fake can stand where the port stands."""
    assert isinstance(fake, port)


def test_requests_are_told_apart_by_method_url_header_and_body():
    """The first route that fits answers."""
    http = FakeHTTPClient()
    http.on("https://a.test/x", method="POST", body={"id": 1}).respond(201)
    http.on("https://a.test/x", headers={"accept": "text/*"}).respond(200, body="text")
    http.on(re.compile(r"https://a\.test/\d+"), method="GET").respond(json={"n": 1})

    assert http.do(HTTPRequest("POST", "https://a.test/x", body=b'{"id": 1, "b": 2}')).status_code == 201
    assert http.do(HTTPRequest("GET", "https://a.test/x", {"Accept": "text/html"})).body == b"text"
    answer = http.get("https://a.test/42")
    assert (answer.body, answer.header("content-type")) == (b'{"n": 1}', "application/json")
    http.assert_all_used()


def test_answers_come_in_order_and_the_last_one_stays():
    """A route may change its mind, then keeps to it."""
    http = FakeHTTPClient()
    http.on("*").respond(503).fail(reset()).respond(200)
    assert http.get("http://a.test").status_code == 503
    with pytest.raises(HTTPError, match="reset by peer"):
        http.get("http://a.test")
    assert [http.get("http://a.test").status_code for _ in range(2)] == [200, 200]


def test_a_route_with_a_number_answers_so_often_and_no_more():
    """Then the next route that fits has its turn, and none is unexpected."""
    http = FakeHTTPClient()
    http.on("http://a.test").respond(500).times(1)
    http.get("http://a.test")
    with pytest.raises(UnexpectedCallError, match="it answers 1 calls and has answered them"):
        http.get("http://a.test")


def test_a_route_that_answers_no_call_is_used_without_any():
    """It says what must not be called."""
    http = FakeHTTPClient()
    http.on("http://a.test").respond(500).times(0)
    http.assert_all_used()
    with pytest.raises(UnexpectedCallError, match="it answers 0 calls"):
        http.get("http://a.test")


def test_an_unexpected_call_is_shown_beside_the_nearest_route():
    """The message names each fact that differs."""
    http = FakeHTTPClient()
    http.on("https://other.test/", method="DELETE").respond()
    http.on("https://a.test/login", method="POST").respond()
    with pytest.raises(UnexpectedCallError) as caught:
        http.get("https://a.test/logout")
    assert str(caught.value) == (
        "unexpected call: http method='GET' url='https://a.test/logout'\n"
        "  nearest route:   http method='POST' url='https://a.test/login'\n"
        "    method: expected 'POST', got 'GET'\n"
        "    url: expected 'https://a.test/login', got 'https://a.test/logout'"
    )


def test_an_unexpected_call_is_remembered():
    """A plugin that catches everything does not hide it."""
    http = FakeHTTPClient()
    with pytest.raises(UnexpectedCallError, match="no http routes"):
        http.get("http://a.test")
    with pytest.raises(UnexpectedCallError):
        http.raise_unexpected()


def test_a_route_without_an_answer_says_so():
    """A forgotten respond() is a mistake in the test."""
    http = FakeHTTPClient()
    http.on("http://a.test")
    with pytest.raises(UnexpectedCallError, match="has no answer"):
        http.get("http://a.test")


def test_routes_that_were_not_used_up_are_listed():
    """An answer that nobody asked for is an expectation that did not come true."""
    http = FakeHTTPClient()
    http.on("http://a.test").respond(500).respond(200)
    http.get("http://a.test")
    with pytest.raises(AssertionError, match=re.escape("url='http://a.test' (answered 1)")):
        http.assert_all_used()


def test_latency_moves_the_fake_clock_and_runs_into_the_timeout():
    """Nothing waits; a request that allows less time than the answer takes fails."""
    clock = FakeClock()
    http = FakeHTTPClient(clock=clock)
    http.on("*").respond(latency=2 * SECOND)
    http.do(HTTPRequest("GET", "http://a.test", timeout=3 * SECOND))
    assert clock.elapsed == 2 * SECOND
    with pytest.raises(TimeoutError, match=r"timeout after 1s .*a\.test"):
        http.do(HTTPRequest("GET", "http://a.test", timeout=SECOND))
    assert clock.elapsed == 3 * SECOND


def test_a_clock_does_not_go_back():
    """Negative time is a mistake in the test."""
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-SECOND)


@pytest.mark.parametrize(
    ("failure", "error", "text"),
    [
        (timeout(SECOND), TimeoutError, "timeout after 1s"),
        (refused(), HTTPError, "connection refused"),
        (denied(), CapabilityError, "network:a.test:443"),
        (not_found(), HTTPError, "no such host"),
        (reset(), HTTPError, "reset by peer"),
        (bad_certificate("expired"), HTTPError, "certificate verify failed: expired"),
    ],
)
def test_http_fails_on_purpose(failure, error, text):
    """Each failure is the error that a real client raises."""
    http = FakeHTTPClient()
    http.on("*").fail(failure)
    with pytest.raises(error, match=text):
        http.get("https://a.test/")


def test_lookups_answer_by_host_and_type():
    """Each record type has its own routes."""
    dns = FakeDNSResolver(
        examples.dns("a.test", "MX", mx_records=[MXRecord("b.test", 20), MXRecord("a.test", 10)]),
        examples.dns("a.test", "TXT", records=["v=1"]),
    )
    dns.on("a.test", "A").respond("192.0.2.1")
    dns.on("a.test", "AAAA").respond("2001:db8::1")
    dns.on("www.a.test", "CNAME").respond("a.test")
    dns.on("a.test", "NS", nameserver="9.9.9.*").respond("ns.a.test")

    assert dns.lookup_host("a.test") == ["192.0.2.1", "2001:db8::1"]
    assert dns.lookup_mx("a.test") == [MXRecord("a.test", 10), MXRecord("b.test", 20)]
    assert dns.lookup_txt("a.test") == ["v=1"]
    assert dns.lookup_cname("www.a.test") == "a.test"
    assert dns.lookup_ns("a.test", nameserver="9.9.9.9") == ["ns.a.test"]
    with pytest.raises(UnexpectedCallError, match="nameserver"):
        dns.lookup_ns("a.test")


@pytest.mark.parametrize(
    ("failure", "error"), [(timeout(), TimeoutError), (denied(), CapabilityError), (not_found(), DNSError)]
)
def test_dns_fails_on_purpose(failure, error):
    """A name that does not exist is marked as not found."""
    dns = FakeDNSResolver()
    dns.on("a.test").fail(failure)
    with pytest.raises(error) as caught:
        dns.lookup_host("a.test")
    assert caught.value.is_not_found is (error is DNSError)


def test_a_denial_of_an_ipv6_address_names_it_in_brackets():
    """As every other error does, and a grant's hint."""
    http, dns, tcp, smtp = FakeHTTPClient(), FakeDNSResolver(), FakeTCPDialer(), FakeSMTPClient()
    for fake in (http, dns, tcp, smtp):
        fake.on("*").fail(denied())
    calls = {
        "[::1]:8443": lambda: http.get("https://[::1]:8443/"),
        "[2001:db8::1]:53": lambda: dns.lookup_host("2001:db8::1"),
        "[::1]:22": lambda: tcp.dial("[::1]:22"),
        "[::1]:25": lambda: smtp.connect("::1", 25, SECOND, use_tls=False, use_starttls=False),
    }
    for target, call in calls.items():
        with pytest.raises(CapabilityError) as caught:
            call()
        assert caught.value.required == f"network:{target}"
    smtp = FakeSMTPClient()
    smtp.on("::1").respond()
    assert smtp.connect("::1", 25, SECOND, use_tls=False, use_starttls=False).address == "[::1]:25"


def test_a_canonical_name_that_is_not_there_is_not_found():
    """An answer without records is no empty text."""
    dns = FakeDNSResolver()
    dns.on("a.test", "CNAME").respond()
    with pytest.raises(DNSError, match="no such record"):
        dns.lookup_cname("a.test")


def test_connections_tell_of_tls_only_when_asked_for_it():
    """One route serves both, and a route may ask for one of them."""
    tcp = FakeTCPDialer()
    tcp.on("a.test:443").respond(tls=TLSFacts(version="TLS 1.3"), local_addr="10.0.0.1:5")
    with tcp.dial_secure("a.test:443", SECOND, tls=True) as connection:
        assert (connection.is_tls, connection.tls_version, connection.is_connected) == (True, "TLS 1.3", True)
    assert not connection.is_connected
    plain = tcp.dial("a.test:443")
    assert (plain.is_tls, plain.tls_version, plain.remote_addr) == (False, "", "a.test:443")
    tcp.on("b.test:1", tls=True).respond()
    with pytest.raises(UnexpectedCallError, match="tls: expected True, got False"):
        tcp.dial_with_timeout("b.test:1", SECOND)


@pytest.mark.parametrize(
    ("failure", "error"), [(timeout(), TimeoutError), (denied(), CapabilityError), (refused(), TCPError)]
)
def test_tcp_fails_on_purpose(failure, error):
    """Each failure is the error that a real dialer raises."""
    tcp = FakeTCPDialer()
    tcp.on("a.test:1").fail(failure)
    with pytest.raises(error):
        tcp.dial("a.test:1")


def test_mail_servers_tell_of_tls_only_when_asked_for_it():
    """The banner is there in either case, and latency is the response time."""
    smtp = FakeSMTPClient()
    smtp.on("mx.test", 25).respond(
        "220 hi", tls=TLSFacts(version="TLS 1.2"), extensions=["AUTH"], latency=SECOND
    )
    plain = smtp.connect("mx.test", 25, 2 * SECOND, use_tls=False, use_starttls=False)
    secure = smtp.connect("mx.test", 25, 2 * SECOND, use_tls=False, use_starttls=True)
    assert (plain.banner, plain.tls_enabled, plain.tls_version) == ("220 hi", False, "")
    assert (secure.tls_enabled, secure.tls_version, secure.response_time) == (True, "TLS 1.2", SECOND)
    assert plain.address == "mx.test:25"


@pytest.mark.parametrize(
    ("failure", "error"), [(timeout(), TimeoutError), (denied(), CapabilityError), (refused(), NetworkError)]
)
def test_smtp_fails_on_purpose(failure, error):
    """Each failure is the error that a real client raises."""
    smtp = FakeSMTPClient()
    smtp.on("mx.test", use_tls=True).fail(failure)
    with pytest.raises(error):
        smtp.connect("mx.test", 465, SECOND, use_tls=True, use_starttls=False)


def test_commands_are_told_apart_by_arguments_directory_and_environment():
    """Each criterion narrows a route."""
    runner = FakeCommandRunner(examples.command("/bin/true"))
    runner.on("/bin/ls", ["-l", "*"], dir="/tmp", env={"LANG": "C"}).respond("x\n", exit_code=2)
    request = CommandRequest("/bin/ls", ["-l", "/etc"], dir="/tmp", env={"LANG": "C", "A": "b"})
    assert (runner.run(request).stdout, runner.run(request).exit_code) == ("x\n", 2)
    assert runner.run(CommandRequest("/bin/true", ["anything"])).exit_code == 0
    with pytest.raises(UnexpectedCallError, match="args: expected"):
        runner.run(CommandRequest("/bin/ls", ["-a"], dir="/tmp", env={"LANG": "C"}))


@pytest.mark.parametrize(
    ("failure", "error", "text"),
    [
        (denied(), CapabilityError, "exec:/bin/x"),
        (not_found(), ExecError, "executable file not found"),
        (refused(), ExecError, "permission denied"),
    ],
)
def test_commands_fail_on_purpose(failure, error, text):
    """Each failure is the error that a real runner raises."""
    runner = FakeCommandRunner()
    runner.on("/bin/x").fail(failure)
    with pytest.raises(error, match=text):
        runner.run(CommandRequest("/bin/x"))


def test_a_command_that_runs_out_of_time_is_a_result():
    """As a real runner, the fake answers and does not raise."""
    runner = FakeCommandRunner()
    runner.on("sleep").respond(latency=5 * SECOND)
    result = runner.run(CommandRequest("sleep", timeout=SECOND))
    assert (result.is_timeout, result.duration) == (True, SECOND)


def test_an_examples_answer_may_be_a_failure_by_name():
    """A name that fakes know is that failure."""
    http = FakeHTTPClient(examples.http("http://a.test/*", error="refused"))
    with pytest.raises(HTTPError, match="connection refused"):
        http.get("http://a.test/x")


def test_an_examples_answer_may_be_any_error():
    """An error is raised as it stands; another text is what a host said."""
    tcp = FakeTCPDialer(examples.tcp("a.test:1", error=TCPError("a.test:1", "on fire")))
    with pytest.raises(TCPError, match="on fire"):
        tcp.dial("a.test:1")
    dns = FakeDNSResolver(examples.dns("a.test", error="the resolver is asleep"))
    with pytest.raises(HostError, match="asleep"):
        dns.lookup_host("a.test")


def test_a_route_may_raise_an_error_as_it_stands():
    """For what none of the named failures is."""
    http = FakeHTTPClient()
    http.on("*").fail(HTTPError("GET", "http://a.test", "teapot", 418))
    with pytest.raises(HTTPError, match="with status 418: teapot"):
        http.get("http://a.test")


def test_an_answer_for_any_record_type_is_asked_once_for_addresses():
    """A route for all types does not give its records twice."""
    dns = FakeDNSResolver()
    dns.on("a.test", None).respond("192.0.2.1")
    assert dns.lookup_host("a.test") == ["192.0.2.1"]


def test_an_examples_answer_is_given_as_it_stands():
    """Every kind of answer becomes a route of its fake."""
    http = FakeHTTPClient(examples.http("http://a.test", method="POST", status_code=201, body="[1]"))
    assert http.post("http://a.test", "text/plain", b"x").body == b"[1]"
    smtp = FakeSMTPClient(examples.smtp("mx.test", banner="220 x"))
    assert smtp.connect("mx.test", 25, SECOND, use_tls=False, use_starttls=False).banner == "220 x"
    tcp = FakeTCPDialer(examples.tcp("a.test:1", remote_addr="192.0.2.1:1"))
    assert tcp.dial("a.test:1").remote_addr == "192.0.2.1:1"
    runner = FakeCommandRunner(examples.command("id", [], stdout="root"))
    assert runner.run(CommandRequest("id")).stdout == "root"
