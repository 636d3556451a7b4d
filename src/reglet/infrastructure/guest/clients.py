"""The plugin's side of the seam: the module's imports, the host's dialect, and a client for each port."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

from attrs import define, evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import (
    DEFAULT_MAX_REDIRECTS,
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    LogMessage,
    MXRecord,
    ObservedConnection,
    SMTPConnectResult,
    TLSFacts,
)
from reglet.domain.errors import (
    TIMEOUT_WORDS,
    CapabilityError,
    DNSError,
    ExecError,
    HostError,
    HTTPError,
    NetworkError,
    RegletError,
    TCPError,
    TimeoutError,  # noqa: A004 - our own family
    UnsupportedOptionError,
    WireFormatError,
)
from reglet.domain.ports import LOG_FUNCTION, HostFunctions
from reglet.domain.time import in_milliseconds, parse_duration
from reglet.domain.urls import DNS_PORT, PORTS, SCHEME_PORTS, join_host_port
from reglet.infrastructure.wire.host_functions import (
    FOLLOW_REDIRECTS,
    HOST_FUNCTIONS,
    INSECURE_SKIP_VERIFY,
    MAX_REDIRECTS,
    DNSRequest,
    DNSResponse,
    HostFunction,
    SMTPRequest,
    TCPRequest,
    TCPResponse,
    encode_log_message,
)
from reglet.infrastructure.wire.messages import CallContext, is_unreadable
from reglet.infrastructure.wire.record import Dialect

MAX_REQUEST_BYTES = 1024 * 1024
"""The largest request that a host reads (ABI section 1)."""

_MOST_LOGGED = 64 * 1024
_CUT = "… (cut: hosts read at most 1 MB)"


class HostModule(Protocol):
    """What the built-in module `_reglet` of the runtime offers."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call an import; None if the module has none of that name."""
        ...


class ImportedFunctions:
    """The seam inside a module: calls the module's imports."""

    def __init__(self, module: HostModule) -> None:
        """Take the built-in module."""
        self._module = module

    def call(self, name: str, request: bytes) -> bytes:
        """Call a host function with a JSON request and return its JSON answer.

        Raises:
            CapabilityError: the module has no such import, since its capabilities declare no use for it.
            WireFormatError: the host answered with a pointer that cannot be.
        """
        try:
            answer = self._module.call(name, request)
        except ValueError as error:
            raise WireFormatError("decode", f"the answer of {name}", error) from error
        if answer is None:
            kind = HOST_FUNCTIONS[name].capability if name in HOST_FUNCTIONS else name
            hint = (
                f"the plugin declares no {kind} capability, so its module does not import {name}; declare one"
            )
            raise CapabilityError(kind, hint=hint)
        return answer


@define
class HostCaller:
    """Calls host functions, in the dialect that the host was found to speak.

    A host is asked in dialect abi first: hosts of the other one check their policy on that form. One that
    cannot decode it did nothing yet, so the request is repeated in hostlib, and the instance goes on in it.

    Attributes:
        dialect: the dialect that the host is known, or assumed, to speak.
    """

    _functions: HostFunctions
    dialect: Dialect = field(default=Dialect.ABI, init=False)

    def call(self, function: HostFunction, request: Any, call: CallContext, needs: Callable[[], str]) -> Any:
        """Return what a host function answers; `needs` returns the grant that the call needs.

        Raises:
            WireFormatError: the request is larger than hosts read, or the answer is none.
            CapabilityError, HostError: the host refused or failed.
        """
        answer = self._send(function, request, call, self.dialect)
        if self.dialect is Dialect.ABI and is_unreadable(answer):
            answer = self._send(function, request, call, Dialect.HOSTLIB)
            if not is_unreadable(answer):
                self.dialect = Dialect.HOSTLIB
        return function.response.decode(answer, needs)

    def _send(self, function: HostFunction, request: Any, call: CallContext, dialect: Dialect) -> bytes:
        # names of the other dialect go along: some hosts read those of both
        encoded = function.request.encode(request, call, dialect, both=True)
        if len(encoded) > MAX_REQUEST_BYTES:
            cause = f"{len(encoded)} bytes, and hosts read at most {MAX_REQUEST_BYTES}; send less"
            raise WireFormatError("encode", f"the request to {function.name}", cause)
        return self._functions.call(function.name, encoded)


