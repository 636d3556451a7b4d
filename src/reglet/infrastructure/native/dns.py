"""DNS over dnspython: the system's nameservers or a given one, UDP with TCP fallback, retries."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.requests import MXRecord
from reglet.domain.errors import DNSError
from reglet.domain.policy import HostError, canonical_host, parse_address
from reglet.domain.ports.network_guard import NetworkGuard
from reglet.infrastructure.native.addresses import split_address
from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.dialer import Dialer, Lookup, system_lookup
from reglet.infrastructure.native.extras import MissingPackageError
from reglet.infrastructure.native.hosts_file import HostsFile

try:
    import dns.exception
    import dns.name
    import dns.nameserver
    import dns.resolver
except ImportError as error:
    raise MissingPackageError("dnspython") from error

_PORT = 53
_TIMEOUT = timedelta(seconds=10)
_TRY = 2.0
"""Seconds to wait for one answer before the next try."""
_NOT_THERE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


@frozen
class NativeDNSResolver:
    """The `DNSResolver` port over the real network.

    Names end in a dot where Go's resolver writes one: in CNAME, MX and NS answers.
    """

    guard: NetworkGuard | None = None
    nameservers: tuple[str, ...] = ()
    hosts_file: HostsFile = field(factory=HostsFile)
    lookup: Lookup = system_lookup
    timeout: timedelta = _TIMEOUT
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the resolver for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name, IPv4 first.

        Without a nameserver the hosts file is asked first, and `localhost` is this machine.
        """
        with self._query(host, "A", nameserver) as query:
            known = self._known(query.name) if nameserver is None else []
            return known or query.addresses()

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name; it is the name itself where there is no alias."""
        with self._query(host, "CNAME", nameserver) as query:
            return query.canonical_name()

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        with self._query(host, "MX", nameserver) as query:
            records = [
                MXRecord(record.exchange.to_text(), record.preference) for record in query.records("MX")
            ]
            return sorted(records, key=lambda record: record.pref)

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the text records, each joined from its parts; what is not UTF-8 is replaced."""
        with self._query(host, "TXT", nameserver) as query:
            return [b"".join(record.strings).decode("utf-8", "replace") for record in query.records("TXT")]

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        with self._query(host, "NS", nameserver) as query:
            return [record.target.to_text() for record in query.records("NS")]

    @contextmanager
    def _query(self, host: str, record_type: str, nameserver: str | None) -> Iterator[_Query]:
        """Check name and nameserver, and map what goes wrong meanwhile."""
        deadline = Deadline.start("dns lookup", host, self.timeout, self._ctx)
        try:
            name = canonical_host(host)
            if self.guard is not None:
                self.guard.check_target(name, _PORT)
            yield _Query(name, self._resolver(nameserver, deadline), deadline)
        except (builtins.TimeoutError, dns.exception.Timeout) as error:
            raise deadline.error() from error
        except (dns.exception.DNSException, OSError, ValueError, HostError, DNSError) as error:
            missing = isinstance(error, _NOT_THERE)
            raise DNSError(host, record_type, error, nameserver or "", not_found=missing) from error

    def _known(self, name: str) -> list[str]:
        return [name] if parse_address(name) is not None else self.hosts_file.addresses(name)

    def _resolver(self, nameserver: str | None, deadline: Deadline) -> dns.resolver.Resolver:
        given = (nameserver,) if nameserver else self.nameservers
        resolver = dns.resolver.Resolver(configure=not given)
        resolver.timeout = _TRY
        resolver.use_edns(0, 0, 1232)
        if nameserver:
            # a plugin's choice is a connection like any other; the host's own nameservers are not asked about
            host, port = split_address(nameserver, _PORT)
            addresses = Dialer(self.guard, self.lookup).resolve(host, port, deadline)
            resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address in addresses]
        elif given:
            pairs = [split_address(text, _PORT) for text in given]
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(canonical_host(h), port) for h, port in pairs
            ]
        return resolver


@frozen
class _Query:
    """Questions about one name."""

    name: str
    _resolver: dns.resolver.Resolver
    _deadline: Deadline

    def records(self, record_type: str) -> Sequence[Any]:
        """Return the records of one type; raises what dnspython raises."""
        return list(self._answer(record_type))

    def addresses(self) -> list[str]:
        """Return A and AAAA records; it is enough that there are some of either."""
        found: list[str] = []
        missing: dns.exception.DNSException | None = None
        for record_type in ("A", "AAAA"):
            try:
                found += [record.address for record in self._answer(record_type)]
            except _NOT_THERE as error:
                missing = missing or error
        if not found and missing is not None:
            raise missing
        return found

    def canonical_name(self) -> str:
        """Return the end of the chain of aliases, with its dot."""
        answer = self._answer("A", may_be_empty=True)
        return answer.canonical_name.to_text()

    def _answer(self, record_type: str, *, may_be_empty: bool = False) -> dns.resolver.Answer:
        return self._resolver.resolve(
            dns.name.from_text(self.name),
            record_type,
            lifetime=self._deadline.seconds(),
            raise_on_no_answer=not may_be_empty,
            search=False,
        )
