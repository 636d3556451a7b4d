"""DNS over dnspython: the hosts file, nameservers, UDP with TCP fallback, retries."""

from __future__ import annotations

import builtins
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import DNSError
from reglet.domain.policy.network import MAX_NAME, InvalidHostError, Target, canonical_host, parse_address
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import DNS_PORT, join_host_port
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import (
    Deadline,
    Dialer,
    Lookup,
    split_address,
    system_lookup,
)

try:
    import dns.exception
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.resolver
except ImportError as error:
    raise MissingPackageError("dnspython") from error

_TIMEOUT = timedelta(seconds=10)
_PATIENCE = timedelta(seconds=2)
_FOREIGN = (dns.exception.DNSException, OSError, ValueError, InvalidHostError, DNSError)
_MAX_HOSTS_BYTES = 1024 * 1024
_LOCALHOST = ["127.0.0.1", "::1"]


_HOSTS_FILE = Path("/etc/hosts")
if sys.platform == "win32":
    _HOSTS_FILE = Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "drivers", "etc", "hosts")


@frozen
class HostsFile:
    """Names that are known without asking a nameserver."""

    path: Path = _HOSTS_FILE

    def addresses(self, name: str) -> list[str]:
        """Return the file's addresses of a canonical name; `localhost` is always this machine (RFC 6761)."""
        try:
            with self.path.open("rb") as file:
                content = file.read(_MAX_HOSTS_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            content = ""
        found: dict[str, None] = {}
        for line in content.splitlines():
            address, *names = line.partition("#")[0].split() or [""]
            # as system resolvers do, a line that makes no sense is passed over
            with suppress(InvalidHostError):
                parsed = parse_address(address)
                if parsed is not None and name in {canonical_host(each) for each in names}:
                    found[str(parsed)] = None
        is_local = name == "localhost" or name.endswith(".localhost")
        return list(found) or (list(_LOCALHOST) if is_local else [])


class _NameserverError(Exception):
    """A nameserver did not answer the question; the message has what it did."""


class _NotThereError(Exception):
    """The name does not exist, or has no records of the type."""


class _SilentError(Exception):
    """No nameserver answered at all."""


_MAX_DATAGRAM = 64 * 1024
_FLAGS, _RESPONSE, _TRUNCATED = 2, 0x80, 0x02
"""Where a message has its first flags, and two of them (RFC 1035 section 4.1.1)."""
_ROUNDS = 2
"""How often each nameserver is asked before another question gets its turn, as in Go."""


@frozen
class SearchList:
    """The domains in which short names are looked up, and the dots that make a name none (resolv.conf)."""

    domains: tuple[str, ...] = ()
    ndots: int = 1

    @classmethod
    def of(cls, system: dns.resolver.Resolver) -> Self:
        """Return the system's; its own domain where it names no list."""
        domains = system.search or [system.domain]
        names = (domain.to_text(omit_final_dot=True) for domain in domains if domain != dns.name.root)
        return cls(tuple(names), 1 if system.ndots is None else system.ndots)

    def names(self, name: str) -> list[str]:
        """Return what to ask for in place of a name without a dot at its end, in order."""
        suffixed = [f"{name}.{domain}" for domain in self.domains]
        names = [name, *suffixed] if name.count(".") >= self.ndots else [*suffixed, name]
        return [each for each in names if len(each) <= MAX_NAME]


@frozen
class NativeDNSResolver:
    """The `DNSResolver` port over the real network.

    Names end in a dot where Go's resolver writes one: in CNAME, MX and NS answers. `nameservers` are asked
    in place of the system's, which `system` reads from resolv.conf; `timeout` is for a whole look-up,
    `patience` for one answer before the next try.
    """

    guard: NetworkGuard | None = None
    nameservers: tuple[str, ...] = ()
    hosts_file: HostsFile = field(factory=HostsFile)
    lookup: Lookup = system_lookup
    timeout: timedelta = _TIMEOUT
    patience: timedelta = _PATIENCE
    system: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the resolver for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name, IPv4 first.

        Without a nameserver the hosts file is asked first, and `localhost` is this machine.
        """
        with self._query(host, "A", nameserver) as query:
            if parse_address(query.name) is not None and nameserver is None:
                return [query.name]
            known = self.hosts_file.addresses(query.name) if nameserver is None else []
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
        """Return the TXT records, each joined from its parts; what is not UTF-8 is replaced."""
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
            target = Target.of(host, DNS_PORT)
            if self.guard is not None:
                self.guard.check_target(target)
            nameservers, search = self._nameservers(nameserver, deadline)
            names = [target.host] if host.endswith(".") else search.names(target.host)
            yield _Query(target.host, names, nameservers, self.patience.total_seconds(), deadline)
        except (builtins.TimeoutError, dns.exception.Timeout) as error:
            raise deadline.error() from error
        except (*_FOREIGN, _NameserverError, _NotThereError, _SilentError) as error:
            missing = isinstance(error, _NotThereError)
            raise DNSError(host, record_type, error, nameserver or "", not_found=missing) from error

    def _nameservers(
        self, nameserver: str | None, deadline: Deadline
    ) -> tuple[list[tuple[str, int]], SearchList]:
        """Return whom to ask, and where short names are; the host's own choice is not asked about.

        A plugin's is, and the system's search list goes with it, as in Go.
        """
        if self.nameservers and not nameserver:
            pairs = [split_address(each, DNS_PORT) for each in self.nameservers]
            return [(canonical_host(host), port) for host, port in pairs], SearchList()
        try:
            system = self.system()
        except dns.resolver.NoResolverConfiguration:
            system = dns.resolver.Resolver(configure=False)
        search = SearchList.of(system)
        if not nameserver:
            return [(str(address), system.port) for address in system.nameservers], search
        target = Target.of(*split_address(nameserver, DNS_PORT))
        addresses = Dialer(self.guard, self.lookup).resolve(target, deadline)
        return [(str(address), target.port) for address in addresses], search


@frozen
class _Query:
    """Questions about one name, which stands for several where it is short."""

    name: str
    _names: Sequence[str]
    _nameservers: Sequence[tuple[str, int]]
    _patience: float
    _deadline: Deadline

    def records(self, record_type: str) -> Sequence[Any]:
        """Return the records of one type."""
        answers, failure = self._answers((record_type,))
        records = [record for answer in answers for record in answer.rrset or ()]
        if not records:
            raise failure or _NotThereError(f"the name has no {record_type} records")
        return records

    def addresses(self) -> list[str]:
        """Return A and AAAA records; it is enough that there are some of either."""
        answers, failure = self._answers(("A", "AAAA"))
        records = [record.address for answer in answers for record in answer.rrset or ()]
        if not records:
            raise failure or _NotThereError("the name has no addresses")
        return records

    def canonical_name(self) -> str:
        """Return the end of the chain of aliases, with its dot.

        It is the name that has the addresses; where there are none, what the first alias names.
        """
        answers, failure = self._answers(("A", "AAAA", "CNAME"))
        found = [answer.rrset for answer in answers if answer.rrset is not None]
        if not found:
            raise failure or _NotThereError("the name has no addresses and no alias")
        first: Any = found[0][0]
        name: dns.name.Name = first.target if first.rdtype == dns.rdatatype.CNAME else found[0].name
        return name.to_text()

    def _answers(self, record_types: Sequence[str]) -> tuple[list[dns.resolver.Answer], Exception | None]:
        """Return the answers for the first name that has any such records, and why others are missing.

        What fails for one type is no matter where another one has records.
        """
        failure: Exception | None = None
        for name in self._names:
            answers, why = self._answers_for(name, record_types)
            if any(answer.rrset for answer in answers):
                return answers, None
            if failure is None or name == self.name:  # of several, that of the name itself counts
                failure = why
        return [], failure

    def _answers_for(
        self, name: str, record_types: Sequence[str]
    ) -> tuple[list[dns.resolver.Answer], Exception | None]:
        """Ask about one name; again and again until time runs out where every nameserver keeps silent."""
        while True:
            answers: list[dns.resolver.Answer] = []
            failures: list[Exception] = []
            for record_type in record_types:
                try:
                    answers.append(self._answer(name, record_type))
                except builtins.TimeoutError:
                    if not any(answer.rrset for answer in answers):
                        raise
                except (_NameserverError, _NotThereError, _SilentError) as error:
                    failures.append(error)
            if answers or not all(isinstance(error, _SilentError) for error in failures):
                break
        failures.sort(key=lambda error: isinstance(error, _NotThereError))
        return answers, failures[0] if failures else None

    def _answer(self, name: str, record_type: str) -> dns.resolver.Answer:
        """Return an answer, perhaps without records, to a name that exists.

        One nameserver is asked after the other, then once more those that kept silent.
        """
        question = dns.message.make_query(name + ".", record_type)
        asked = question.question[0]
        waiting, failure = list(self._nameservers), ""
        for _ in range(_ROUNDS):
            silent: list[tuple[str, int]] = []
            for address, port in waiting:
                where = join_host_port(address, port)
                try:
                    response = self._exchange(question, address, port)
                except dns.exception.Timeout:
                    silent.append((address, port))
                    continue
                except builtins.TimeoutError:
                    raise
                except (OSError, dns.exception.DNSException) as error:
                    failure = f"{where}: {error}"
                    continue
                code = response.rcode()
                if isinstance(response, dns.message.QueryMessage):
                    if code == dns.rcode.NOERROR:
                        return dns.resolver.Answer(asked.name, asked.rdtype, asked.rdclass, response)
                    if code == dns.rcode.NXDOMAIN:
                        raise _NotThereError("the name does not exist (NXDOMAIN)")
                failure = f"{where} answered {dns.rcode.to_text(code)}"
            waiting = silent
        if waiting and not failure:
            raise _SilentError("no nameserver answers")
        raise _NameserverError(failure or "no nameserver is known")

    def _exchange(self, question: dns.message.QueryMessage, address: str, port: int) -> dns.message.Message:
        """Ask over UDP, and over TCP if the answer was cut.

        Datagrams with another id, for another question or without sense are passed over: they may be
        forged, and the true answer comes behind them.
        """
        asked = question.to_wire()
        end = time.monotonic() + self._time()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.connect((address, port))
            connection.send(asked)
            while (left := end - time.monotonic()) > 0:
                connection.settimeout(left)
                try:
                    answer = connection.recv(_MAX_DATAGRAM)
                except builtins.TimeoutError:
                    break
                if answer[:2] != asked[:2]:
                    continue
                if len(answer) > _FLAGS and answer[_FLAGS] & _RESPONSE and answer[_FLAGS] & _TRUNCATED:
                    return dns.query.tcp(question, address, self._time(), port, ignore_trailing=True)
                with suppress(dns.exception.DNSException, ValueError):
                    response = dns.message.from_wire(answer, ignore_trailing=True)
                    if question.is_response(response):
                        return response
        raise dns.exception.Timeout

    def _time(self) -> float:
        return min(self._patience, self._deadline.seconds())
