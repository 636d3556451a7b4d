"""Mail servers greeted over smtplib, each session bounded in time and size."""

from __future__ import annotations

import builtins
import smtplib
import socket
import ssl
import time
from contextlib import closing, suppress
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import SMTPConnectResult, TLSFacts
from reglet.domain.errors import DNSError, NetworkError
from reglet.domain.policy.network import InvalidHostError
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, system_lookup
from reglet.infrastructure.native.tcp import tls_facts
from reglet.infrastructure.native.trust import Trust, secure

_MAX_ANSWERS = 64 * 1024
_READY = 220
_OK = 250


class SMTPRefusedError(Exception):
    """The server answered, and not as a session needs; the message has its answer."""


class SMTPSession:
    """A session from banner to goodbye."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        """Take an open connection, TLS or not."""
        self._client = smtplib.SMTP(local_hostname="localhost")
        self._deadline = deadline
        self._use(connection)

    @property
    def connection(self) -> socket.socket:
        """The connection, which STARTTLS replaces."""
        return self._connection

    def banner(self) -> str:
        """Read the banner, its code included (`220 mail.example.com ESMTP`)."""
        return self._expect(_READY, *self._client.getreply())

    def extensions(self) -> tuple[str, ...]:
        """Say EHLO and return what the server offers; nothing if it knows HELO only."""
        self._limit()
        code, reply = self._client.ehlo()
        if code == _OK:
            return tuple(line.strip() for line in reply.decode("utf-8", "replace").splitlines()[1:])
        self._expect(_OK, *self._client.helo())
        return ()

    def start_tls(self, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Turn the session into a TLS one. What was said before is forgotten (RFC 3207)."""
        self._limit()
        self._expect(_READY, *self._client.docmd("STARTTLS"))
        secured = secure(self._connection, host, context, self._deadline)
        self._use(secured)
        return secured

    def close(self) -> None:
        """Say goodbye if the server still listens, and close the connection without waiting for its own."""
        with suppress(smtplib.SMTPException, OSError):
            self._limit()
            self._client.putcmd("quit")
        self._connection.close()

    def _use(self, connection: socket.socket) -> None:
        self._connection = connection
        self._client.sock = connection
        self._client.file = _Answers(connection, self._deadline)

    def _limit(self) -> None:
        self._connection.settimeout(self._deadline.seconds())

    def _expect(self, wanted: int, code: int, reply: bytes) -> str:
        answer = f"{code} {reply.decode('utf-8', 'replace')}"
        if code != wanted:
            raise SMTPRefusedError(f"the server answered {answer[:500]!r}, not {wanted}")
        return answer


class _Answers:
    """The lines that a server sends, as smtplib reads them; their sum is limited."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._buffer = b""
        self._left = _MAX_ANSWERS

    def readline(self, limit: int) -> bytes:
        """Return a line with its end, what there is at the end of the stream, or `limit` bytes."""
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            self._connection.settimeout(self._deadline.seconds())
            more = self._connection.recv(4096)
            self._left -= len(more)
            if self._left < 0:
                raise OSError(f"the server said more than {_MAX_ANSWERS} bytes")
            if not more:
                break
            self._buffer += more
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line, self._buffer = self._buffer[: min(end, limit)], self._buffer[min(end, limit) :]
        return line

    def close(self) -> None:
        """Do nothing: the session closes the connection."""


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
        address = join_host_port(host, port)
        deadline = Deadline.start("smtp connect", address, timeout, self._ctx)
        began = time.monotonic()
        try:
            context = self.trust.context(verify=not insecure_skip_verify) if use_tls or use_starttls else None
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if use_tls and context is not None:
                connection = secure(connection, host, context, deadline)
            elapsed = timedelta(seconds=time.monotonic() - began)
            with closing(SMTPSession(connection, deadline)) as session:
                starttls = context if use_starttls and not use_tls else None
                return _greeted(session, host, address, elapsed, starttls)
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except smtplib.SMTPException as error:
            # smtplib reports a socket's timeout as a lost connection
            if isinstance(error.__context__, builtins.TimeoutError):
                raise deadline.error() from error
            raise NetworkError("smtp connect", address, error) from error
        except (OSError, ValueError, DNSError, InvalidHostError, SMTPRefusedError) as error:
            raise NetworkError("smtp connect", address, error) from error


def _greeted(
    session: SMTPSession, host: str, address: str, elapsed: timedelta, starttls: ssl.SSLContext | None
) -> SMTPConnectResult:
    banner, extensions = session.banner(), session.extensions()
    if starttls is not None:
        session.start_tls(host, starttls)
        extensions = session.extensions()
    secured = session.connection
    facts = tls_facts(secured, host) if isinstance(secured, ssl.SSLSocket) else None
    shown = facts or TLSFacts()
    return SMTPConnectResult(
        banner=banner,
        extensions=extensions,
        supports_auth=any(line.upper().split()[:1] == ["AUTH"] for line in extensions),
        tls_enabled=facts is not None,
        tls_version=shown.version,
        tls_cipher_suite=shown.cipher_suite,
        tls_server_name=shown.server_name,
        response_time=elapsed,
        address=address,
    )
