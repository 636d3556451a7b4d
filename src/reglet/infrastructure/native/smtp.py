"""Mail servers greeted, each session bounded in time and size."""

from __future__ import annotations

import builtins
import re
import socket
import ssl
import time
from contextlib import closing, suppress
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import SMTPConnectResult, TLSFacts
from reglet.domain.errors import DNSError, NetworkError, RegletError
from reglet.domain.policy.network import InvalidHostError
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, system_lookup
from reglet.infrastructure.native.trust import Trust, in_words, secure, tls_facts

_MAX_ANSWERS = 64 * 1024
_READY = 220
_OK = 250
_ANSWER = re.compile("[1-9][0-9]{2}[ -]")


class SMTPRefusedError(Exception):
    """The server answered, and not as a session needs; the message has its answer."""


class SMTPSession:
    """A session from banner to goodbye; its answers are read as Go's `net/textproto` reads them."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        """Take an open connection, TLS or not."""
        self._connection = connection
        self._deadline = deadline
        self._buffer = b""
        self._left = _MAX_ANSWERS

    @property
    def connection(self) -> socket.socket:
        """The connection, which STARTTLS replaces."""
        return self._connection

    def banner(self) -> str:
        """Read the banner, its code included (`220 mail.example.com ESMTP`)."""
        return self._answer(_READY)

    def extensions(self) -> tuple[str, ...]:
        """Say EHLO and return what the server offers."""
        self._say("EHLO localhost")
        return tuple(line.strip() for line in self._answer(_OK).split("\n")[1:])

    def greet(self) -> tuple[str, ...]:
        """Return what the server offers; nothing if it knows HELO only."""
        try:
            return self.extensions()
        except SMTPRefusedError:
            self._say("HELO localhost")
            self._answer(_OK)
            return ()

    def start_tls(self, host: str, context: ssl.SSLContext) -> None:
        """Turn the session into a TLS one. What was said before is forgotten (RFC 3207)."""
        self._say("STARTTLS")
        self._answer(_READY)
        self._connection = secure(self._connection, host, context, self._deadline)
        self._buffer = b""

    def close(self) -> None:
        """Say goodbye if the server still listens, and close the connection without waiting for its own."""
        with suppress(RegletError, OSError):
            self._say("QUIT")
        self._connection.close()

    def _say(self, command: str) -> None:
        self._connection.settimeout(self._deadline.seconds())
        self._connection.sendall(f"{command}\r\n".encode())

    def _answer(self, wanted: int) -> str:
        """Return an answer of one line or several, with its code once; it must be the one that is wanted."""
        line = self._line()
        code = line[:3]
        if not _ANSWER.match(line):
            raise SMTPRefusedError(f"the server said {line[:500]!r}, which is no answer of a mail server")
        lines, goes_on = [line[4:]], line[3] == "-"
        while goes_on:
            line = self._line()
            is_like = line.startswith(code) and _ANSWER.match(line) is not None
            goes_on = not is_like or line[3] == "-"
            lines.append(line[4:] if is_like else line)
        answer = f"{code} " + "\n".join(lines)
        if code != str(wanted):
            raise SMTPRefusedError(f"the server answered {answer[:500]!r}, not {wanted}")
        return answer

    def _line(self) -> str:
        """Return the next line without its end; the sum of all that a server says is limited."""
        while b"\n" not in self._buffer:
            self._connection.settimeout(self._deadline.seconds())
            more = self._connection.recv(4096)
            self._left -= len(more)
            if self._left < 0:
                raise OSError(f"the server said more than {_MAX_ANSWERS} bytes")
            if not more:
                raise OSError("the server closed the connection within its answer (EOF)")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "replace")


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
        try:
            context = self.trust.context(verify=not insecure_skip_verify) if use_tls or use_starttls else None
            began = time.monotonic()
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if use_tls and context is not None:
                connection = secure(connection, host, context, deadline)
            elapsed = timedelta(seconds=time.monotonic() - began)
            with closing(SMTPSession(connection, deadline)) as session:
                banner, extensions = session.banner(), session.greet()
                if context is not None and not use_tls:
                    session.start_tls(host, context)
                    extensions = session.extensions()
                secured = session.connection
                facts = tls_facts(secured, host) if isinstance(secured, ssl.SSLSocket) else None
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except (OSError, ValueError, DNSError, InvalidHostError, SMTPRefusedError) as error:
            raise NetworkError("smtp connect", address, in_words(error)) from error
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
