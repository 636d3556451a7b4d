"""DNS over dnspython, as Go's resolver does it: the hosts file, resolv.conf, nameservers over UDP and TCP."""

from __future__ import annotations

import builtins
import itertools
import os
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, TypeAlias

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities import go_string
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import DNSError
from reglet.domain.policy.network import InvalidHostError, Target, canonical_host, parse_address
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
from reglet.infrastructure.native.resolv_conf import DEFAULT_ATTEMPTS, SystemResolver

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype
    import dns.rrset
except ImportError as error:
    raise MissingPackageError("dnspython") from error

_TIMEOUT = timedelta(seconds=10)
_FOREIGN = (dns.exception.DNSException, OSError, ValueError, InvalidHostError, DNSError)
_LOCALHOST = ("127.0.0.1", "::1")

_HOSTS_FILE = Path("/etc/hosts")
if sys.platform == "win32":
    _HOSTS_FILE = Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "drivers", "etc", "hosts")


@frozen
class HostsFile:
    """Names that are known without asking a nameserver."""

    path: Path = _HOSTS_FILE

    def addresses(self, name: str) -> list[str]:
        """Return the file's addresses of a canonical name; `localhost` is always this machine (RFC 6761)."""
        return list(dict.fromkeys(address for address, _ in self._entries(name)))

    def canonical_name(self, name: str) -> str:
        """Return the name that comes first in its line, with a dot at the end of one that has dots, as in Go.

        It is empty where the file does not have the name.
        """
        first = next((first for _, first in self._entries(name)), "")
        return first + "." if "." in first and not first.endswith(".") else first

    def _entries(self, name: str) -> list[tuple[str, str]]:
        """Return the address and the first name of each line that has a name."""
        try:
            content = self.path.read_bytes()
        except OSError:
            content = b""
        found: list[tuple[str, str]] = []
        for line in _lines_with(content, name.encode()):
            fields = line.partition(b"#")[0].decode("utf-8", "replace").split()
            address, *names = fields or [""]
            # as system resolvers do, what makes no sense is passed over
            with suppress(ValueError, InvalidHostError):
                ip_address(address)  # which knows none of the older spellings
                if any(_is_name(each, name) for each in names):
                    found.append((str(parse_address(address)), names[0].lower()))
        if not found and (name == "localhost" or name.endswith(".localhost")):
            return [(address, "localhost") for address in _LOCALHOST]
        return found


