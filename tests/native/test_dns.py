"""DNS against a real nameserver on loopback."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from dnslib import AAAA, CNAME, MX, NS, QTYPE, RCODE, RR, TXT, A
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from reglet.domain.context import Context, ContextBound
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import CapabilityError, DNSError, TimeoutError  # noqa: A004 - our own family
from reglet.domain.policy import Policy, PolicyGuard
from reglet.domain.ports import DNSResolver
from reglet.infrastructure.native.dns import HostsFile, NativeDNSResolver
from tests.patience import longer_each_time

ZONE = {
    "a.example.": [A("192.0.2.1"), A("192.0.2.2"), AAAA("2001:db8::1")],
    "four.example.": [A("192.0.2.4")],
    "six.example.": [AAAA("2001:db8::6")],
    "alias.example.": [CNAME("a.example.")],
    "mail.example.": [MX("two.example.", 20), MX("one.example.", 10)],
    "text.example.": [TXT([b"v=spf1 ", b"-all"]), TXT([b"\xff\xe2\x82"])],
    "big.example.": [TXT([bytes([65 + n]) * 200]) for n in range(10)],
    "zone.example.": [NS("ns1.example."), NS("ns2.example.")],
    "empty.example.": [],
}


class Zone(BaseResolver):
    """Answers from the table and follows aliases."""

    def __init__(self):
        """Start with nothing asked."""
        self.asked = []
        self.lock = threading.Lock()

    def resolve(self, request, handler):
        """Answer one question."""
        name, kind = str(request.q.qname).lower(), QTYPE[request.q.qtype]
        with self.lock:
            self.asked.append((name, kind, handler.protocol))
        reply = request.reply()
        if name not in ZONE:
            reply.header.rcode = RCODE.SERVFAIL if name == "broken.example." else RCODE.NXDOMAIN
            return reply
        for owner, data in self.records(name):
            if type(data).__name__ in (kind, "CNAME"):
                reply.add_answer(RR(owner, QTYPE.reverse[type(data).__name__], rdata=data, ttl=60))
        return reply

    def records(self, name):
        """Return a name's records, and those of the name it is an alias of."""
        own = [(name, data) for data in ZONE[name]]
        aliases = [str(data.label) for data in ZONE[name] if type(data) is CNAME]
        return own + [(alias, data) for alias in aliases for data in ZONE[alias]]


class SmallAnswers(DNSHandler):
    """Cuts UDP answers at 512 bytes, as old servers do."""

    udplen = 512


@pytest.fixture(scope="session")
def nameserver():
    """Serve the zone over UDP and TCP on one free port; gives its address and the zone."""
    zone, quiet = Zone(), DNSLogger("-request,-reply,-truncated,-recv,-send,-data")
    options = {"address": "127.0.0.1", "handler": SmallAnswers, "logger": quiet}
    while True:
        udp = DNSServer(zone, port=0, **options)
        port = udp.server.server_address[1]
        try:
            servers = (udp, DNSServer(zone, port=port, tcp=True, **options))
        except OSError:  # somebody has that port for TCP
            udp.server.server_close()
        else:
            break
    for server in servers:
        server.start_thread()
    yield f"127.0.0.1:{port}", zone
    for server in servers:
        server.stop()
        server.server.server_close()


@pytest.fixture
def unanswering():
    """Listen on UDP and never answer; gives the address and a count of what came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)

        def asked():
            count = 0
            while True:
                try:
                    listener.recv(4096)
                except BlockingIOError:
                    return count
                count += 1

        yield f"127.0.0.1:{listener.getsockname()[1]}", asked


@pytest.fixture
def resolver(nameserver, tmp_path):
    """Ask the nameserver as if it were the system's; the hosts file has one name."""
    hosts = tmp_path / "hosts"
    hosts.write_text("# comment\n192.0.2.77 Known.example other # more\nnonsense line\n\n::7 known.example\n")
    return NativeDNSResolver(nameservers=(nameserver[0],), hosts_file=HostsFile(hosts))


def test_the_resolver_is_the_port(resolver):
    """It can be bound to a context as the port."""
    assert isinstance(resolver, DNSResolver)
    assert isinstance(resolver, ContextBound)


def test_a_host_has_addresses_of_both_families(resolver):
    """Either family alone is enough; aliases are followed."""
    assert resolver.lookup_host("a.example") == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert resolver.lookup_host("A.Example.") == resolver.lookup_host("alias.example")
    assert resolver.lookup_host("four.example") == ["192.0.2.4"]
    assert resolver.lookup_host("six.example") == ["2001:db8::6"]


def test_names_that_need_no_nameserver(resolver, nameserver):
    """The hosts file, localhost and addresses, as system resolvers have it."""
    before = len(nameserver[1].asked)
    assert resolver.lookup_host("known.example") == ["192.0.2.77", "::7"]
    assert resolver.lookup_host("localhost") == ["127.0.0.1", "::1"]
    assert resolver.lookup_host("x.localhost") == ["127.0.0.1", "::1"]
    assert resolver.lookup_host("192.0.2.5") == ["192.0.2.5"]
    assert len(nameserver[1].asked) == before


def test_a_given_nameserver_is_asked_even_for_names_in_the_hosts_file(resolver, nameserver):
    """The author wants to know what it says."""
    with pytest.raises(DNSError):
        resolver.lookup_host("known.example", nameserver=nameserver[0])


def test_the_canonical_name_is_the_end_of_the_aliases(resolver):
    """With the dot that Go's resolver writes; without an alias it is the name."""
    assert resolver.lookup_cname("alias.example") == "a.example."
    assert resolver.lookup_cname("a.example") == "a.example."


def test_mail_exchangers_come_by_preference(resolver):
    """Lowest first."""
    assert resolver.lookup_mx("mail.example") == [MXRecord("one.example.", 10), MXRecord("two.example.", 20)]


