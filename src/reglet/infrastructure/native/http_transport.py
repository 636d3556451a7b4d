"""httpx over connections that the dialer makes: httpcore's pool with a network backend of our own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.dialer import Dialer
from reglet.infrastructure.native.extras import MissingPackageError

try:
    import h2 as _h2  # noqa: F401 - HTTP/2, which httpcore imports late
    import httpcore
    import httpx
except ImportError as error:
    raise MissingPackageError("httpx[http2]") from error


class GuardedTransport(httpx.BaseTransport):
    """Sends one request after the other within one deadline, over HTTP/1.1 or 2."""

    def __init__(self, dialer: Dialer, context: ssl.SSLContext, deadline: Deadline) -> None:
        """Make an empty pool."""
        # httpcore changes the context that it is given, which is not safe for one that threads share: it gets
        # an empty one, and streams use the real one
        unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        backend = _Backend(dialer, context, deadline)
        self._pool = httpcore.ConnectionPool(ssl_context=unused, http2=True, network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the answer's body is still to be read."""
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
        )
        answer = self._pool.handle_request(sent)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.NetworkBackend):
    """Makes the pool's connections with the dialer."""

    def __init__(self, dialer: Dialer, context: ssl.SSLContext, deadline: Deadline) -> None:
        self._dialer = dialer
        self._context = context
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands for it
        local_address: str | None = None,  # noqa: ARG002 - never set here
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never set here
    ) -> httpcore.NetworkStream:
        connection = self._dialer.connect(host, port, self._deadline)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Stream(connection, self._context, self._deadline)


class _Stream(httpcore.NetworkStream):
    """A connection, every step of which ends by the deadline."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, deadline: Deadline) -> None:
        self._socket = connection
        self._context = context
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline's
        self._limit()
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline's
        self._limit()
        try:
            self._socket.sendall(buffer)
        except ConnectionError as error:
            # httpcore then still reads what the server said before it closed
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002 - see the pool
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands for it
    ) -> httpcore.NetworkStream:
        self._limit()
        try:
            secured = self._context.wrap_socket(self._socket, server_hostname=server_hostname)
        except OSError:
            self.close()
            raise
        return _Stream(secured, self._context, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return self._socket if info == "socket" else None

    def _limit(self) -> None:
        self._socket.settimeout(self._deadline.seconds())
