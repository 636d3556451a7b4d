"""HTTP over httpx: HTTP/1.1 and 2, each connection guarded, each redirect a request of its own."""

from __future__ import annotations

import base64
import builtins
import re
import socket
import ssl
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, HTTPRequest, HTTPResponse
from reglet.domain.errors import DNSError, HTTPError
from reglet.domain.policy import InvalidHostError, Target, canonical_host
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import PORTS, SCHEME_PORTS, without_credentials
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, system_lookup
from reglet.infrastructure.native.trust import Trust

try:
    import h2.exceptions
    import h11
    import httpcore
    import httpx
except ImportError as error:
    raise MissingPackageError("httpx[http2]") from error

_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 64 * 1024


def read_body(chunks: Iterable[bytes], limit: int, *, gzipped: bool) -> tuple[bytes, bool]:
    """Return at most `limit` bytes and whether there were more; `zlib.error` for broken gzip."""
    body = bytearray()
    for chunk in _unpacked(chunks) if gzipped else chunks:
        body += chunk[: limit + 1 - len(body)]
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack in pieces of bounded size, so that a small bomb stays small."""
    unpacker = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        piece = unpacker.decompress(chunk, _CHUNK)
        while piece:
            yield piece
            piece = unpacker.decompress(unpacker.unconsumed_tail, _CHUNK)
    yield unpacker.flush()


_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN = _METHOD
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""A header's value (RFC 9110 section 5.5). HTTP/2 would carry line ends to servers that split there."""
_FRAMING = frozenset({"content-length", "transfer-encoding", "trailer"})
"""Headers that say where a body ends: ours alone, as in Go. Two answers to that would smuggle a request."""
_AUTHORITY = re.compile(r"[^/?#@\\]+")
_NO_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!//[^/])|///")
"""Locations that some clients take for a host, and others for a path."""
_OUR_HEADERS = {"User-Agent": "reglet", "Accept": "*/*", "Accept-Encoding": "gzip"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_BODY_HEADERS = frozenset({"content-length", "content-type", "content-encoding", "transfer-encoding"})
_ORIGIN_HEADERS = frozenset(
    {"authorization", "cookie", "cookie2", "host", "proxy-authorization", "www-authenticate"}
)


def port_of(url: httpx.URL) -> int:
    """Return the port that a URL means."""
    return SCHEME_PORTS[url.scheme] if url.port is None else url.port


def first_request(request: HTTPRequest) -> httpx.Request:
    """Return the request to send; `ValueError` for what cannot be sent."""
    if not _METHOD.fullmatch(request.method) or request.method.upper() == "CONNECT":
        raise ValueError(f"the method {request.method!r} cannot be sent")
    headers = [
        (name, value)
        for name, values in request.headers.items()
        for value in values
        if name.lower() not in _FRAMING
    ]
    _check_headers(headers)
    given = {name.lower() for name, _ in headers}
    url = read_url(request.url)
    headers += [(name, value) for name, value in _OUR_HEADERS.items() if name.lower() not in given]
    if url.userinfo and "authorization" not in given:
        token = base64.b64encode(unquote_to_bytes(url.userinfo)).decode("ascii")
        headers.append(("Authorization", f"Basic {token}"))
    return httpx.Request(request.method.upper(), _bare(url), headers=headers, content=request.body or None)


def _check_headers(headers: list[tuple[str, str]]) -> None:
    """Raise `ValueError` for what is no header; values stay out of the text, for they may be secrets."""
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a header")
        if not _LINE.fullmatch(value):
            raise ValueError(f"the header {name} has line ends or other control characters")
        if name.lower() == "host" and not _AUTHORITY.fullmatch(value):
            raise ValueError(f"the Host header {value!r} is not a host with perhaps a port")


def read_url(text: str) -> httpx.URL:
    """Return a URL whose host is in its one spelling; `ValueError` or `httpx.InvalidURL` if it has none."""
    if not text.isprintable() or "\\" in text or " " in text:
        raise ValueError("a URL has no spaces, backslashes or control characters")
    url = httpx.URL(text)
    if url.scheme not in SCHEME_PORTS:
        raise ValueError(f"the scheme {url.scheme!r} is neither http nor https")
    if not url.raw_host:
        raise ValueError("the URL names no host")
    if url.port is not None and url.port not in PORTS:
        raise ValueError(f"port {url.port} is not from 1 to {PORTS[-1]}")
    return url.copy_with(host=canonical_host(url.raw_host.decode("ascii")))


def next_request(answer: httpx.Response, sent: httpx.Request) -> httpx.Request | None:
    """Return the request that a redirect asks for; None if the answer is no redirect.

    301, 302 and 303 turn into GET (HEAD stays HEAD) without a body. Credentials and the Host header are left
    behind when scheme, host or port change; credentials in a location are not sent at all.
    """
    location = answer.headers.get("location", "")
    if answer.status_code not in _REDIRECTS or not location:
        return None
    if not location.isprintable() or "\\" in location or " " in location:
        raise ValueError("the redirect's location has spaces, backslashes or control characters")
    if _NO_HOST.match(location):
        raise ValueError("the redirect's location has a scheme or slashes, but no host after them")
    url = _bare(read_url(str(sent.url.join(location))))
    keeps = answer.status_code in _SAME_METHOD or sent.method in ("GET", "HEAD")
    dropped = frozenset() if keeps else _BODY_HEADERS
    if _origin(url) != _origin(sent.url):
        dropped |= _ORIGIN_HEADERS
    headers = [(name, value) for name, value in sent.headers.multi_items() if name.lower() not in dropped]
    body = sent.read() if keeps else b""
    return httpx.Request(sent.method if keeps else "GET", url, headers=headers, content=body or None)


def _bare(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"", fragment=None)


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, port_of(url)


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


_FOREIGN = (
    httpx.InvalidURL,
    httpcore.ProtocolError,
    httpcore.NetworkError,
    httpcore.UnsupportedProtocol,
    h11.ProtocolError,  # httpcore lets some of these through
    h2.exceptions.H2Error,
    OSError,
    ValueError,
    zlib.error,
    DNSError,
    InvalidHostError,
)
_PROTOCOLS = ("h2", "http/1.1")
_PACKED = ("Content-Encoding", "Content-Length")


@frozen
class NativeHTTPClient:
    """The `HTTPClient` port over the real network."""

    guard: NetworkGuard | None = None
    trust: Trust = field(factory=Trust)
    lookup: Lookup = system_lookup
    max_body_bytes: int = MAX_BODY_BYTES
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the client for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Send a request, follow its redirects, and return the whole answer.

        Raises `HTTPError`, `TimeoutError` or `CapabilityError`.
        """
        deadline = Deadline.start(
            "http request", without_credentials(request.url), request.timeout, self._ctx
        )
        with _errors_mapped(request.method, deadline):
            context = self.trust.context(verify=not request.insecure_skip_verify, protocols=_PROTOCOLS)
            with GuardedTransport(Dialer(self.guard, self.lookup), context, deadline) as transport:
                return self._exchange(transport, request)

    def _exchange(self, transport: GuardedTransport, request: HTTPRequest) -> HTTPResponse:
        sent, hops = first_request(request), 0
        while True:
            self._check_host_header(sent)
            answer = transport.handle_request(sent)
            following = next_request(answer, sent) if request.follow_redirects else None
            if following is None:
                return self._whole(
                    answer, unpack=not any(name.lower() == "accept-encoding" for name in request.headers)
                )
            answer.close()
            hops += 1
            if hops > request.max_redirects:
                raise ValueError(f"stopped after {request.max_redirects} redirects")
            sent = following

    def _check_host_header(self, sent: httpx.Request) -> None:
        """Ask the guard for the name in the Host header too: one server may answer for many."""
        header = sent.headers["host"]
        if header == sent.url.netloc.decode("ascii"):
            return
        named = read_url(f"{sent.url.scheme}://{header}")
        if self.guard is not None and named.raw_host != sent.url.raw_host:
            self.guard.check_target(Target.of(named.raw_host.decode("ascii"), port_of(named)))

    def _whole(self, answer: httpx.Response, *, unpack: bool) -> HTTPResponse:
        """Read an answer to its end, or to the limit; gzip that we asked for ourselves is undone."""
        headers: dict[str, tuple[str, ...]] = {}
        for name, value in answer.headers.multi_items():
            shown = "-".join(part.capitalize() for part in name.split("-"))
            headers[shown] = (*headers.get(shown, ()), value)
        gzipped = unpack and headers.get("Content-Encoding") == ("gzip",)
        body, truncated = read_body(answer.iter_raw(), self.max_body_bytes, gzipped=gzipped)
        answer.close()
        if gzipped:
            headers = {name: values for name, values in headers.items() if name not in _PACKED}
        proto = {"HTTP/2": "HTTP/2.0"}.get(answer.http_version, answer.http_version)
        return HTTPResponse(answer.status_code, headers, body, proto, truncated)


@contextmanager
def _errors_mapped(method: str, deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except builtins.TimeoutError as error:
        raise deadline.error() from error
    except _FOREIGN as error:
        raise HTTPError(method, deadline.target, error) from error