def test_texts_are_joined_and_name_servers_listed(resolver):
    """Each byte that is no UTF-8 is replaced."""
    assert resolver.lookup_txt("text.example") == ["v=spf1 -all", "\ufffd" * 3]
    assert resolver.lookup_ns("zone.example") == ["ns1.example.", "ns2.example."]


def test_an_answer_too_long_for_udp_is_fetched_over_tcp(resolver, nameserver):
    """All ten records arrive."""
    assert len(resolver.lookup_txt("big.example")) == 10
    assert [entry[2] for entry in nameserver[1].asked if entry[0] == "big.example."] == ["udp", "tcp"]


def test_a_name_that_does_not_exist_is_not_found(resolver):
    """Neither is a name without such records."""
    for name in ("missing.example", "empty.example"):
        with pytest.raises(DNSError) as caught:
            resolver.lookup_host(name)
        assert caught.value.is_not_found
        assert str(caught.value).startswith(f"dns lookup for {name} (A) failed: ")
    with pytest.raises(DNSError) as caught:
        resolver.lookup_mx("a.example", nameserver=resolver.nameservers[0])
    assert caught.value.is_not_found
    assert f"via {resolver.nameservers[0]}" in str(caught.value)


def test_what_is_no_name_is_an_error_and_not_not_found(resolver):
    """The text says what is wrong."""
    with pytest.raises(DNSError, match="a label is empty") as caught:
        resolver.lookup_host("a..b")
    assert not caught.value.is_not_found


def test_a_nameserver_that_keeps_silent_is_asked_again_until_time_runs_out(unanswering):
    """More than one try, one TimeoutError."""
    address, asked = unanswering
    for limit in longer_each_time(timedelta(milliseconds=300)):
        short = NativeDNSResolver(timeout=limit, patience=timedelta(milliseconds=50))
        with pytest.raises(TimeoutError) as caught:
            short.lookup_mx("a.example", nameserver=address)
        assert caught.value.is_timeout
        if asked() > 1:
            break
    else:
        pytest.fail("it was asked once")
    ctx = Context().with_timeout(timedelta(milliseconds=50))
    with pytest.raises(TimeoutError):
        NativeDNSResolver().in_context(ctx).lookup_host("a.example", nameserver=address)


def test_the_next_nameserver_is_asked_when_one_fails(nameserver, unanswering):
    """When all fail, the text says how the last one did."""
    both = (unanswering[0], nameserver[0])
    resolver = NativeDNSResolver(nameservers=both, patience=timedelta(milliseconds=250))
    assert resolver.lookup_host("four.example") == ["192.0.2.4"]
    with pytest.raises(DNSError, match=rf"{nameserver[0]} answered SERVFAIL") as caught:
        resolver.lookup_ns("broken.example")
    assert not caught.value.is_not_found


def test_a_hosts_file_is_read_as_far_as_it_makes_sense(tmp_path):
    """Lines that do not are passed over, and so is a file that is not there."""
    path = tmp_path / "hosts"
    assert HostsFile(path).addresses("a") == []
    path.write_text("fe80::1%lo0 a\n1.2.3.4\n1.2.3.5 a..b a\n1.2.3.6 A.\n010.1.1.1 a\n1.1 a\n1.2.3.7 a#b\r\n")
    assert HostsFile(path).addresses("a") == ["1.2.3.5", "1.2.3.6", "1.2.3.7"]


def test_a_name_at_the_end_of_a_long_hosts_file_is_found(tmp_path):
    """Those that block advertisements have more than a megabyte."""
    path = tmp_path / "hosts"
    path.write_text("0.0.0.0 advertisements.example\n" * 60_000 + "192.0.2.9 last.example\n")
    assert HostsFile(path).addresses("last.example") == ["192.0.2.9"]


def test_the_canonical_name_of_a_name_in_the_hosts_file_is_the_first_of_its_line(resolver, nameserver):
    """As in Go; a nameserver that is given is asked all the same."""
    assert resolver.lookup_cname("other") == "known.example."
    assert resolver.lookup_cname("localhost") == "localhost"
    with pytest.raises(DNSError):
        resolver.lookup_cname("known.example", nameserver=nameserver[0])


def test_an_address_has_no_records_of_a_name(resolver, nameserver):
    """Nobody is asked, not even a nameserver that is given; its own address is the one it has."""
    before = len(nameserver[1].asked)
    assert resolver.lookup_host("192.0.2.5", nameserver=nameserver[0]) == ["192.0.2.5"]
    for look_up in (resolver.lookup_cname, resolver.lookup_mx, resolver.lookup_txt, resolver.lookup_ns):
        with pytest.raises(DNSError) as caught:
            look_up("192.0.2.5")
        assert caught.value.is_not_found
    assert len(nameserver[1].asked) == before


def test_names_and_nameservers_need_grants(nameserver):
    """The name on port 53; the nameserver on its own port, by its address."""
    address = nameserver[0]
    host, port = address.split(":")

    def resolver(*rules):
        grants = GrantSet(network=NetworkCapability([NetworkRule(hosts, ports) for hosts, ports in rules]))
        return NativeDNSResolver(PolicyGuard(Policy(grants)))

    with pytest.raises(CapabilityError, match=r"network:four\.example:53"):
        resolver(([host], [port])).lookup_host("four.example", nameserver=address)
    with pytest.raises(CapabilityError, match=rf"network:127\.0\.0\.1:{port}"):
        resolver((["*"], ["*"])).lookup_host("four.example", nameserver=address)
    granted = resolver((["*.example"], ["53"]), ([host], [port]))
    assert granted.lookup_host("four.example", nameserver=address) == ["192.0.2.4"]
