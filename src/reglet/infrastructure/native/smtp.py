"""Mail servers greeted over smtplib."""

from __future__ import annotations

import builtins
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import SMTPConnectResult, TLSFacts
from reglet.domain.errors import DNSError, NetworkError
from reglet.domain.policy import InvalidHostError
from reglet.domain.ports import NetworkGuard
from reglet.infrastructure.native.addresses import join_address
from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.dialer import Dialer, Lookup, system_lookup
from reglet.infrastructure.native.smtp_session import SMTPRefusedError, SMTPSession
from reglet.infrastructure.native.tls import secure, tls_facts
from reglet.infrastructure.native.trust import Trust


@frozen
class NativeSMTPClient:
    """The `SMTPClient` port over the real network."""

    guard: NetworkGuard | None = None
    trust: Trust = field(factory=Trust)
    lookup: Lookup = system_lookup
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the client for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

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
        """Connect, read the banner, ask for extensions, negotiate TLS as asked, and say goodbye.

        Raises `NetworkError`, `TimeoutError` or `CapabilityError`.
        """
        address = join_address(host, port)
        deadline = Deadline.start("smtp connect", address, timeout, self._ctx)
        began = time.monotonic()
        with _errors_mapped(deadline):
            context = self.trust.context(verify=not insecure_skip_verify) if use_tls or use_starttls else None
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if use_tls and context is not None:
                connection = secure(connection, host, context, deadline)
            elapsed = timedelta(seconds=time.monotonic() - began)
            with closing(SMTPSession(connection, deadline)) as session:
                starttls = context if use_starttls and not use_tls else None
                return _greeted(session, host, address, elapsed, starttls)


def _greeted(
    session: SMTPSession, host: str, address: str, elapsed: timedelta, starttls: ssl.SSLContext | None
) -> SMTPConnectResult:
    banner, extensions = session.banner(), session.extensions()
    if starttls is not None:
        session.start_tls(host, starttls)
        extensions = session.extensions()
    secured = session.connection
    facts = tls_facts(secured, host) if isinstance(secured, ssl.SSLSocket) else None
    told = facts or TLSFacts()
    return SMTPConnectResult(
        banner=banner,
        extensions=extensions,
        supports_auth=any(line.upper().split()[:1] == ["AUTH"] for line in extensions),
        tls_enabled=facts is not None,
        tls_version=told.version,
        tls_cipher_suite=told.cipher_suite,
        tls_server_name=told.server_name,
        response_time=elapsed,
        address=address,
    )


@contextmanager
def _errors_mapped(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except builtins.TimeoutError as error:
        raise deadline.error() from error
    except smtplib.SMTPException as error:
        # smtplib reports a socket's timeout as a lost connection
        if isinstance(error.__context__, builtins.TimeoutError):
            raise deadline.error() from error
        raise NetworkError("connect", deadline.target, error) from error
    except (OSError, ValueError, DNSError, InvalidHostError, SMTPRefusedError) as error:
        raise NetworkError("connect", deadline.target, error) from error