class HostLogSink:
    """The log over a host's `log_message`. A message that is too large for a host is cut, and says so."""

    def __init__(self, functions: HostFunctions) -> None:
        """Take the seam."""
        self._functions = functions

    def write(self, message: LogMessage) -> None:
        """Hand one message over."""
        request = encode_log_message(message)
        if len(request) > MAX_REQUEST_BYTES:
            request = encode_log_message(
                evolve(message, message=message.message[:_MOST_LOGGED] + _CUT, attributes=())
            )
        self._functions.call(LOG_FUNCTION, request)


_USUAL_PROTOCOL = "HTTP/1.1"
"""What the Go plugins write where a host leaves the protocol out."""
_NOT_APPLIED = "this host does not say that it applied it"


_WAITED = re.compile(TIMEOUT_WORDS + " ([0-9a-zµ.]+)")
_ABOUT = 0.05
_NO_NAME = "dns lookup for "
"""What an error has in it where it was a look-up that took too long; that is reported as it is."""


@frozen
class HostClient:
    """What the clients have in common: a host function, called in the context that the client is bound to."""

    function: ClassVar[HostFunction]

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> Self:
        """Return the client for calls made in `ctx`."""
        return type(self)(self._caller, ctx)

    def _call(self, request: Any) -> Any:
        """Return what the host answers within the request's timeout and the context's deadline.

        Raises:
            TimeoutError: time ran out, or had run out before; then nothing was sent.
            CapabilityError: no grant covers the request.
            RegletError: `_failure` of what the host answered.
        """
        self._ctx.ensure_live(self.function.name)
        timeout = request.timeout
        if timeout is not None and not isinstance(timeout, timedelta):
            raise TypeError(f"a timeout is {timeout!r}; write timedelta(seconds={timeout})")
        # the sooner of its own and the deadline; zero and less count as not set, as in the Go SDK
        own = timeout if timeout is not None and timeout > timedelta() else None
        remaining = self._ctx.remaining()
        timeout = (own or remaining) if own is None or remaining is None else min(own, remaining)
        timed = request if timeout == request.timeout else evolve(request, timeout=timeout)
        call = CallContext.of(self._ctx, timeout)
        try:
            return self._caller.call(
                self.function, timed, call, lambda: f"{self.function.capability}:{self._needed(timed)}"
            )
        except HostError as error:
            failure = self._failure(timed, error)
            if error.is_timeout and not (failure.is_timeout and _NO_NAME in str(error)):
                raise self._timed_out(timed, error) from error
            raise failure from error

    def _timed_out(self, request: Any, error: HostError) -> TimeoutError:
        """Return the timeout of a call with one duration: what the host waited if it says so, else the limit.

        What it waited is reported as the limit where both are about the same.
        """
        operation, target = self._described(request)
        limit = None if request.timeout is None else in_milliseconds(request.timeout)
        said = _WAITED.search(str(error))
        waited = parse_duration(said[1]) if said else None
        if waited is None:
            return TimeoutError(operation, limit, f"{target}: {error}")
        is_limit = limit is not None and abs(waited - limit) <= limit * _ABOUT
        return TimeoutError(operation, limit if is_limit else in_milliseconds(waited), target)

    def _needed(self, request: Any) -> str:
        """Return the grant that a request needs, without its kind."""
        raise NotImplementedError

    def _described(self, request: Any) -> tuple[str, str]:
        """Return a request's operation and target, for the message of a timeout."""
        raise NotImplementedError

    def _failure(self, request: Any, error: HostError) -> RegletError:
        """Return the port's own error for what the host answered."""
        raise NotImplementedError


