"""Stand-ins for what is behind each port: servers, resolvers, connections, mail servers and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from json import dumps, loads
from typing import Self
from urllib.parse import urlsplit

from attrs import evolve

from reglet.application.examples import CommandAnswer, DNSAnswer, HTTPAnswer, SMTPAnswer, TCPAnswer
from reglet.domain.entities import JSONValue
from reglet.domain.entities.records import (
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    MXRecord,
    ObservedConnection,
    SMTPConnectResult,
    TLSFacts,
)
from reglet.domain.errors import DNSError, ExecError, HTTPError, NetworkError, TCPError
from reglet.domain.ports import HostFunctions, TCPConnection
from reglet.domain.urls import DNS_PORT, SCHEME_PORTS, join_host_port
from reglet.testing.routes import (
    BodyPattern,
    Criterion,
    Failure,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    args_match,
    body_matches,
    env_matches,
    equals,
    failure_of,
    headers_match,
    optional_text_matches,
    socket_error,
    text_matches,
)


class HTTPRoute(Route[HTTPResponse]):
    """Requests that fit, and their answers in order."""

    def respond(
        self,
        status: int = 200,
        *,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        body: str | bytes = b"",
        json: JSONValue = None,
        proto: str = "HTTP/1.1",
        truncated: bool = False,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Answer the next request; `json` is a body with its content type, `latency` moves the fake clock."""
        given: dict[str, str | Sequence[str]] = dict(headers or {})
        if json is not None:
            given.setdefault("Content-Type", "application/json")
            body = dumps(json)
        content = body.encode() if isinstance(body, str) else body
        return self.then(HTTPResponse(status, given, content, proto, truncated), latency)


class FakeHTTPClient(Fake[HTTPRoute]):
    """An `HTTPClient` that answers from routes and fails on any other request.

    Redirects are answers like others: it follows none.
    """

    def __init__(self, *answers: HTTPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, HTTPAnswer)

    def on(
        self,
        url: TextPattern = "*",
        *,
        method: TextPattern = "*",
        headers: Mapping[str, TextPattern] | None = None,
        body: BodyPattern | None = None,
    ) -> HTTPRoute:
        """Add a route for the requests that fit; `*` stands for any string."""
        criteria = [Criterion("method", method, text_matches), Criterion("url", url, text_matches)]
        if headers is not None:
            criteria.append(Criterion("headers", headers, headers_match))
        if body is not None:
            criteria.append(Criterion("body", body, body_matches))
        return self.routes.add(HTTPRoute("http", criteria))

    def add(self, answer: HTTPAnswer) -> HTTPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.url or "*", method=answer.method or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.response, timedelta())

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request. Raises `UnexpectedCallError` where no route fits."""
        facts = {
            "method": request.method or "GET",
            "url": request.url,
            "headers": request.headers,
            "body": request.body,
        }
        outcome = self.routes.answer(FakeCall("http", facts), request.timeout)
        if isinstance(outcome, Failure):
            parts = urlsplit(request.url)
            port = parts.port or SCHEME_PORTS.get(parts.scheme, 0)
            error = HTTPError(request.method, request.url, socket_error(outcome))
            grant = f"network:{join_host_port(parts.hostname or '', port)}"
            raise outcome.as_error(f"http {request.method}", request.url, request.timeout, grant, error)
        response: HTTPResponse = outcome
        return response

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))


class DNSRoute(Route[tuple[str | MXRecord, ...]]):
    """Look-ups that fit, and their answers in order."""

    def respond(self, *records: str | MXRecord, latency: timedelta = timedelta()) -> Self:
        """Answer the next look-up with records; none at all is an answer too."""
        for record in records:
            if not isinstance(record, str | MXRecord):
                raise TypeError(f'a record is {record!r}; write respond("192.0.2.1", …), one by one')
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
        """Add a route for the look-ups that fit; `*` stands for any string, type None for any."""
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
                host, call.facts["type"], outcome.message, call.facts["nameserver"] or "", not_found=missing
            )
            raise outcome.as_error(
                "dns lookup", host, None, f"network:{join_host_port(host, DNS_PORT)}", error
            )
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
        try:
            fields = loads(request)
        except ValueError:
            fields = None
        record_type = str(fields.get("type", "")).upper() if isinstance(fields, dict) else ""
        with self._resolver.asked_for(record_type):
            return self._functions.call(name, request)


class TCPRoute(Route[TCPAnswer]):
    """Connections that fit, and their answers in order."""

    def respond(
        self,
        *,
        remote_addr: str = "",
        local_addr: str = "",
        tls: TLSFacts | None = None,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Accept the next connection; `tls` is what the handshake shows when TLS is asked for."""
        return self.then(TCPAnswer(remote_addr=remote_addr, local_addr=local_addr, tls=tls), latency)


