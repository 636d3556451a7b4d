"""The ports: what a plugin may ask of its host, as protocols; and the clients of a context, by port."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from reglet.domain.errors import DefinitionError

if TYPE_CHECKING:  # a plugin needs no policy, and who has ports need not have what they take
    from typing_extensions import TypeForm

    from reglet.domain.context import Context
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.records import (
        CommandRequest,
        CommandResult,
        HTTPRequest,
        HTTPResponse,
        LogMessage,
        MXRecord,
        Program,
        SMTPConnectResult,
    )
    from reglet.domain.entities.result import Result
    from reglet.domain.policy.network import Address, Target


@runtime_checkable
class HTTPClient(Protocol):
    """Sends HTTP requests.

    Every method raises `HTTPError` when there is no answer, `TimeoutError` when time ran out and
    `CapabilityError` when no grant covers the host and port. A 404 or 500 is an answer.
    """

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Send a request and return the whole answer."""
        ...

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        ...

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        ...


@runtime_checkable
class DNSResolver(Protocol):
    """Looks up names, at the host's own resolver or at `nameserver` (`"1.1.1.1"` or `"1.1.1.1:53"`).

    Every method raises `DNSError` (`is_not_found` set when the name does not exist), `TimeoutError` or
    `CapabilityError`.
    """

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name."""
        ...

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name."""
        ...

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        ...

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the TXT records, each joined from its parts."""
        ...

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        ...


@runtime_checkable
class AddressResolver(Protocol):
    """A `DNSResolver` that knows whether the addresses of one version of IP could be looked up.

    `lookup_host` is content with those of the other; a check for one version is not.
    """

    def lookup_addresses(self, host: str, record_type: str, *, nameserver: str | None = None) -> list[str]:
        """Return addresses of a name, all of those of type `record_type` (A or AAAA) among them.

        Raises `DNSError` where the question for these fails, whatever comes of the other one.
        """
        ...


@runtime_checkable
class MeasuringResolver(Protocol):
    """A `DNSResolver` whose host may say how long it took."""

    @property
    def measured(self) -> timedelta | None:
        """How long the look-ups through this client took; None where the host does not say of each."""
        ...


@runtime_checkable
class TCPConnection(Protocol):
    """A connection that was made, and its facts; a context manager that closes it.

    Hosts connect, look and close: nothing can be sent. Strings are empty where nothing is known.
    """

    @property
    def is_connected(self) -> bool:
        """Whether it was made and not yet closed here."""
        ...

    @property
    def remote_addr(self) -> str:
        """The far end, `address:port`."""
        ...

    @property
    def local_addr(self) -> str:
        """The near end, `address:port`."""
        ...

    @property
    def is_tls(self) -> bool:
        """Whether TLS was negotiated."""
        ...

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        ...

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        ...

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI)."""
        ...

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, as Go writes it (`CN=www.example.com,O=Example`); it may be empty."""
        ...

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, written as the subject is."""
        ...

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        ...

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class TCPDialer(Protocol):
    """Makes TCP connections to `host:port` (`[host]:port` for IPv6).

    Every method raises `TCPError`, `TimeoutError` or `CapabilityError`.
    """

    def dial(self, address: str) -> TCPConnection:
        """Connect without TLS, within the host's own time limit."""
        ...

    def dial_with_timeout(self, address: str, timeout: timedelta) -> TCPConnection:
        """Connect without TLS within `timeout`."""
        ...

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> TCPConnection:
        """Connect within `timeout`, with TLS if `tls`.

        The certificate is verified, against the host's authorities and the name in `address`: one that has
        expired, has another name or is not trusted is a `TCPError`. With `insecure_skip_verify` any is
        taken, so that its facts can be read; `UnsupportedOptionError` where the host does not say that
        it did so.
        """
        ...


@runtime_checkable
class SMTPClient(Protocol):
    """Greets mail servers."""

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
        """Connect, read the banner, negotiate TLS as asked, and quit; no mail is sent.

        `use_tls` speaks TLS from the first byte, `use_starttls` asks for it after the banner. The certificate
        is verified; with `insecure_skip_verify` any is taken, and `UnsupportedOptionError` is raised where
        the host does not say that it did so. Raises `NetworkError`, `TimeoutError` or `CapabilityError`.
        """
        ...


@runtime_checkable
class CommandRunner(Protocol):
    """Runs programs, without a shell."""

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end. A non-zero exit code is a result.

        Raises `ExecError` when it could not be started, `CapabilityError` when no grant covers it.
        """
        ...


Which: TypeAlias = Callable[[str, "str | None"], "Program"]
"""Finds the file that a command means when run in a directory: what the policy judges, and what is run."""


@runtime_checkable
class LogSink(Protocol):
    """Takes what a plugin logs."""

    def write(self, message: LogMessage) -> None:
        """Take one message."""
        ...


@runtime_checkable
class NetworkGuard(Protocol):
    """Decides about connections; adapters ask before each one, redirects included."""

    def check_target(self, target: Target) -> None:
        """Raise `CapabilityError` unless a grant covers this name or address with its port."""
        ...

    def check_address(self, target: Target, address: Address) -> None:
        """Raise `CapabilityError` unless `address`, which the target's host resolved to, may be dialled."""
        ...


LOG_FUNCTION = "log_message"
"""The host function that takes a log message, answers nothing and needs no capability: every host has it."""


@runtime_checkable
class HostFunctions(Protocol):
    """Answers host calls: the module's imports, an in-process host, a fake, a recording."""

    def call(self, name: str, request: bytes) -> bytes:
        """Call a host function with a JSON request and return its JSON answer.

        Empty bytes mean that the host answered nothing (a packed 0), as `log_message` always does.
        Raises `CapabilityError` when the function is not there because no capability declares it.
        """
        ...


@runtime_checkable
class Plugin(Protocol):
    """Describes itself and checks. `define_plugin` makes one; a class of the author's own works too."""

    def manifest(self, ctx: Context) -> Manifest:
        """Return the plugin's description of itself."""
        ...

    def check(self, ctx: Context, config: bytes) -> Result:
        """Run a check with a JSON config."""
        ...


T = TypeVar("T")

PORTS: tuple[Any, ...] = (HTTPClient, DNSResolver, TCPDialer, SMTPClient, CommandRunner)
"""The ports that hosts answer."""


def get_client(ctx: Context, port: TypeForm[T]) -> T:
    """Return the client of `ctx` for `port`.

    Raises:
        MissingClientError: there is none; the message names those there are.
    """
    return ctx.client(port)


def try_get_client(ctx: Context, port: TypeForm[T]) -> T | None:
    """Return the client of `ctx` for `port`, None if there is none."""
    return ctx.client(port) if ctx.has_client(port) else None


def with_client(ctx: Context, client: object, port: object = None) -> Context:
    """Return a context in which `port` is answered by `client`; without `port`, every port that it satisfies.

    Raises:
        DefinitionError: no port was given, and it satisfies none.
    """
    answering: Any = client  # of any type: it is held to a port at run time
    ports: list[Any] = [each for each in PORTS if isinstance(client, each)] if port is None else [port]
    if not ports:
        names = ", ".join(each.__name__ for each in PORTS)
        raise DefinitionError(
            f"a {type(client).__name__} satisfies none of {names}; name it: with_client(ctx, it, port)"
        )
    for each in ports:
        ctx = ctx.with_client(each, answering)
    return ctx
