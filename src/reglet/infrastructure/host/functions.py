"""The host functions of ABI section 1 over ports: decode, ask the policy, call the port, encode."""

from __future__ import annotations

import errno
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

from attrs import evolve

from reglet.domain.context import Context, client_in
from reglet.domain.entities.records import (
    DEFAULT_MAX_REDIRECTS,
    DEFAULT_TIMEOUT,
    CommandRequest,
    HTTPRequest,
    ObservedConnection,
    Program,
)
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.errors import (
    CancelledError,
    CapabilityError,
    ExecError,
    HTTPError,
    RegletError,
    UnsupportedOptionError,
)
from reglet.domain.policy import Policy
from reglet.domain.policy.network import InvalidHostError, Target
from reglet.domain.ports import (
    AddressResolver,
    CommandRunner,
    DNSResolver,
    HTTPClient,
    SMTPClient,
    TCPDialer,
    Which,
)
from reglet.domain.urls import SCHEME_PORTS, join_host_port, without_credentials
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
)
from reglet.infrastructure.wire.messages import encode_failure
from reglet.infrastructure.wire.record import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.domain.errors import WireFormatError
    from reglet.infrastructure.host.dispatcher import CallLog

Port = TypeVar("Port")
Q = TypeVar("Q")


class BadRequestError(RegletError):
    """A request lacks what it cannot be made without; the message says what."""

    error_type = "validation"

    @property
    def code(self) -> str:
        """The Go host SDK's code."""
        return "INVALID_REQUEST"


class Handler(ABC, Generic[Port, Q]):
    """Answers one host function with a port: what the handlers have in common.

    Attributes:
        function: the host function.
        failure_code: what the Go host SDK calls a failure of it (dialect hostlib).
        app_type: the type that the newer app gives a failure of it; empty where that is the code.
    """

    function: ClassVar[HostFunction]
    failure_code: ClassVar[str]
    app_type: ClassVar[str] = ""

    def __init__(self, port: Port, policy: Policy, dialect: Dialect, which: Which | None = None) -> None:
        """Answer with `port` what `policy` allows."""
        self._port = port
        self._policy = policy
        self._dialect = dialect
        self._which = which

    def answer(self, request: bytes, context: Context, log: CallLog) -> bytes:
        """Answer a request in the dialect.

        Raises:
            WireFormatError: the request is not one of this dialect.
            CapabilityError: the policy, or a guard below the port, refuses.
            RegletError: the port failed.
        """
        decoded, call = self.function.request.decode_call(request, self._dialect)
        asked = call.to_context()
        deadlines = [each for each in (context.deadline, asked.deadline) if each is not None]
        ctx = evolve(
            context,
            deadline=min(deadlines, default=None),
            request_id=asked.request_id or context.request_id,
            cancellation=asked.cancellation or context.cancellation,
        )
        allowed = self._allowed(decoded, log)
        ctx.ensure_live(self.function.name)
        return self._perform(allowed, client_in(self._port, ctx), ctx)

    def denied(self, error: CapabilityError) -> bytes:
        """Return the answer to a refusal: a response with an error, or the Go host SDK's bare one."""
        kind, _, pattern = error.required.partition(":")
        denied = f"{kind} capability denied: {pattern}" + (f"; {error.hint}" if error.hint else "")
        match self._dialect:
            case Dialect.HOSTLIB:
                return encode_failure("VALIDATION_ERROR", denied)
            case Dialect.APP:
                detail = ErrorDetail("capability", f"permission denied: {denied}")
            case _:
                detail = error.detail()
        return self.function.response.encode_error(detail)

    def failed(self, error: RegletError) -> bytes:
        """Return a response that says how the port failed."""
        detail = error.detail()
        if error.is_timeout:  # what the Go host SDK calls it
            code = "TIMEOUT"
        elif isinstance(error, UnsupportedOptionError | CancelledError | BadRequestError):
            code = "INVALID_REQUEST"
        elif error.is_not_found and self.failure_code != "LOOKUP_FAILED":
            code = "HOST_NOT_FOUND"
        else:
            code = self.failure_code
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
                    code = "CONNECTION_REFUSED"
                cause = cause.__cause__
        match self._dialect:
            case Dialect.HOSTLIB:
                detail = evolve(detail, code=code)
            case Dialect.APP:
                kind = self.app_type or code
                detail = ErrorDetail(kind, detail.message, code if kind == "execution" else "")
        return self.function.response.encode_error(detail, self._dialect)

    def unreadable(self, error: WireFormatError) -> bytes:
        """Return the answer to a request that is not one of the dialect."""
        if self._dialect in (Dialect.APP, Dialect.OLDER):
            message = f"hostfuncs: failed to unmarshal request: {error}"
            return self.function.response.encode_error(ErrorDetail("internal", message))
        # with this word a guest tries the other dialect (ABI section 5)
        return encode_failure("VALIDATION_ERROR", f"failed to unmarshal request: {error}")

    @abstractmethod
    def _allowed(self, request: Q, log: CallLog) -> Q:
        """Return the request as it is performed; raise `CapabilityError` unless the policy allows it."""

    @abstractmethod
    def _perform(self, request: Q, port: Port, ctx: Context) -> bytes:
        """Call the port and return the response."""

    def _response(self, value: Any, **extra: Any) -> bytes:
        return self.function.response.encode(value, self._dialect, **extra)