def _lines_with(content: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the lines that may have a name: files that block advertisements have 200,000 lines."""
    if not content.isascii():  # it may be written in other characters
        yield from content.split(b"\n")
        return
    lowered, at = content.lower(), 0
    while (at := lowered.find(name, at)) >= 0:
        begin = content.rfind(b"\n", 0, at) + 1
        end = content.find(b"\n", at)
        at = len(content) if end < 0 else end
        yield content[begin:at]


def _is_name(written: str, name: str) -> bool:
    """Report whether a name in the hosts file is a canonical one."""
    if written.isascii():
        return written.lower().removesuffix(".") == name
    try:
        return canonical_host(written) == name
    except InvalidHostError:
        return False


_turns = itertools.count()


class _NameserverError(Exception):
    """A nameserver did not answer the question; the message has what it did."""


class _NotThereError(Exception):
    """The name does not exist, or has no records of the type."""


class _SilentError(Exception):
    """No nameserver answered at all."""


@frozen
class NativeDNSResolver:
    """The `DNSResolver` port over the real network.

    Names end in a dot where Go's resolver writes one: in CNAME, MX and NS answers. `nameservers` are asked
    in place of those of the system, which `system` reads; `timeout` is for a whole look-up, `patience` for
    one answer before the next try: what the system says, or two seconds.
    """

    guard: NetworkGuard | None = None
    nameservers: tuple[str, ...] = ()
    hosts_file: HostsFile = field(factory=HostsFile)
    lookup: Lookup = system_lookup
    timeout: timedelta = _TIMEOUT
    patience: timedelta | None = None
    system: Callable[[], SystemResolver] = SystemResolver.read
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the resolver for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name, IPv4 first.

        Without a nameserver the hosts file is asked first, and `localhost` is this machine.
        """
        with self._query(host, "A", nameserver) as query:
            return self._addresses(query, nameserver)

    def lookup_addresses(self, host: str, record_type: str, *, nameserver: str | None = None) -> list[str]:
        """Return what `lookup_host` does; where the question for `record_type` fails, that is an error.

        Without it nobody knows whether there are such addresses, whatever comes of the other question.
        """
        with self._query(host, record_type, nameserver) as query:
            return self._addresses(query, nameserver, record_type)

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name; it is the name itself where there is no alias.

        Without a nameserver the hosts file is asked first.
        """
        with self._query(host, "CNAME", nameserver) as query:
            known = self.hosts_file.canonical_name(query.name) if nameserver is None else ""
            return known or query.canonical_name()

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        with self._query(host, "MX", nameserver) as query:
            records = [
                MXRecord(_written(record.exchange, or_address=True), record.preference)
                for record in query.records("MX")
            ]
            return sorted(records, key=lambda record: record.pref)

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the TXT records, each joined from its parts; each byte that is not UTF-8 is replaced."""
        with self._query(host, "TXT", nameserver) as query:
            return [go_string(b"".join(record.strings)) for record in query.records("TXT")]

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        with self._query(host, "NS", nameserver) as query:
            return [_written(record.target) for record in query.records("NS")]

    def _addresses(self, query: _Query, nameserver: str | None, needed: str = "") -> list[str]:
        if parse_address(query.name) is not None:
            return [query.name]
        known = self.hosts_file.addresses(query.name) if nameserver is None else []
        return known or query.addresses(needed)

    @contextmanager
    def _query(self, host: str, record_type: str, nameserver: str | None) -> Iterator[_Query]:
        """Check name and nameserver, and map what goes wrong meanwhile."""
        asked = f"{host} ({record_type})" + (f" via {nameserver}" if nameserver else "")
        deadline = Deadline.start("dns lookup", asked, self.timeout, self._ctx)
        try:
            target = Target.of_lookup(host)
            if self.guard is not None:
                self.guard.check_target(target)
            nameservers, system = self._nameservers(nameserver, deadline)
            patience = self.patience or system.timeout or _PATIENCE
            yield _Query(
                target.host, host.endswith("."), nameservers, system, patience.total_seconds(), deadline
            )
        except _SilentError as error:
            raise deadline.error(deadline.waited()) from error
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except (*_FOREIGN, _NameserverError, _NotThereError) as error:
            missing = isinstance(error, _NotThereError)
            # in Go's words, by which guests know it where a host has no other sign
            cause = f"no such host: {error}" if missing else error
            raise DNSError(host, record_type, cause, nameserver or "", not_found=missing) from error

    def _nameservers(
        self, nameserver: str | None, deadline: Deadline
    ) -> tuple[list[tuple[str, int]], SystemResolver]:
        """Return whom to ask, and what the system says of asking; the host's own choice is not asked about.

        A plugin's is, and the system's search list goes with it, as in Go.
        """
        if self.nameservers and not nameserver:
            pairs = [split_address(each, DNS_PORT) for each in self.nameservers]
            return [(canonical_host(host), port) for host, port in pairs], SystemResolver()
        system = self.system()
        if not nameserver:
            first = next(_turns) % len(system.nameservers) if system.rotate else 0
            turned = system.nameservers[first:] + system.nameservers[:first]
            return [(address, DNS_PORT) for address in turned], system
        target = Target.of(*split_address(nameserver, DNS_PORT))
        addresses = Dialer(self.guard, self.lookup).resolve(target, deadline)
        return [(str(address), target.port) for address in addresses], system


def _written(name: dns.name.Name, *, or_address: bool = False) -> str:
    """Return a name that an answer has; an error for what is none, as in Go."""
    text = name.to_text()
    is_address = or_address and re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", text)
    try:
        if name == dns.name.root or is_address or (parse_address(text) is None and canonical_host(text)):
            return text
    except InvalidHostError:
        pass
    raise _NameserverError(f"the answer has {text!r} where a name should be")


_PATIENCE = timedelta(seconds=2)
_MAX_DATAGRAM = 64 * 1024
_PAYLOAD = 1232
"""The longest answer that is asked for over UDP: what passes everywhere (dnsflagday.net/2020)."""
_ADDRESS_TYPES = ("A", "AAAA")
_Outcome: TypeAlias = list[Any] | Exception
"""Of one question: the records, each in a set of its own, or why there are none."""


@frozen
class _Query:
    """Questions about one name, which stands for several where it is short."""

    name: str
    _is_rooted: bool
    _nameservers: Sequence[tuple[str, int]]
    _system: SystemResolver
    _patience: float
    _deadline: Deadline

    def records(self, record_type: str) -> list[Any]:
        """Return the data of the records of one type."""
        (found,) = self._outcomes(record_type)
        return [record[0] for record in _records(found)]

    def addresses(self, needed: str) -> list[str]:
        """Return A and AAAA records; it is enough that there are some of either, unless one is needed."""
        outcomes = self._outcomes(*_ADDRESS_TYPES)
        for record_type, outcome in zip(_ADDRESS_TYPES, outcomes, strict=True):
            if record_type == needed and not isinstance(outcome, list | _NotThereError):
                raise outcome
        return list(dict.fromkeys(record[0].address for each in outcomes for record in _records(each)))

    def canonical_name(self) -> str:
        """Return the end of the chain of aliases, with its dot.

        It is the name that has the addresses; where there are none, what the first alias names.
        """
        outcomes = self._outcomes(*_ADDRESS_TYPES, "CNAME")
        first = next(record for each in outcomes for record in _records(each))
        return _written(first[0].target if first.rdtype == dns.rdatatype.CNAME else first.name)

    def _outcomes(self, *record_types: str) -> list[_Outcome]:
        """Return what came of each question about the first name that has any such records.

        Where no name has, the error says why; what fails for one type is no matter where another one has
        records. Where every nameserver keeps silent they are asked again and again until time runs out,
        unless the system says how often.
        """
        if parse_address(self.name) is not None:
            raise _NotThereError("an address has no records of a name")
        if self.name.endswith(".onion"):
            raise _NotThereError("names of Tor are not looked up (RFC 7686)")
        names = [self.name] if self._is_rooted else self._system.names(self.name)
        while True:
            failure: Exception = _NotThereError("the name is too long")
            for index, name in enumerate(names):
                outcomes = self._ask_all(name, record_types)
                if any(isinstance(outcome, list) for outcome in outcomes):
                    return outcomes
                if index == 0 or name == self.name:  # of several, that of the name itself counts
                    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
                    failure = min(failures, key=_certainty)
            if self._system.attempts is not None or not isinstance(failure, _SilentError):
                raise failure

    def _ask_all(self, name: str, record_types: Sequence[str]) -> list[_Outcome]:
        """Ask for all types at once, unless the system says one after the other."""
        outcomes: dict[str, _Outcome] = {}

        def ask(record_type: str) -> None:
            try:
                outcomes[record_type] = self._ask(name, dns.rdatatype.from_text(record_type))
            except Exception as error:  # noqa: BLE001 - of whatever kind, it is raised where nothing is found
                outcomes[record_type] = error

        threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in record_types[1:]]
        for thread in threads:
            thread.start()
            if self._system.single_request:
                thread.join()
        ask(record_types[0])
        for thread in threads:
            thread.join()
        return [outcomes[each] for each in record_types]

    def _ask(self, name: str, record_type: dns.rdatatype.RdataType) -> list[Any]:
        """Return the records of a name that has some.

        One nameserver is asked after the other, and then once more: what failed may pass. The first time
        with EDNS, which some do not know (RFC 6891 section 7).
        """
        failures: dict[str, str] = {}
        is_silent = True
        for turn in range(self._system.attempts or DEFAULT_ATTEMPTS):
            for address, port in self._nameservers:
                where = join_host_port(address, port)
                if self._deadline.expired:
                    raise self._deadline.error()
                try:
                    question = dns.message.make_query(dns.name.from_text(name), record_type)
                    if turn == 0:
                        question.use_edns(payload=_PAYLOAD)
                    return _read_answer(self._exchange(question, address, port), record_type)
                except builtins.TimeoutError:
                    failures.setdefault(where, f"{where} does not answer")
                except (OSError, dns.exception.DNSException, _NameserverError) as error:
                    colon = "" if isinstance(error, _NameserverError) else ":"
                    failures[where] = f"{where}{colon} {error}"
                    is_silent = False
        if is_silent:
            raise _SilentError("no nameserver answers")
        raise _NameserverError("; ".join(failures.values()))

    def _exchange(self, question: dns.message.QueryMessage, address: str, port: int) -> dns.message.Message:
        """Ask over UDP, and over TCP if the answer was cut.

        Datagrams with another id, for another question or without sense are passed over: they may be
        forged, and the true answer comes behind them.
        """
        asked = question.to_wire()
        if not self._system.use_tcp:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as connection:
                connection.connect((address, port))
                connection.send(asked)
                end, response = self._end(), None
                while response is None:
                    _limit(connection, end)
                    answer = connection.recv(_MAX_DATAGRAM)
                    if answer[:2] == asked[:2]:  # of a flood of forgeries few are read further
                        with suppress(dns.exception.DNSException):
                            response = _parsed(answer, question)
            if not response.flags & dns.flags.TC:
                return response
        end = self._end()
        try:
            with socket.create_connection((address, port), timeout=end - time.monotonic()) as connection:
                connection.sendall(struct.pack("!H", len(asked)) + asked)
                (size,) = struct.unpack("!H", _received(connection, 2, end))
                response = _parsed(_received(connection, size, end), question)
        except builtins.TimeoutError:
            raise
        except OSError as error:
            raise _NameserverError(f"is asked over TCP: {error}") from error
        except dns.exception.DNSException as error:
            raise _NameserverError("sent nonsense over TCP") from error
        if response is None:
            raise _NameserverError("answered another question over TCP")
        return response

    def _end(self) -> float:
        return time.monotonic() + min(self._patience, self._deadline.seconds())