class FakeTCPDialer(Fake[TCPRoute]):
    """A `TCPDialer` that answers from routes and fails on any other address."""

    def __init__(self, *answers: TCPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, TCPAnswer)

    def on(self, address: TextPattern = "*", *, tls: bool | None = None) -> TCPRoute:
        """Add a route for the connections that fit; `tls` None stands for both."""
        criteria = [Criterion("address", address, text_matches)]
        if tls is not None:
            criteria.append(Criterion("tls", tls, equals))
        return self.routes.add(TCPRoute("tcp", criteria))

    def add(self, answer: TCPAnswer) -> TCPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.address or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.respond(remote_addr=answer.remote_addr, local_addr=answer.local_addr, tls=answer.tls)

    def dial(self, address: str) -> TCPConnection:
        """Connect without TLS."""
        return self._dial(address, None, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> TCPConnection:
        """Connect without TLS within `timeout`."""
        return self._dial(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> TCPConnection:
        """Connect within `timeout`, with TLS if `tls`; every certificate is taken anyway."""
        del insecure_skip_verify
        return self._dial(address, timeout, tls=tls)

    def _dial(self, address: str, timeout: timedelta | None, *, tls: bool) -> TCPConnection:
        outcome = self.routes.answer(FakeCall("tcp", {"address": address, "tls": tls}), timeout)
        if isinstance(outcome, Failure):
            error = TCPError(address, socket_error(outcome))
            raise outcome.as_error("tcp connect", address, timeout, f"network:{address}", error)
        facts = (outcome.tls or TLSFacts()) if tls else TLSFacts()
        return ObservedConnection(outcome.remote_addr or address, outcome.local_addr, tls, facts)


class SMTPRoute(Route[SMTPConnectResult]):
    """Greetings that fit, and their answers in order."""

    def respond(
        self,
        banner: str = "220 mail.example.com ESMTP",
        *,
        extensions: Sequence[str] = (),
        supports_auth: bool | None = None,
        tls: TLSFacts | None = None,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Greet the next caller; `tls` is what the handshake shows, `latency` is the time it takes."""
        facts = tls or TLSFacts()
        result = SMTPConnectResult(
            banner=banner,
            extensions=tuple(extensions),
            supports_auth=supports_auth,
            tls_version=facts.version,
            tls_cipher_suite=facts.cipher_suite,
            tls_server_name=facts.server_name,
            response_time=latency,
        )
        return self.then(result, latency)


class FakeSMTPClient(Fake[SMTPRoute]):
    """An `SMTPClient` that answers from routes and fails on any other server."""

    def __init__(self, *answers: SMTPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, SMTPAnswer)

    def on(
        self,
        host: TextPattern = "*",
        port: int | None = None,
        *,
        use_tls: bool | None = None,
        use_starttls: bool | None = None,
    ) -> SMTPRoute:
        """Add a route for the greetings that fit; None stands for anything."""
        asked = {"port": port, "use_tls": use_tls, "use_starttls": use_starttls}
        exact = [Criterion(name, wanted, equals) for name, wanted in asked.items() if wanted is not None]
        return self.routes.add(SMTPRoute("smtp", [Criterion("host", host, text_matches), *exact]))

    def add(self, answer: SMTPAnswer) -> SMTPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.host or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.result, answer.result.response_time)

    def connect(
        self,
        host: str,
        port: int,
        timeout: timedelta,
        use_tls: bool,
        use_starttls: bool,
        *,
        insecure_skip_verify: bool = False,
    ) -> SMTPConnectResult:
        """Greet a server; every certificate is taken anyway."""
        del insecure_skip_verify
        facts = {"host": host, "port": port, "use_tls": use_tls, "use_starttls": use_starttls}
        outcome = self.routes.answer(FakeCall("smtp", facts), timeout)
        if isinstance(outcome, Failure):
            address = join_host_port(host, port)
            error = NetworkError("smtp connect", address, socket_error(outcome))
            raise outcome.as_error("smtp connect", address, timeout, f"network:{address}", error)
        result: SMTPConnectResult = outcome
        result = evolve(result, address=result.address or join_host_port(host, port))
        if use_tls or use_starttls:
            return evolve(result, tls_enabled=True)
        return evolve(result, tls_version="", tls_cipher_suite="", tls_server_name="")


_COMMAND_FAILURES = {"refused": "permission denied", "not_found": "executable file not found"}


class CommandRoute(Route[CommandResult]):
    """Commands that fit, and their answers in order."""

    def respond(
        self,
        stdout: str = "",
        *,
        stderr: str = "",
        exit_code: int = 0,
        truncated: bool = False,
        latency: timedelta = timedelta(),
    ) -> Self:
        """End the next run with this; `latency` is how long it takes."""
        result = CommandResult(stdout, stderr, exit_code, latency, truncated=truncated)
        return self.then(result, latency)


class FakeCommandRunner(Fake[CommandRoute]):
    """A `CommandRunner` that answers from routes and fails on any other command.

    Time that runs out is a result with `is_timeout`, as with a real one.
    """

    def __init__(self, *answers: CommandAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, CommandAnswer)

    def on(
        self,
        command: TextPattern = "*",
        args: Sequence[TextPattern] | None = None,
        *,
        dir: TextPattern | None = None,  # noqa: A002 - the wire's own word
        env: Mapping[str, TextPattern] | None = None,
    ) -> CommandRoute:
        """Add a route for the commands that fit; None stands for anything, of `env` only its names count."""
        criteria = [Criterion("command", command, text_matches)]
        if isinstance(args, str):
            raise TypeError(f"args is a list, not the string {args!r}; write {args.split()!r}")
        if args is not None:
            criteria.append(Criterion("args", tuple(args), args_match))
        if dir is not None:
            criteria.append(Criterion("dir", dir, optional_text_matches))
        if env is not None:
            criteria.append(Criterion("env", env, env_matches))
        return self.routes.add(CommandRoute("command", criteria))

    def add(self, answer: CommandAnswer) -> CommandRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.command or "*", answer.args)
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.result, answer.result.duration)

    def run(self, request: CommandRequest) -> CommandResult:
        """Answer a command."""
        facts = {
            "command": request.command,
            "args": request.args,
            "dir": request.dir,
            "env": request.env or {},
        }
        outcome = self.routes.answer(FakeCall("command", facts), request.timeout)
        if isinstance(outcome, Failure):
            if outcome.kind == "timeout":
                return CommandResult(exit_code=-1, duration=request.timeout or outcome.after, is_timeout=True)
            error = ExecError(request.command, _COMMAND_FAILURES.get(outcome.kind, outcome.message))
            raise outcome.as_error("exec", request.command, request.timeout, f"exec:{request.command}", error)
        result: CommandResult = outcome
        return result
