"""A host made of fakes: it answers at the seam, in any dialect, and grants what a test names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias, get_args

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
from reglet.infrastructure.host.dispatcher import HostCallEvent, HostDispatcher, HostPorts
from reglet.testing.fakes import (
    FakeCommandRunner,
    FakeDNSResolver,
    FakeHTTPClient,
    FakeSMTPClient,
    FakeTCPDialer,
    LookupTypes,
)
from reglet.testing.routes import Fake, FakeClock
from reglet.testing.runners import EVERYTHING, definition_of, encode_config, runner_of
from reglet.testing.usage import are_grants_open

DialectName: TypeAlias = Literal["abi", "hostlib", "app", "older"]
"""The hosts that a fake one can be like, as `Dialect` has them."""


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
        clock: the clock that latencies move, and what `ctx.now()` returns once a time is set.
        calls: every host call that was answered, denied ones included.
    """

    def __init__(
        self,
        *answers: Answer,
        grants: GrantSet | None = None,
        dialect: DialectName = "abi",
        now: datetime | None = None,
    ) -> None:
        """Start with a route for each answer, and at the time `now`."""
        given: object = grants
        if not isinstance(given, GrantSet | None):
            raise TypeError(f"FakeHost: grants is {given!r}; write reglet.GrantSet(…)")
        if dialect not in get_args(DialectName):
            known = ", ".join(get_args(DialectName))
            raise ValueError(f"FakeHost: dialect is {dialect!r}; there are {known}")
        self.grants = grants or GrantSet()
        self.dialect = dialect
        self.clock = FakeClock()
        self._tells_time = False
        if now is not None:
            self.set_time(now)
        self.http = FakeHTTPClient(clock=self.clock)
        self.dns = FakeDNSResolver(clock=self.clock)
        self.tcp = FakeTCPDialer(clock=self.clock)
        self.smtp = FakeSMTPClient(clock=self.clock)
        self.command = FakeCommandRunner(clock=self.clock)
        self._fakes: dict[type, Fake[Any]] = {
            HTTPAnswer: self.http,
            DNSAnswer: self.dns,
            TCPAnswer: self.tcp,
            SMTPAnswer: self.smtp,
            CommandAnswer: self.command,
        }
        self.log = FakeLog()
        self.calls: list[HostCallEvent] = []
        self._functions = self._dispatcher()
        self.add(*answers)

    @classmethod
    def of(
        cls,
        plugin: Plugin,
        *answers: Answer,
        dialect: DialectName = "abi",
        now: datetime | None = None,
    ) -> Self:
        """Return a host that grants what a plugin declares and nothing more."""
        declared = definition_of(plugin).manifest(Context()).capabilities
        grants = EVERYTHING if are_grants_open() else declared
        return cls(*answers, grants=grants, dialect=dialect, now=now)

    def set_time(self, now: datetime) -> None:
        """Let `ctx.now()` be `now`, an aware timestamp, moved by latencies; before, it is the real time."""
        self.clock.set(now)
        self._tells_time = True

    def add(self, *answers: Answer) -> None:
        """Add a route for each answer of an example."""
        for answer in answers:
            fake = self._fakes.get(type(answer))
            if fake is None:
                raise TypeError(f"FakeHost takes answers such as answers.http(…), not {answer!r}")
            fake.add(answer)

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a host function at the seam; what is not granted is answered as a real host does."""
        return self._functions.call(name, request)

    def bind(self, ctx: Context) -> Context:
        """Return a context whose clients ask this host, through the seam."""
        for port, client in host_clients(self).items():
            ctx = with_client(ctx, client, port)
        return self.at_time(ctx)

    def at_time(self, ctx: Context) -> Context:
        """Return a context with this host's time, if one is set."""
        return ctx.with_clock(self.clock.now) if self._tells_time else ctx

    def context(self) -> Context:
        """Return a context for calling a handler directly."""
        return self.bind(Context())

    def check(self, plugin: Plugin, config: Mapping[str, Any] | bytes) -> Result:
        """Run a check as a host does, bytes in and out, and return its Result.

        Raises `UnexpectedCallError` if the plugin made a call that no route answers, even if it went on.
        """
        __tracebackhide__ = True
        self._functions = self._dispatcher()
        clock = self.clock.now if self._tells_time else None
        result = runner_of(plugin).check(self, encode_config(config), clock=clock)
        self.raise_unexpected()
        return result

    def assert_all_used(self) -> None:
        """Raise `AssertionError` that lists routes with answers that were not asked for."""
        __tracebackhide__ = True
        for fake in self._fakes.values():
            fake.assert_all_used()

    def raise_unexpected(self) -> None:
        """Raise the first `UnexpectedCallError` since the last time, if there was one."""
        __tracebackhide__ = True
        for fake in self._fakes.values():
            fake.raise_unexpected()

    def _dispatcher(self) -> HostFunctions:
        ports = HostPorts(self.http, self.dns, self.tcp, self.smtp, self.command, self.log)
        observer = self.calls.append
        dispatcher = HostDispatcher(ports, Policy(self.grants), dialect=self.dialect, observer=observer)
        return LookupTypes(dispatcher, self.dns)


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