def _certainty(failure: Exception) -> int:
    """Return how much is known where a question failed: what may be there counts before what is not."""
    return 2 if isinstance(failure, _NotThereError) else int(isinstance(failure, _NameserverError))


def _records(outcome: _Outcome) -> list[Any]:
    return outcome if isinstance(outcome, list) else []


def _parsed(answer: bytes, question: dns.message.QueryMessage) -> dns.message.Message | None:
    """Return the answer to a question as far as it can be read, None where it is to another one.

    What follows the answers is no matter. An answer that was cut may have lost its question: what is sent
    over TCP has it.
    """
    response = dns.message.from_wire(
        answer, one_rr_per_rrset=True, ignore_trailing=True, continue_on_error=True
    )
    if not response.question and response.id == question.id and response.flags & _CUT == _CUT:
        return response
    return response if response.question and question.is_response(response) else None


def _read_answer(response: dns.message.Message, record_type: dns.rdatatype.RdataType) -> list[Any]:
    """Return the records of a type, whichever name has them: aliases lead there, in whatever order.

    Raises `_NotThereError` where there are none, `_NameserverError` where the nameserver does not know.
    """
    code = response.rcode()
    kind = dns.rdatatype.to_text(record_type)
    if code == dns.rcode.NXDOMAIN:
        raise _NotThereError("the name does not exist (NXDOMAIN)")
    if code != dns.rcode.NOERROR:
        raise _NameserverError(f"answered {dns.rcode.to_text(code)}")
    found = [record for record in response.answer if record.rdtype == record_type and record.rdclass == _IN]
    (announced,) = struct.unpack_from("!H", response.wire or b"", _ANSWER_COUNT)
    if announced > len(response.answer) and (not found or kind not in _ADDRESS_TYPES):
        raise _NameserverError(f"answered with {announced} records, not all of which can be read")
    is_known = response.flags & (dns.flags.AA | dns.flags.RA) or response.answer
    refers = any(record.rdtype == dns.rdatatype.NS for record in response.authority)
    if not is_known and (refers or not (response.additional or response.opt)):
        raise _NameserverError("refers to other nameservers (lame referral)")
    if not found:
        raise _NotThereError(f"the name has no {kind} records")
    return found