class HostHTTPClient(HostClient):
    """Sends requests through the host."""

    function = HOST_FUNCTIONS["http_request"]

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Send a request and return the whole answer.

        Raises:
            HTTPError: there is no answer.
            TimeoutError: time ran out, or had run out before; then nothing was sent.
            CapabilityError: no grant covers the host and port.
            UnsupportedOptionError: the host does not say that it honoured an option that was changed.
        """
        response: HTTPResponse
        response, applied = self._call(request)
        if self._caller.dialect is Dialect.HOSTLIB:
            applied |= {FOLLOW_REDIRECTS, MAX_REDIRECTS}
        for option, value, usual in (
            (FOLLOW_REDIRECTS, request.follow_redirects, True),
            (MAX_REDIRECTS, request.max_redirects, DEFAULT_MAX_REDIRECTS),
            (INSECURE_SKIP_VERIFY, request.insecure_skip_verify, False),
        ):
            if value != usual and option not in applied:
                raise UnsupportedOptionError(option, value, _NOT_APPLIED)
        return response if response.proto else evolve(response, proto=_USUAL_PROTOCOL)

    def _needed(self, request: HTTPRequest) -> str:
        try:
            parts = urlsplit(request.url)
            port = parts.port or SCHEME_PORTS.get(parts.scheme, 0)
        except ValueError:
            return request.url
        if not parts.hostname:
            return f"{request.url}:{port or '*'}"
        return join_host_port(parts.hostname, port or "*")

    def _described(self, request: HTTPRequest) -> tuple[str, str]:
        return f"http {request.method}", request.url

    def _failure(self, request: HTTPRequest, error: HostError) -> HTTPError:
        return HTTPError(request.method, request.url, error)


@frozen
class HostDNSResolver(HostClient):
    """Looks up names through the host."""

    function = HOST_FUNCTIONS["dns_lookup"]

    _latencies: list[timedelta | None] = field(factory=list, init=False, eq=False)

    @property
    def measured(self) -> timedelta | None:
        """How long the look-ups took, as the host measured them; None where it does not say of each."""
        took = [each for each in self._latencies if each is not None]
        return sum(took, timedelta()) if took and len(took) == len(self._latencies) else None

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name; it is enough that there are some of either.

        Some hosts answer a look-up of type A with both families, some with one: those are asked for AAAA too.
        """
        found, failure = self._family(host, "A", nameserver)
        if isinstance(failure, TimeoutError):
            raise failure
        if not any(":" in address for address in found):
            more, also = self._family(host, "AAAA", nameserver)
            found += more
            if failure is None or failure.is_not_found:
                failure = also if also is not None and not _is_unsupported(also) else failure
        if not found:
            raise failure or _no_records(host, "A", nameserver)
        return list(dict.fromkeys(found))

    def lookup_addresses(self, host: str, record_type: str, *, nameserver: str | None = None) -> list[str]:
        """Return the addresses of a name, those of type `record_type` among them.

        Where a host says that these are missing, the other type shows whether the name is.
        """
        found, failure = self._family(host, record_type, nameserver)
        if failure is not None:
            if not failure.is_not_found and not _is_unsupported(failure):
                raise failure
            found, _ = self._family(host, "AAAA" if record_type == "A" else "A", nameserver)
            if not found:
                raise failure
        return found

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name."""
        records = self._look_up(host, "CNAME", nameserver).records
        if not records:
            raise _no_records(host, "CNAME", nameserver)
        return records[0]

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        records = self._look_up(host, "MX", nameserver).mx_records
        return sorted(records, key=lambda record: record.pref)

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the TXT records."""
        return list(self._look_up(host, "TXT", nameserver).records)

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        return list(self._look_up(host, "NS", nameserver).records)

    def _family(
        self, host: str, record_type: str, nameserver: str | None
    ) -> tuple[list[str], DNSError | TimeoutError | None]:
        """Return the addresses of one family, or why there are none."""
        try:
            return list(self._look_up(host, record_type, nameserver).records), None
        except (DNSError, TimeoutError) as error:
            return [], error

    def _look_up(self, host: str, record_type: str, nameserver: str | None) -> DNSResponse:
        request = DNSRequest(host, record_type, nameserver or "")
        self._latencies.append(None)  # of one that fails nobody says
        response: DNSResponse = self._call(request)
        self._latencies[-1] = response.latency
        return response

    def _needed(self, request: DNSRequest) -> str:
        return join_host_port(request.hostname, DNS_PORT)

    def _described(self, request: DNSRequest) -> tuple[str, str]:
        return f"dns {request.type}", request.hostname

    def _failure(self, request: DNSRequest, error: HostError) -> DNSError:
        return DNSError(
            request.hostname, request.type, error, request.nameserver, not_found=error.is_not_found
        )


def _is_unsupported(error: RegletError) -> bool:
    """Report whether a host has no look-ups of the type."""
    cause = error.cause if isinstance(error, DNSError) else None
    return isinstance(cause, HostError) and cause.code == "UNSUPPORTED_TYPE"


def _no_records(host: str, record_type: str, nameserver: str | None) -> DNSError:
    return DNSError(host, record_type, "there are no such records", nameserver or "", not_found=True)


