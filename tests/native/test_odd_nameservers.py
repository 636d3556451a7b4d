"""Nameservers that fail in part, lie or keep silent: what is known is returned, as by Go 1.26."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from reglet.application.checks import run_dns_check
from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import DNSError, TimeoutError  # noqa: A004 - our own family
from reglet.domain.policy import Policy
from reglet.infrastructure.guest.clients import host_clients
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.infrastructure.native.dns import NativeDNSResolver
from reglet.infrastructure.native.resolv_conf import SystemResolver
from tests.native.answering import AMPLE, bound_twice
from tests.patience import PATIENCE

NAME = "www.example.com."
Answers = Callable[[dns.message.Message], list[dns.message.Message | bytes]]


@contextmanager
def nameserver(answers: Answers, patience: timedelta = AMPLE) -> Iterator[NativeDNSResolver]:
    """Give a resolver over a nameserver that answers each question with datagrams; its port refuses TCP."""
    taken, listener = bound_twice()

    def serve() -> None:
        while True:
            try:
                data, client = listener.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            answering.append(threading.Thread(target=answer, args=(data, client)))
            answering[-1].start()

    def answer(data: bytes, client: tuple[str, int]) -> None:
        for each in answers(dns.message.from_wire(data)):
            listener.sendto(each if isinstance(each, bytes) else each.to_wire(), client)

    answering: list[threading.Thread] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address, port = listener.getsockname()
    try:
        yield NativeDNSResolver(
            nameservers=(f"{address}:{port}",),
            timeout=2 * AMPLE,
            patience=patience,
        )
    finally:
        listener.sendto(b"", (address, port))
        for each in (thread, *answering):
            each.join(PATIENCE)
        listener.close()
        taken.close()


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


def patience_for(failure: str) -> timedelta:
    """Return how long a resolver waits for one answer: not long where none comes."""
    return timedelta(milliseconds=300) if failure in ("silence", "nonsense") else AMPLE


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("answered", ["A", "AAAA"])
def test_one_family_is_enough_whatever_comes_of_the_other(failure, answered):
    """Failed, refused, unknown or silent."""

    def answers(query):
        if kind(query) == answered:
            return [reply(query, (NAME, answered, RECORDS[answered]))]
        return FAILURES[failure](query)

    with nameserver(answers, patience_for(failure)) as resolver:
        assert resolver.lookup_host("www.example.com") == [RECORDS[answered]]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("asked", ["A", "AAAA"])
def test_a_check_for_one_family_is_an_error_where_its_question_fails(failure, asked):
    """Nobody knows then whether there are such addresses; an empty answer says that there are none."""
    other = "AAAA" if asked == "A" else "A"

    def answers(query):
        if kind(query) == other:
            return [reply(query, (NAME, other, RECORDS[other]))]
        return FAILURES[failure](query)

    grants = GrantSet(network=NetworkCapability(rules=[NetworkRule(hosts=["*"], ports=["53"])]))
    with nameserver(answers, patience_for(failure)) as resolver:
        functions = HostDispatcher(HostPorts(dns=resolver), Policy(grants))
        config = {"hostname": "www.example.com", "record_type": asked, "timeout_ms": 120_000}
        result = run_dns_check(Context(clients=host_clients(functions)), config)
    if failure in ("NXDOMAIN", "an empty answer"):
        assert (result.status, result.data["record_count"]) == ("success", 0)
    else:
        assert (result.status, result.error.is_not_found) == ("error", False)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_alias_is_told_where_its_name_has_no_addresses(failure):
    """Whatever comes of the questions for those."""

    def answers(query):
        if kind(query) == "CNAME":
            return [reply(query, (NAME, "CNAME", "gone.example.net."))]
        return FAILURES[failure](query)

    with nameserver(answers, patience_for(failure)) as resolver:
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
    "a failure without its question": lambda query: query.to_wire()[:2] + b"\x81\x82" + bytes(8),
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


def test_the_questions_of_a_look_up_are_asked_at_once():
    """A look-up takes as long as the slowest answer; `single-request` has them asked one by one."""
    together = threading.Barrier(3)

    def answers(query):
        try:
            together.wait(0.3 if single_request else PATIENCE)
        except threading.BrokenBarrierError:
            alone.append(kind(query))
        return [reply(query, *([(NAME, "A", "192.0.2.1")] if kind(query) == "A" else []))]

    with nameserver(answers) as resolver:
        (address,) = resolver.nameservers
        for single_request, expected in ((False, []), (True, ["A", "AAAA", "CNAME"])):
            alone = []
            system = SystemResolver(single_request=single_request)
            each = NativeDNSResolver(system=lambda system=system: system, patience=AMPLE)
            assert each.lookup_cname("www.example.com", nameserver=address) == NAME
            assert sorted(alone) == expected


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR", "silence", "nonsense"])
def test_what_failed_once_is_asked_again(failure):
    """It may have passed; the second time without EDNS, which some nameservers do not know."""
    asked = []

    def answers(query):
        asked.append(query.edns)
        return (
            FAILURES[failure](query) if query.edns >= 0 else [reply(query, (NAME, "MX", "10 mail.example."))]
        )

    with nameserver(answers, patience_for(failure)) as resolver:
        assert resolver.lookup_mx("www.example.com") == [MXRecord("mail.example.", 10)]
    assert asked[:2] == [0, -1]


def test_an_answer_of_1232_bytes_comes_over_udp():
    """There may be nothing that listens on TCP."""

    def answers(query):
        texts = [f'"{number}{"x" * 200}"' for number in range(5)]
        return [reply(query, (NAME, "TXT", *texts)) if query.payload == 1232 else b""]

    with nameserver(answers) as resolver:
        assert len(resolver.lookup_txt("www.example.com")) == 5


def test_an_answer_that_is_cut_and_cannot_be_had_over_tcp_is_an_error_that_says_so():
    """What arrived is not taken for all there is."""

    def cut(query):
        answer = reply(query, (NAME, "TXT", "part"))
        answer.flags |= dns.flags.TC
        return [answer]

    with nameserver(cut) as resolver, pytest.raises(DNSError, match=r"is asked over TCP: .*refused"):
        resolver.lookup_txt("www.example.com")


def test_an_answer_that_ends_too_early_is_an_error():
    """Of texts and mail exchangers those that can be read may be half of them; one address is enough."""

    def answers(query):
        addresses = [f"192.0.2.{number}" for number in range(9)]
        records = (NAME, "TXT", *[f'"{number}{"x" * 90}"' for number in range(9)])
        return [reply(query, (NAME, "A", *addresses) if kind(query) == "A" else records).to_wire()[:150]]

    with nameserver(answers) as resolver:
        assert 1 < len(resolver.lookup_host("www.example.com")) < 9
        with pytest.raises(DNSError, match="answered with 9 records, not all of which can be read"):
            resolver.lookup_txt("www.example.com")


def test_aliases_lead_to_addresses_in_whatever_order_they_come():
    """More than any resolver would follow, in upper case, and two for one name."""

    def answers(query):
        chain = [(f"n{number}.example.", "CNAME", f"N{number + 1}.example.") for number in range(20)]
        records = [
            ("n20.example.", "A", "192.0.2.1"),
            *chain,
            (NAME, "CNAME", "n0.example.", "other.example."),
        ]
        return [reply(query, *(records if kind(query) == "A" else []))]

    with nameserver(answers) as resolver:
        assert resolver.lookup_host("www.example.com") == ["192.0.2.1"]


def test_a_loop_of_aliases_ends():
    """It leads to no address, and the canonical name is what the first one names."""

    def answers(query):
        return [reply(query, (NAME, "CNAME", "b.example."), ("b.example.", "CNAME", NAME))]

    with nameserver(answers) as resolver:
        assert resolver.lookup_cname("www.example.com") == "b.example."
        with pytest.raises(DNSError) as caught:
            resolver.lookup_host("www.example.com")
        assert caught.value.is_not_found


def test_a_nameserver_that_only_refers_to_others_does_not_know_the_name():
    """It is not missing."""

    def lame(query):
        answer = dns.message.make_response(query)
        answer.authority.append(dns.rrset.from_text("example.com.", 60, "IN", "NS", "ns.example.net."))
        return [answer]

    with nameserver(lame) as resolver, pytest.raises(DNSError, match="lame referral") as caught:
        resolver.lookup_host("www.example.com")
    assert not caught.value.is_not_found


@pytest.mark.parametrize("exchanger", [".", "a_b.example.", "MAIL.Example.", "192.0.2.1."])
def test_a_mail_exchanger_is_told_as_it_is_written(exchanger):
    """Also the one that says that there is none (RFC 7505), and an address, which many write."""
    with nameserver(lambda query: [reply(query, (NAME, "MX", f"0 {exchanger}"))]) as resolver:
        assert resolver.lookup_mx("www.example.com") == [MXRecord(exchanger, 0)]


@pytest.mark.parametrize("name", ["a\\032b.example.", "-a.example.", "*.example."])
def test_a_name_in_an_answer_that_is_none_is_an_error(name):
    """As on Go's hosts; nothing is left out in silence."""
    records = (NAME, "MX", "1 good.example.", f"2 {name}")
    with (
        nameserver(lambda query: [reply(query, records)]) as resolver,
        pytest.raises(DNSError, match="where a name should be"),
    ):
        resolver.lookup_mx("www.example.com")


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
    assert SystemResolver(search=("prod.example", "example")).names(name) == names