_IN = dns.rdataclass.IN
_CUT = dns.flags.QR | dns.flags.TC
_ANSWER_COUNT = 6
"""Where a message has the number of its answers (RFC 1035 section 4.1.1)."""


def _limit(connection: socket.socket, end: float) -> None:
    """Give what is next done with a connection the time that is left."""
    left = end - time.monotonic()
    if left <= 0:
        raise builtins.TimeoutError("no answer in time")
    connection.settimeout(left)


def _received(connection: socket.socket, size: int, end: float) -> bytes:
    """Return so many bytes from a stream."""
    received = bytearray()
    while len(received) < size:
        _limit(connection, end)
        part = connection.recv(size - len(received))
        if not part:
            raise OSError("the connection was closed before the answer was whole")
        received += part
    return bytes(received)


def warm() -> None:
    """Do what the first look-up of a process costs: dnspython imports each type where it first reads one."""
    records = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "CNAME": "a.", "MX": "0 a.", "TXT": "a", "NS": "a."}
    for record_type, content in records.items():
        question = dns.message.make_query(dns.name.from_text("example"), record_type)
        question.use_edns(payload=_PAYLOAD)
        answer = dns.message.make_response(question, recursion_available=True)
        answer.answer.append(dns.rrset.from_text("example.", 0, "IN", record_type, content))
        response = _parsed(answer.to_wire(), question)
        if response is not None:
            _read_answer(response, dns.rdatatype.from_text(record_type))