class HostTCPDialer(HostClient):
    """Makes connections through the host."""

    function = HOST_FUNCTIONS["tcp_connect"]

    def dial(self, address: str) -> ObservedConnection:
        """Connect without TLS, within the host's own time limit."""
        return self._dial(address, None, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> ObservedConnection:
        """Connect without TLS within `timeout`."""
        return self._dial(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> ObservedConnection:
        """Connect within `timeout`, with TLS if `tls`; with `insecure_skip_verify` to any certificate."""
        return self._dial(address, timeout, tls=tls, insecure_skip_verify=insecure_skip_verify)

    def _dial(
        self, address: str, timeout: timedelta | None, *, tls: bool, insecure_skip_verify: bool = False
    ) -> ObservedConnection:
        """Return what the host observed; its connection is closed, and counts as open here until closed."""
        name, _, digits = address.rpartition(":")
        host = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        port = int(digits) if digits.isascii() and digits.isdecimal() else 0
        if not host or port not in PORTS or (":" in host and host is name):
            raise TCPError(address, "expected host:port with a port from 1 to 65535, [host]:port for IPv6")
        request = TCPRequest(host, port, timeout, tls, insecure_skip_verify)
        response: TCPResponse = self._call(request)
        _check_unverified(insecure_skip_verify, response.applied)
        if not response.connected:
            raise TCPError(address, "the host answered that it is not connected, and no reason")
        if tls and not response.tls:
            raise UnsupportedOptionError("tls", True, f"the host connected to {address} without TLS")
        return ObservedConnection(
            response.remote_addr or response.address or address,
            response.local_addr,
            response.tls,
            TLSFacts(
                version=response.tls_version,
                cipher_suite=response.tls_cipher_suite,
                server_name=response.tls_server_name,
                cert_subject=response.tls_cert_subject,
                cert_issuer=response.tls_cert_issuer,
                cert_not_after=response.tls_cert_not_after,
            ),
            response_time=response.response_time or None,
        )

    def _needed(self, request: TCPRequest) -> str:
        return join_host_port(request.host, request.port)

    def _described(self, request: TCPRequest) -> tuple[str, str]:
        return "tcp connect", self._needed(request)

    def _failure(self, request: TCPRequest, error: HostError) -> TCPError:
        return TCPError(self._needed(request), error)


def _check_unverified(asked: bool, applied: Sequence[str]) -> None:
    """Raise unless the host took any certificate where it was asked to."""
    if asked and INSECURE_SKIP_VERIFY not in applied:
        raise UnsupportedOptionError(INSECURE_SKIP_VERIFY, True, _NOT_APPLIED)


class HostSMTPClient(HostClient):
    """Greets mail servers through the host."""

    function = HOST_FUNCTIONS["smtp_connect"]

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
        """Have the host connect, read the banner, negotiate TLS as asked, and say goodbye.

        Raises `NetworkError`, `TimeoutError`, `CapabilityError`, and `UnsupportedOptionError` where the
        host left out the TLS that was asked for, or does not say that it took any certificate.
        """
        target = join_host_port(host, port)
        request = SMTPRequest(host, port, timeout, use_tls, use_starttls, insecure_skip_verify)
        result: SMTPConnectResult = self._call(request)
        _check_unverified(insecure_skip_verify, result.applied)
        if not result.connected:
            raise NetworkError("smtp connect", target, "the host answered that it is not connected")
        if (use_tls or use_starttls) and not result.tls_enabled:
            option = "use_tls" if use_tls else "use_starttls"
            raise UnsupportedOptionError(option, True, f"the host spoke to {target} without TLS")
        return result

    def _needed(self, request: SMTPRequest) -> str:
        return join_host_port(request.host, request.port)

    def _described(self, request: SMTPRequest) -> tuple[str, str]:
        return "smtp connect", self._needed(request)

    def _failure(self, request: SMTPRequest, error: HostError) -> NetworkError:
        return NetworkError("smtp connect", self._needed(request), error)


class HostCommandRunner(HostClient):
    """Has the host run programs."""

    function = HOST_FUNCTIONS["exec_command"]

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end. A non-zero exit code is a result.

        Raises `ExecError` when it could not be started, `TimeoutError` when the host gave up on it without
        a result, `CapabilityError` when no grant covers it.
        """
        given: object = request
        if not isinstance(given, CommandRequest):
            raise TypeError(f"run({given!r}): write run(reglet.CommandRequest(command, [argument, …]))")
        result: CommandResult = self._call(request)
        return result

    def _needed(self, request: CommandRequest) -> str:
        return request.command

    def _described(self, request: CommandRequest) -> tuple[str, str]:
        return "exec", request.command

    def _failure(self, request: CommandRequest, error: HostError) -> ExecError:
        return ExecError(request.command, error)


_CLIENTS = (HostHTTPClient, HostDNSResolver, HostTCPDialer, HostSMTPClient, HostCommandRunner)


def host_clients(functions: HostFunctions) -> Mapping[Any, object]:
    """Return a client for every port, for a `Context`; they share what they learn of the host's dialect."""
    caller = HostCaller(functions)
    return {client.function.port: client(caller) for client in _CLIENTS}