class HTTPHandler(Handler[HTTPClient, HTTPRequest]):
    """Sends requests. Each redirect is checked again by the client's guard."""

    function = HOST_FUNCTIONS["http_request"]
    failure_code = "REQUEST_FAILED"

    def _allowed(self, request: HTTPRequest, log: CallLog) -> HTTPRequest:
        try:
            parts = urlsplit(request.url)
            port = parts.port
        except ValueError as error:
            raise HTTPError(request.method, request.url, error) from error
        if parts.scheme not in SCHEME_PORTS:
            advice = "" if parts.scheme else "; write https:// before it"
            reason = f"scheme {parts.scheme!r} is not http or https{advice}"
            raise HTTPError(request.method, request.url, reason)
        if not parts.hostname:
            raise HTTPError(request.method, request.url, "the URL names no host")
        if port is None:
            port = SCHEME_PORTS[parts.scheme]
        shown = f"{request.method or 'GET'} {without_credentials(request.url)}"
        _require_host(parts.hostname)
        log.require(shown, self._policy.network(parts.hostname, port))
        return request

    def _perform(self, request: HTTPRequest, port: HTTPClient, ctx: Context) -> bytes:
        del ctx
        started = time.perf_counter()
        response = port.do(request)
        if response.latency is None:
            response = evolve(response, latency=timedelta(seconds=time.perf_counter() - started))
        asked = {  # the client honours them all
            FOLLOW_REDIRECTS: not request.follow_redirects,
            MAX_REDIRECTS: request.max_redirects != DEFAULT_MAX_REDIRECTS,
            INSECURE_SKIP_VERIFY: request.insecure_skip_verify,
        }
        applied = tuple(option for option, is_asked in asked.items() if is_asked)
        return self._response(response, applied=applied)


class DNSHandler(Handler[DNSResolver, DNSRequest]):
    """Looks up names. A name server that a request names is checked by the resolver's guard."""

    function = HOST_FUNCTIONS["dns_lookup"]
    failure_code = "LOOKUP_FAILED"
    app_type = "network"

    def _allowed(self, request: DNSRequest, log: CallLog) -> DNSRequest:
        if not request.hostname:
            raise BadRequestError("hostname is required")
        kind = request.type.upper() or "A"
        if kind not in _LOOKUPS:
            raise BadRequestError(f"record type {request.type!r} is not one of {', '.join(_LOOKUPS)}")
        _require_host(request.hostname)
        log.require(f"{request.type or 'A'} {request.hostname}", self._policy.dns(request.hostname))
        return evolve(request, type=kind)

    def _perform(self, request: DNSRequest, port: DNSResolver, ctx: Context) -> bytes:
        del ctx
        look_up = _LOOKUPS[request.type]
        started = time.perf_counter()
        found = look_up(port, request.hostname, request.nameserver or None)
        took = timedelta(seconds=time.perf_counter() - started)
        return self._response(evolve(found, latency=took))


def _addresses(resolver: DNSResolver, host: str, nameserver: str | None, record_type: str) -> tuple[str, ...]:
    if isinstance(resolver, AddressResolver):
        return tuple(resolver.lookup_addresses(host, record_type, nameserver=nameserver))
    return tuple(resolver.lookup_host(host, nameserver=nameserver))


