"""Nameservers that fail in part, lie or keep silent: what is known is returned, as by Go 1.26."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import DNSError, TimeoutError  # noqa: A004 - our own family
from reglet.infrastructure.native.dns import NativeDNSResolver, SearchList

NAME = "www.example.com."
Answers = Callable[[dns.message.Message], list[dns.message.Message | bytes]]


@contextmanager
def nameserver(answers: Answers) -> Iterator[NativeDNSResolver]:
    """Give a resolver over a nameserver that answers each question with datagrams."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                data, client = listener.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            for each in answers(dns.message.from_wire(data)):
                listener.sendto(each if isinstance(each, bytes) else each.to_wire(), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address, port = listener.getsockname()
    try:
        yield NativeDNSResolver(
            nameservers=(f"{address}:{port}",),
            timeout=timedelta(seconds=20),
            patience=timedelta(milliseconds=300),
        )
    finally:
        listener.sendto(b"", (address, port))
        thread.join(5)
        listener.close()


def reply(query, *records, rcode=dns.rcode.NOERROR):
    """Return an answer; each record is an owner, a type and its texts."""
    answer = dns.message.make_response(query, recursion_available=True)
    answer.answer += [dns.rrset.from_text(owner, 60, "IN", kind, *texts) for owner, kind, *texts in records]
    answer.set_rcode(rcode)
    return answer


def kind(query):
    """Return the type that is asked for."""
    return dns.rdatatype.to_text(query.question[0].rdtype)


FAILURES = {
    "SERVFAIL": lambda query: [reply(query, rcode=dns.rcode.SERVFAIL)],
    "NXDOMAIN": lambda query: [reply(query, rcode=dns.rcode.NXDOMAIN)],
    "NOTIMP": lambda query: [reply(query, rcode=dns.rcode.NOTIMP)],
    "REFUSED": lambda query: [reply(query, rcode=dns.rcode.REFUSED)],
    "FORMERR": lambda query: [reply(query, rcode=dns.rcode.FORMERR)],
    "silence": lambda query: [],
    "nonsense": lambda query: [b"nonsense"],
    "an empty answer": lambda query: [reply(query)],
}
RECORDS = {"A": "192.0.2.1", "AAAA": "2001:db8::1"}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("answered", ["A", "AAAA"])
def test_one_family_is_enough_whatever_comes_of_the_other(failure, answered):
    """Failed, refused, unknown or silent."""

    def answers(query):
        if kind(query) == answered:
            return [reply(query, (NAME, answered, RECORDS[answered]))]
        return FAILURES[failure](query)

    with nameserver(answers) as resolver:
        assert resolver.lookup_host("www.example.com") == [RECORDS[answered]]


@pytest.mark.parametrize("failure", FAILURES)
def test_an_alias_is_told_where_its_name_has_no_addresses(failure):
    """Whatever comes of the questions for those."""

    def answers(query):
        if kind(query) == "CNAME":
            return [reply(query, (NAME, "CNAME", "gone.example.net."))]
        return FAILURES[failure](query)

    with nameserver(answers) as resolver:
        assert resolver.lookup_cname("www.example.com") == "gone.example.net."


def test_the_canonical_name_is_that_which_has_the_addresses():
    """At the end of a chain of aliases, by either family."""

    def answers(query):
        if kind(query) != "AAAA":
            return FAILURES["SERVFAIL"](query)
        chain = [(NAME, "CNAME", "b.example."), ("b.example.", "CNAME", "c.example.")]
        return [reply(query, *chain, ("c.example.", "AAAA", "2001:db8::1"))]

    with nameserver(answers) as resolver:
        assert resolver.lookup_cname("www.example.com") == "c.example."
        assert resolver.lookup_host("www.example.com") == ["2001:db8::1"]


@pytest.mark.parametrize(("first", "second"), [("SERVFAIL", "NXDOMAIN"), ("an empty answer", "REFUSED")])
def test_a_name_is_not_found_only_where_nothing_failed(first, second):
    """What was not answered may be there."""

    def answers(query):
        return FAILURES[first if kind(query) == "A" else second](query)

    with (
        nameserver(answers) as resolver,
        pytest.raises(DNSError, match=r"answered (SERVFAIL|REFUSED)") as caught,
    ):
        resolver.lookup_host("www.example.com")
    assert not caught.value.is_not_found


def test_a_name_without_addresses_and_alias_is_not_found():
    """For its canonical name too, as in Go."""
    with nameserver(FAILURES["an empty answer"]) as resolver:
        for look_up in (resolver.lookup_host, resolver.lookup_cname, resolver.lookup_mx, resolver.lookup_ns):
            with pytest.raises(DNSError) as caught:
                look_up("www.example.com")
            assert caught.value.is_not_found


FORGERIES = {
    "a wrong id": lambda query: b"\0\0" + reply(query, rcode=dns.rcode.SERVFAIL).to_wire()[2:],
    "another name": lambda query: reply(dns.message.make_query("other.example.", "A", id=query.id)),
    "another type": lambda query: reply(dns.message.make_query(NAME, "MX", id=query.id)),
    "a question": lambda query: query,
    "a header alone": lambda query: query.to_wire()[:12],
    "half a header": lambda query: query.to_wire()[:5],
    "nothing": lambda query: b"",
    "nonsense": lambda query: b"\xff" * 300,
    "a wrong id, cut": lambda query: b"\0\0\x82" + reply(query).to_wire()[3:],
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("count", [1, 50])
def test_a_datagram_that_is_no_answer_is_passed_over(forgery, count):
    """The true one comes behind it (CVE-2023-29483)."""

    def answers(query):
        records = [(NAME, "A", "192.0.2.1")] if kind(query) == "A" else []
        return [*[FORGERIES[forgery](query)] * count, reply(query, *records)]

    with nameserver(answers) as resolver:
        assert resolver.lookup_host("www.example.com") == ["192.0.2.1"]


def test_bytes_behind_an_answer_are_ignored():
    """As in Go."""

    def answers(query):
        return [reply(query, (NAME, "MX", "10 mail.example.")).to_wire() + b"trailing"]

    with nameserver(answers) as resolver:
        assert resolver.lookup_mx("www.example.com") == [MXRecord("mail.example.", 10)]


def test_silence_for_all_types_is_a_timeout_with_the_time_that_was_waited():
    """Not one that counts from nothing."""
    with nameserver(FAILURES["silence"]) as resolver:
        began = time.monotonic()
        hurried = NativeDNSResolver(nameservers=resolver.nameservers, timeout=timedelta(seconds=1))
        with pytest.raises(TimeoutError, match="dns lookup timeout after 1s"):
            hurried.lookup_host("www.example.com")
        assert time.monotonic() - began >= 0.9


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("db", ["db.prod.example", "db.example", "db"]),
        ("db.prod", ["db.prod", "db.prod.prod.example", "db.prod.example"]),
    ],
)
def test_short_names_are_looked_up_in_the_domains_of_the_search_list(name, names):
    """First of all where they have fewer dots than ndots, else last."""
    assert SearchList(("prod.example", "example")).names(name) == names


