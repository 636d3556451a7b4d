"""A host made of fakes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import reglet
from reglet.application import examples
from reglet.domain.entities.grants import ExecCapability, GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import CommandRequest, MXRecord, TLSFacts
from reglet.domain.errors import CapabilityError, DefinitionError, DNSError
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.testing import (
    FakeHost,
    FakeHTTPClient,
    UnexpectedCallError,
    assert_error,
    assert_success,
    examples_of,
    not_found,
    run_example,
)
from tests.testing.plugins import fetching

SECOND = timedelta(seconds=1)
EVERYWHERE = GrantSet(
    network=NetworkCapability([NetworkRule(["*.test"], ["*"])]), exec=ExecCapability(["/bin/*"])
)
DIALECTS = pytest.mark.parametrize("dialect", ["abi", "hostlib"])


@DIALECTS
def test_every_port_is_answered_at_the_seam_in_either_dialect(dialect):
    """What the fakes say comes back through the bytes of the wire."""
    host = FakeHost(grants=EVERYWHERE, dialect=dialect)
    host.http.on("https://a.test/").respond(201, headers={"X": "y"}, body="hi")
    host.dns.on("a.test", "MX").respond(MXRecord("mx.a.test", 10))
    host.tcp.on("a.test:443", tls=True).respond(tls=TLSFacts(version="TLS 1.3"))
    host.smtp.on("a.test", 25).respond("220 hello")
    host.command.on("/bin/id", ["-u"]).respond("0\n")
    ctx = host.context()

    response = ctx.client(HTTPClient).get("https://a.test/")
    assert (response.status_code, response.header("X"), response.body) == (201, "y", b"hi")
    assert ctx.client(DNSResolver).lookup_mx("a.test") == [MXRecord("mx.a.test", 10)]
    assert ctx.client(TCPDialer).dial_secure("a.test:443", SECOND, tls=True).tls_version == "TLS 1.3"
    greeting = ctx.client(SMTPClient).connect("a.test", 25, SECOND, use_tls=False, use_starttls=False)
    assert greeting.banner == "220 hello"
    assert ctx.client(CommandRunner).run(CommandRequest("/bin/id", ["-u"])).stdout == "0\n"
    host.assert_all_used()


@DIALECTS
def test_what_is_not_granted_is_denied_before_any_route(dialect):
    """A unit test fails where a real host would refuse."""
    host = FakeHost(examples.http("https://a.test/"), dialect=dialect)
    with pytest.raises(CapabilityError, match=r"a\.test"):
        host.context().client(HTTPClient).get("https://a.test/")
    assert [(call.name, call.allowed) for call in host.calls][-1] == ("http_request", False)
    with pytest.raises(AssertionError, match="not used up"):
        host.assert_all_used()


def test_a_plugin_gets_what_it_declares_and_nothing_more():
    """The grants of `FakeHost.of` are the plugin's own capabilities."""
    plugin = fetching()
    host = FakeHost.of(plugin, examples.http("*", body="hi"))
    assert_success(host.check(plugin, {"url": "https://a.test/"}))
    assert_error(host.check(plugin, {"url": "https://example.com/"}), "example.com", type="capability")


def test_a_check_runs_as_on_a_host():
    """The Result has its time and metadata, and the config may be the bytes that a host sends."""
    plugin = fetching()
    host = FakeHost.of(plugin, examples.http("https://a.test/", body="hi"))
    result = host.check(plugin, b'{"url": "https://a.test/"}')
    assert result.data == {"status_code": 200, "body": "hi"}
    assert (result.metadata.plugin_id, result.timestamp.year > 2000) == ("fetch", True)


def test_an_unexpected_call_is_raised_after_the_check():
    """The plugin only saw an error of its host; the test sees what happened."""
    plugin = fetching()
    with pytest.raises(UnexpectedCallError, match="nearest route"):
        FakeHost.of(plugin, examples.http("https://a.test/")).check(plugin, {"url": "https://b.test/"})