def _ipv6(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSResponse:
    found = _addresses(resolver, host, nameserver, "AAAA")
    return DNSResponse(tuple(address for address in found if ":" in address))


_LOOKUPS: dict[str, Callable[[DNSResolver, str, str | None], DNSResponse]] = {
    # as the Go host: every address, of both families
    "A": lambda port, host, server: DNSResponse(_addresses(port, host, server, "A")),
    "AAAA": _ipv6,
    "CNAME": lambda port, host, server: DNSResponse((port.lookup_cname(host, nameserver=server),)),
    "MX": lambda port, host, server: DNSResponse(mx_records=tuple(port.lookup_mx(host, nameserver=server))),
    "TXT": lambda port, host, server: DNSResponse(tuple(port.lookup_txt(host, nameserver=server))),
    "NS": lambda port, host, server: DNSResponse(tuple(port.lookup_ns(host, nameserver=server))),
}


class TCPHandler(Handler[TCPDialer, TCPRequest]):
    """Connects, looks and closes."""

    function = HOST_FUNCTIONS["tcp_connect"]
    failure_code = "CONNECTION_FAILED"

    def _allowed(self, request: TCPRequest, log: CallLog) -> TCPRequest:
        _require_connection(request, self._policy, log)
        return request

    def _perform(self, request: TCPRequest, port: TCPDialer, ctx: Context) -> bytes:
        address = join_host_port(request.host, request.port)
        timeout = _timeout_within(request.timeout, ctx)
        started = time.perf_counter()
        with port.dial_secure(address, timeout, request.tls, **_unverified(request)) as connection:
            measured = connection.response_time if isinstance(connection, ObservedConnection) else None
            return self._response(
                TCPResponse(
                    connected=connection.is_connected,
                    address=address,
                    remote_addr=connection.remote_addr,
                    local_addr=connection.local_addr,
                    tls=connection.is_tls,
                    tls_version=connection.tls_version,
                    tls_cipher_suite=connection.tls_cipher_suite,
                    tls_server_name=connection.tls_server_name,
                    tls_cert_subject=connection.tls_cert_subject,
                    tls_cert_issuer=connection.tls_cert_issuer,
                    tls_cert_not_after=connection.tls_cert_not_after,
                    response_time=measured or timedelta(seconds=time.perf_counter() - started),
                    applied=tuple(_unverified(request)),
                )
            )


class SMTPHandler(Handler[SMTPClient, SMTPRequest]):
    """Greets mail servers."""

    function = HOST_FUNCTIONS["smtp_connect"]
    failure_code = "CONNECTION_FAILED"

    def _allowed(self, request: SMTPRequest, log: CallLog) -> SMTPRequest:
        _require_connection(request, self._policy, log)
        return request

    def _perform(self, request: SMTPRequest, port: SMTPClient, ctx: Context) -> bytes:
        timeout, options = _timeout_within(request.timeout, ctx), _unverified(request)
        result = port.connect(request.host, request.port, timeout, request.tls, request.starttls, **options)
        return self._response(evolve(result, applied=tuple(options)))


def _unverified(request: TCPRequest | SMTPRequest) -> dict[str, bool]:
    """Return the option that takes any certificate, where it is asked for: clients may not know it."""
    return {INSECURE_SKIP_VERIFY: True} if request.insecure_skip_verify else {}


def _require_connection(request: TCPRequest | SMTPRequest, policy: Policy, log: CallLog) -> None:
    """Raise unless there are a host and a port to connect to, and the policy allows them."""
    if not request.host:
        raise BadRequestError("host is required")
    if not request.port:
        raise BadRequestError("port is required: 1 to 65535")
    _require_host(request.host)
    log.require(join_host_port(request.host, request.port), policy.network(request.host, request.port))


def _require_host(host: str) -> None:
    """Raise unless it can be one: a mistake in a config is reported as that, and not as a missing grant."""
    try:
        Target.of_lookup(host)
    except InvalidHostError as error:
        raise BadRequestError(str(error)) from error


def _timeout_within(asked: timedelta | None, ctx: Context) -> timedelta:
    """Return the time a connection may take: what was asked for, but no more than the check has left."""
    wanted = asked or DEFAULT_TIMEOUT
    left = ctx.remaining()
    return wanted if left is None else min(wanted, left)


class ExecHandler(Handler[CommandRunner, CommandRequest]):
    """Runs programs. What is run is the file that the policy was asked about."""

    function = HOST_FUNCTIONS["exec_command"]
    failure_code = "EXECUTION_FAILED"
    app_type = "execution"

    def _allowed(self, request: CommandRequest, log: CallLog) -> CommandRequest:
        """Return the request with the file that its command was found at: what is judged is what is run.

        The policy is asked about the name as it was given, else about the path it was found at. A name that
        is found nowhere is not run by its name.
        """
        if not request.command:
            raise BadRequestError("command is required")
        texts = (request.command, request.dir or "", *request.args, *(request.env or {}).values())
        if any("\0" in text for text in (*texts, *(request.env or {}))):
            raise BadRequestError("a command, its arguments, directory and environment hold no NUL character")
        program = Program() if self._which is None else self._which(request.command, request.dir)
        decisions = [
            self._policy.execute(name, resolved=program.resolved, environment=request.env or {})
            for name in dict.fromkeys(filter(None, (request.command, program.path)))
        ]
        log.require(request.command, next((each for each in decisions if each), decisions[-1]))
        if self._which is not None and not program.path:
            raise ExecError(request.command, "the host's search path has no such program")
        return evolve(request, command=program.path or request.command, executable=program.resolved)

    def _perform(self, request: CommandRequest, port: CommandRunner, ctx: Context) -> bytes:
        del ctx
        return self._response(port.run(request))


HANDLERS: dict[str, type[Handler[Any, Any]]] = {
    handler.function.name: handler
    for handler in (HTTPHandler, DNSHandler, TCPHandler, SMTPHandler, ExecHandler)
}
"""By the name of their host function."""
