"""A stand-in for the resolver behind the DNS port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Self

from reglet.application.examples import DNSAnswer
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import (
    DNSError,
)
from reglet.domain.ports import HostFunctions
from reglet.domain.urls import DNS_PORT
from reglet.testing.fakes.routes import (
    Criterion,
    Failure,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    equals,
    failure_of,
    optional_text_matches,
    text_matches,
)


class DNSRoute(Route[tuple[str | MXRecord, ...]]):
    """Look-ups that fit, and their answers in order."""

    def respond(self, *records: str | MXRecord, latency: timedelta = timedelta()) -> Self:
        """Answer the next look-up with records; none at all is an answer too."""
        return self.then(records, latency)


class FakeDNSResolver(Fake[DNSRoute]):
    """A `DNSResolver` that answers from routes and fails on any other look-up.

    `lookup_host` answers from the routes of types A and AAAA together.
    """

    def __init__(self, *answers: DNSAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, DNSAnswer)
        self._asked = ""

    def on(
        self,
        host: TextPattern = "*",
        type: str | None = "A",  # noqa: A002 - the wire's own word
        *,
        nameserver: TextPattern | None = None,
    ) -> DNSRoute:
        """Add a route for the look-ups that fit; `*` stands for any text, type None for any."""
        criteria = [Criterion("host", host, text_matches)]
        if type is not None:
            criteria.append(Criterion("type", type, equals))
        if nameserver is not None:
            criteria.append(Criterion("nameserver", nameserver, optional_text_matches))
        return self.routes.add(DNSRoute("dns", criteria))

    def add(self, answer: DNSAnswer) -> DNSRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.hostname or "*", answer.record_type)
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.respond(*answer.records, *answer.mx_records)

    @contextmanager
    def asked_for(self, record_type: str) -> Iterator[None]:
        """Let `lookup_host` answer for one type inside the block, as hosts are asked: A, then AAAA."""
        self._asked = record_type
        try:
            yield
        finally:
            self._asked = ""

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the addresses of a name, IPv4 first."""
        first, second = (_call(host, record_type, nameserver) for record_type in ("A", "AAAA"))
        routes = self.routes.find(first), self.routes.find(second)
        calls = [first] if routes[0] or not routes[1] else []
        calls += [second] if routes[1] and routes[1] is not routes[0] else []
        if self._asked:
            calls = [call for call in calls if call.facts["type"] == self._asked]
        return [record for call in calls for record in self._texts(call)]

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name."""
        records = self._texts(_call(host, "CNAME", nameserver))
        if not records:
            raise DNSError(host, "CNAME", "no such record", nameserver or "", not_found=True)
        return records[0]

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        records = self._records(_call(host, "MX", nameserver))
        exchangers = [record for record in records if isinstance(record, MXRecord)]
        return sorted(exchangers, key=lambda record: record.pref)

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the text records."""
        return self._texts(_call(host, "TXT", nameserver))

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        return self._texts(_call(host, "NS", nameserver))

    def _texts(self, call: FakeCall) -> list[str]:
        return [record for record in self._records(call) if isinstance(record, str)]

    def _records(self, call: FakeCall) -> tuple[str | MXRecord, ...]:
        outcome = self.routes.answer(call)
        if isinstance(outcome, Failure):
            host, missing = call.facts["host"], outcome.kind == "not_found"
            error = DNSError(
                host, call.facts["type"], outcome.text, call.facts["nameserver"] or "", not_found=missing
            )
            raise outcome.as_error("dns lookup", host, None, f"network:{host}:{DNS_PORT}", error)
        records: tuple[str | MXRecord, ...] = outcome
        return records


def _call(host: str, record_type: str, nameserver: str | None) -> FakeCall:
    return FakeCall("dns", {"host": host, "type": record_type, "nameserver": nameserver})


class LookupTypes:
    """Host functions that let a fake resolver know which type of record a look-up asks for.

    A plugin's look-up of a host is two calls of a host, and one of the port: without this, the second call
    would use up another answer.
    """

    def __init__(self, functions: HostFunctions, resolver: FakeDNSResolver) -> None:
        """Pass calls on to `functions`, which ask `resolver`."""
        self._functions = functions
        self._resolver = resolver

    def call(self, name: str, request: bytes) -> bytes:
        """Pass a call on."""
        if name != "dns_lookup":
            return self._functions.call(name, request)
        with self._resolver.asked_for(_type_in(request)):
            return self._functions.call(name, request)


def _type_in(request: bytes) -> str:
    try:
        fields = json.loads(request)
    except ValueError:
        return ""
    return str(fields.get("type", "")).upper() if isinstance(fields, dict) else ""