def test_the_search_list_is_that_of_resolv_conf(tmp_path):
    """`search` with `ndots`, or `domain`."""
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.53\nsearch prod.example example\noptions ndots:3\n")
    assert SearchList.of(dns.resolver.Resolver(str(path))) == SearchList(("prod.example", "example"), 3)
    path.write_text("nameserver 192.0.2.53\ndomain example\n")
    assert SearchList.of(dns.resolver.Resolver(str(path))) == SearchList(("example",), 1)


def test_a_name_in_the_search_list_is_found():
    """The other ones may be missing; a name with a dot at its end is asked for alone."""
    asked = []

    def answers(query):
        asked.append(query.question[0].name.to_text())
        if asked[-1] != "db.prod.example.":
            return FAILURES["NXDOMAIN"](query)
        return [reply(query, *([(asked[-1], "A", "192.0.2.7")] if kind(query) == "A" else []))]

    system = dns.resolver.Resolver(configure=False)
    system.search = [dns.name.from_text("other.example"), dns.name.from_text("prod.example")]
    with nameserver(answers) as resolver:
        (address,) = resolver.nameservers
        assert NativeDNSResolver(system=lambda: system).lookup_host("db", nameserver=address) == ["192.0.2.7"]
        assert list(dict.fromkeys(asked)) == ["db.other.example.", "db.prod.example."]
        with pytest.raises(DNSError) as caught:
            NativeDNSResolver(system=lambda: system).lookup_host("db.", nameserver=address)
        assert caught.value.is_not_found