def test_the_log_is_kept():
    """Messages arrive as a host gets them."""
    host = FakeHost()
    message = {"level": "WARN", "message": "careful", "timestamp": "2026-01-01T00:00:00Z", "context": {}}
    host.call("log_message", json.dumps(message).encode())
    assert host.log.texts == ["WARN careful"]


@DIALECTS
def test_a_latency_beyond_the_timeout_of_a_call_is_a_timeout(dialect):
    """The time limit crosses the wire."""
    host = FakeHost(grants=EVERYWHERE, dialect=dialect)
    host.tcp.on("a.test:1").respond(latency=3 * SECOND)
    with pytest.raises(TimeoutError, match=r"a\.test:1"):
        host.context().client(TCPDialer).dial_with_timeout("a.test:1", SECOND)
    assert timedelta() < host.clock.elapsed <= SECOND


@DIALECTS
def test_a_look_up_of_a_host_uses_one_answer(dialect):
    """A host is asked for A and for AAAA; a route for one of them is asked once, and both may have one."""
    host = FakeHost(grants=EVERYWHERE, dialect=dialect)
    host.dns.on("a.test").fail(not_found()).respond("192.0.2.1").respond("192.0.2.2")
    host.dns.on("b.test", "AAAA").respond("2001:db8::1")
    host.dns.on("c.test", None).respond("192.0.2.3")
    resolver = host.context().client(DNSResolver)
    with pytest.raises(DNSError) as caught:
        resolver.lookup_host("a.test")
    assert caught.value.is_not_found
    assert [resolver.lookup_host("a.test") for _ in range(2)] == [["192.0.2.1"], ["192.0.2.2"]]
    assert resolver.lookup_host("b.test") == ["2001:db8::1"]
    assert resolver.lookup_host("c.test") == ["192.0.2.3"]
    host.assert_all_used()


def test_a_look_up_that_no_route_fits_is_unexpected_in_any_type():
    """Strictness does not depend on how a host is asked."""
    host = FakeHost(grants=EVERYWHERE)
    host.call("dns_lookup", b"no JSON")
    host.call("dns_lookup", b'{"hostname": "a.test", "type": "A", "context": {}}')
    with pytest.raises(UnexpectedCallError, match=r"a\.test"):
        host.raise_unexpected()


def dated(*examples):
    """A plugin that returns the year."""
    plugin = reglet.define_plugin(name="dated", version="1.0.0", description="d")

    @plugin.service("s")
    class Service:
        @reglet.operation(examples=examples)
        def year(self, ctx: reglet.Context) -> Year:
            return Year(ctx.now().year)

    return plugin


@reglet.model
class Year:
    year: int


def test_a_test_sets_the_time_that_a_check_sees():
    """In the whole stack, in a context for a handler, and moved by latencies."""
    host = FakeHost.of(dated(), now=datetime(2031, 2, 3, tzinfo=UTC))
    assert host.check(dated(), {}).data == {"year": 2031}
    assert host.context().now() == datetime(2031, 2, 3, tzinfo=UTC)
    host.clock.advance(timedelta(days=365))
    assert host.check(dated(), {}).data == {"year": 2032}
    assert abs(FakeHost().context().now() - datetime.now(UTC)) < timedelta(days=1)


def test_an_example_has_a_time_of_its_own():
    """What it expects does not age."""
    plugin = dated(
        reglet.Example("then", None, expected_output=Year(1999), now=datetime(1999, 1, 1, tzinfo=UTC))
    )
    [case] = examples_of(plugin)
    assert run_example(case).is_success
    [case] = examples_of(plugin, FakeHTTPClient())
    assert run_example(case).is_success


def test_a_time_without_a_zone_is_refused():
    """It would be another time on every machine."""
    with pytest.raises(DefinitionError, match="has no time zone"):
        reglet.Example("x", None, expected_error="y", now=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="has no time zone"):
        FakeHost(now=datetime(2026, 1, 1))  # noqa: DTZ001