RESOLV_CONF = {
    "search prod.example example\noptions ndots:3": {"search": ("prod.example", "example"), "ndots": 3},
    "domain example.": {"search": ("example",)},
    "search a.example\ndomain b.example": {"search": ("b.example",)},
    "domain a.example\nsearch . b.example c.example": {"search": ("b.example", "c.example")},
    "options ndots:99": {"ndots": 15},
    "options ndots:x": {"ndots": 0},
    "options timeout:0": {"timeout": timedelta(seconds=1), "attempts": 2},
    "options timeout:7 attempts:5 rotate": {"timeout": timedelta(seconds=7), "attempts": 5, "rotate": True},
    "options edns0 use-vc\noptions single-request": {"use_tcp": True, "single_request": True},
    "nameserver dns.example\nnameserver 192.0.2.9#53\nnameserver ::7 # seven": {"nameservers": ("::7",)},
    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4": {
        "nameservers": ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    },
    "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n\nsortlist x": {},
}


@pytest.mark.parametrize("content", RESOLV_CONF)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_resolv_conf_is_read_as_go_reads_it(tmp_path, content, end):
    """Its limits, its options, what counts last, what is passed over; without a nameserver it is this host."""
    path = tmp_path / "resolv.conf"
    path.write_bytes((content.replace("\n", end) + end).encode())
    said = SystemResolver.from_file(path)
    expected = {"search": said.search if "search" not in RESOLV_CONF[content] else (), **RESOLV_CONF[content]}
    assert said == SystemResolver(**expected)


