"""The SMTP port over a host's `smtp_connect`."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import SMTPConnectResult
from reglet.domain.errors import (
    HostError,
    NetworkError,
    TimeoutError,  # noqa: A004 - our own family
    UnsupportedOptionError,
)
from reglet.domain.urls import join_host_port
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.smtp import SMTPRequest, decode_smtp_response, encode_smtp_request

_FUNCTION = "smtp_connect"


@frozen
class HostSMTPClient:
    """Greets mail servers through the host, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostSMTPClient:
        """Return the client for connections made in `ctx`."""
        return evolve(self, ctx=ctx)

    def connect(
        self, host: str, port: int, timeout: timedelta, use_tls: bool, use_starttls: bool
    ) -> SMTPConnectResult:
        """Have the host connect, read the banner, negotiate TLS as asked, and say goodbye.

        Raises `NetworkError`, `TimeoutError`, `CapabilityError`, and `UnsupportedOptionError` where the
        host left out the TLS that was asked for.
        """
        self._ctx.ensure_live(_FUNCTION)
        request = SMTPRequest(host, port, time_left(self._ctx, timeout), use_tls, use_starttls)
        result = self._ask(request)
        target = join_host_port(host, port)
        if not result.connected:
            raise NetworkError("smtp connect", target, "the host answered that it is not connected")
        if (use_tls or use_starttls) and not result.tls_enabled:
            option = "use_tls" if use_tls else "use_starttls"
            raise UnsupportedOptionError(option, True, f"the host spoke to {target} without TLS")
        return result

    def _ask(self, request: SMTPRequest) -> SMTPConnectResult:
        call = CallContext.of(self._ctx, request.timeout)
        target = join_host_port(request.host, request.port)
        try:
            return self._caller.call(
                _FUNCTION,
                lambda dialect: encode_smtp_request(request, call, dialect, both=True),
                lambda answer: decode_smtp_response(answer, f"network:{target}"),
            )
        except HostError as error:
            if error.is_timeout:
                raise TimeoutError(
                    "smtp connect", request.timeout or timedelta(), f"{target}: {error}"
                ) from error
            raise NetworkError("smtp connect", target, error) from error
