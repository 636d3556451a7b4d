"""A host made of fakes: it answers at the seam, in either dialect, and grants what a test names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from reglet.application.examples import (
    Answer,
    CommandAnswer,
    DNSAnswer,
    HTTPAnswer,
    SMTPAnswer,
    TCPAnswer,
)
from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.records import LogMessage
from reglet.domain.entities.result import Result
from reglet.domain.policy import Policy
from reglet.domain.ports import HostFunctions, Plugin, with_client
from reglet.infrastructure.guest.clients import host_clients
from reglet.infrastructure.host import HostCallEvent, HostDispatcher, HostPorts
from reglet.testing.config_json import encode_config
from reglet.testing.fakes.dns import FakeDNSResolver, LookupTypes
from reglet.testing.fakes.exec import FakeCommandRunner
from reglet.testing.fakes.http import FakeHTTPClient
from reglet.testing.fakes.routes import Fake, FakeClock
from reglet.testing.fakes.smtp import FakeSMTPClient
from reglet.testing.fakes.tcp import FakeTCPDialer
from reglet.testing.runners import runner_of
from reglet.testing.usage import note_host_call


class FakeLog:
    """A `LogSink` that keeps what a plugin logs."""

    def __init__(self) -> None:
        """Start empty."""
        self.messages: list[LogMessage] = []

    def write(self, message: LogMessage) -> None:
        """Keep a message."""
        self.messages.append(message)

    @property
    def texts(self) -> list[str]:
        """The messages, each as `LEVEL text`."""
        return [f"{message.level} {message.message}" for message in self.messages]


class FakeHost:
    """A host that answers from routes and denies what its grants do not cover.

    It is a `HostFunctions`: plugins reach it with the same bytes as a real one. Nothing is granted
    unless `grants` has it; `FakeHost.of(plugin)` grants what the plugin declares.

    Attributes:
        http, dns, tcp, smtp, command: the fakes behind the host functions; add routes with `on(...)`.
        log: what the plugin logged.
        clock: the clock that latencies move.
        calls: every host call that was answered, denied ones included.
    """

    def __init__(
        self,
        *answers: Answer,
        grants: GrantSet | None = None,
        dialect: Literal["abi", "hostlib"] = "abi",
    ) -> None:
        """Start with a route for each answer."""
        self.grants = grants or GrantSet()
        self.dialect = dialect
        self.clock = FakeClock()
        self.http = FakeHTTPClient(clock=self.clock)
        self.dns = FakeDNSResolver(clock=self.clock)
        self.tcp = FakeTCPDialer(clock=self.clock)
        self.smtp = FakeSMTPClient(clock=self.clock)
        self.command = FakeCommandRunner(clock=self.clock)
        self.log = FakeLog()
        self.calls: list[HostCallEvent] = []
        self._functions = self._dispatcher()
        self.add(*answers)

    @classmethod
    def of(cls, plugin: Plugin, *answers: Answer, dialect: Literal["abi", "hostlib"] = "abi") -> Self:
        """Return a host that grants what a plugin declares and nothing more."""
        return cls(*answers, grants=plugin.manifest(Context()).capabilities, dialect=dialect)

    def add(self, *answers: Answer) -> None:
        """Add a route for each answer of an example."""
        for answer in answers:
            match answer:
                case HTTPAnswer():
                    self.http.add(answer)
                case DNSAnswer():
                    self.dns.add(answer)
                case TCPAnswer():
                    self.tcp.add(answer)
                case SMTPAnswer():
                    self.smtp.add(answer)
                case CommandAnswer():
                    self.command.add(answer)

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a host function at the seam; what is not granted is answered as a real host does."""
        return self._functions.call(name, request)

    def bind(self, ctx: Context) -> Context:
        """Return a context whose clients ask this host, through the seam."""
        for port, client in host_clients(self).items():
            ctx = ctx.with_client(port, client)
        return ctx

    def context(self) -> Context:
        """Return a context for calling a handler directly."""
        return self.bind(Context())

    def check(self, plugin: Plugin, config: Mapping[str, Any] | bytes) -> Result:
        """Run a check as a host does, bytes in and out, and return its Result.

        Raises `UnexpectedCallError` if the plugin made a call that no route answers, even if it went on.
        """
        __tracebackhide__ = True
        self._functions = self._dispatcher()
        result = runner_of(plugin).check(self, encode_config(config))
        self.raise_unexpected()
        return result

    def assert_all_used(self) -> None:
        """Raise `AssertionError` that lists routes with answers that were not asked for."""
        __tracebackhide__ = True
        for fake in self._fakes():
            fake.assert_all_used()

    def raise_unexpected(self) -> None:
        """Raise the first `UnexpectedCallError` since the last time, if there was one."""
        __tracebackhide__ = True
        for fake in self._fakes():
            fake.raise_unexpected()

    def _fakes(self) -> tuple[Fake[Any], ...]:
        return (self.http, self.dns, self.tcp, self.smtp, self.command)

    def _dispatcher(self) -> HostFunctions:
        ports = HostPorts(self.http, self.dns, self.tcp, self.smtp, self.command, self.log)
        dispatcher = HostDispatcher(ports, Policy(self.grants), dialect=self.dialect, observer=self._note)
        return LookupTypes(dispatcher, self.dns)

    def _note(self, call: HostCallEvent) -> None:
        self.calls.append(call)
        note_host_call(call.name, call.request)


def with_fakes(ctx: Context, clients: Iterable[object]) -> Context:
    """Return a context with every client bound to the ports that it satisfies; a `FakeHost` to all."""
    for client in clients:
        ctx = client.bind(ctx) if isinstance(client, FakeHost) else with_client(ctx, client)
    return ctx


def raise_unexpected(clients: Iterable[object]) -> None:
    """Raise the first call since the last time that a fake among the clients did not expect."""
    __tracebackhide__ = True
    for client in clients:
        if isinstance(client, FakeHost | Fake):
            client.raise_unexpected()