def test_the_systems_look_ups_wait_as_long_as_resolv_conf_says():
    """By which a nameserver that keeps silent is told from one that fails."""
    assert SystemResolver().silence == timedelta(seconds=10)
    assert SystemResolver(timeout=timedelta(seconds=2), attempts=1).silence == timedelta(seconds=2)


def test_without_resolv_conf_the_nameserver_is_this_host(tmp_path):
    """As in Go, and in the system's own resolver."""
    assert SystemResolver.from_file(tmp_path / "resolv.conf").nameservers == ("127.0.0.1", "::1")


def test_a_name_in_the_search_list_is_found():
    """The other ones may be missing; a name with a dot at its end is asked for alone."""
    asked = []

    def answers(query):
        asked.append(query.question[0].name.to_text())
        if asked[-1] != "db.prod.example.":
            return FAILURES["NXDOMAIN"](query)
        return [reply(query, *([(asked[-1], "A", "192.0.2.7")] if kind(query) == "A" else []))]

    system = SystemResolver(search=("other.example", "prod.example"))
    with nameserver(answers) as resolver:
        (address,) = resolver.nameservers
        assert NativeDNSResolver(system=lambda: system).lookup_host("db", nameserver=address) == ["192.0.2.7"]
        assert list(dict.fromkeys(asked)) == ["db.other.example.", "db.prod.example."]
        with pytest.raises(DNSError) as caught:
            NativeDNSResolver(system=lambda: system).lookup_host("db.", nameserver=address)
        assert caught.value.is_not_found
