"""One SMTP session by smtplib, over a connection that is bounded in time and size."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress

from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.tls import secure

_MAX_ANSWERS = 64 * 1024
_READY = 220
_OK = 250


class SMTPRefusedError(Exception):
    """The server answered, and not as a session needs; the text is its answer."""


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
        code, text = self._client.getreply()
        return self._expect(_READY, code, text)

    def extensions(self) -> tuple[str, ...]:
        """Say EHLO and return what the server offers; nothing if it knows HELO only."""
        self._limit()
        code, text = self._client.ehlo()
        if code == _OK:
            return tuple(line.strip() for line in text.decode("utf-8", "replace").splitlines()[1:])
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

    def _expect(self, wanted: int, code: int, text: bytes) -> str:
        said = f"{code} {text.decode('utf-8', 'replace')}"
        if code != wanted:
            raise SMTPRefusedError(f"the server answered {said[:500]!r}, not {wanted}")
        return said


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
