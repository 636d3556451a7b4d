"""HTTP over httpcore: HTTP/1.1 and 2, each connection guarded, each redirect a request of its own."""

from __future__ import annotations

import base64
import builtins
import gzip
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any, Self
from urllib.parse import quote, unquote_to_bytes

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, HTTPRequest, HTTPResponse
from reglet.domain.errors import DNSError, HTTPError
from reglet.domain.policy.network import InvalidHostError, Target, canonical_host
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import PORTS, SCHEME_PORTS, join_host_port, without_credentials
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import READ_SIZE, Deadline, Dialer, Lookup, system_lookup
from reglet.infrastructure.native.trust import Trust, secure

try:
    import h2.exceptions
    import h11
    import httpcore
except ImportError as error:
    raise MissingPackageError("httpcore[http2]") from error

_GZIP = 16 + zlib.MAX_WBITS


class BrokenBodyError(Exception):
    """A body is not the gzip that its header says."""


def read_body(chunks: Iterable[bytes], limit: int, *, gzipped: bool) -> tuple[bytes, bool]:
    """Return at most `limit` bytes and whether there were more; `BrokenBodyError` for broken gzip."""
    body = bytearray()
    for chunk in _unpacked(chunks) if gzipped else chunks:
        body += chunk[: limit + 1 - len(body)]
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack every member (RFC 1952 section 2.2) in pieces of bounded size: a small bomb stays small."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    for chunk in chunks:
        packed = chunk
        while packed:
            if unpacker.eof:
                unpacker = zlib.decompressobj(_GZIP)
            try:
                piece = unpacker.decompress(packed, READ_SIZE)
            except zlib.error as error:
                raise BrokenBodyError(f"the body is not the gzip that its header says: {error}") from error
            begun = True
            packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            if piece:
                yield piece
    if begun and not unpacker.eof:
        yield unpacker.flush()
        raise BrokenBodyError("the gzip body ends too early (unexpected EOF)")


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""A header's value (RFC 9110 section 5.5). HTTP/2 would carry line ends to servers that split there."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_FRAMING = frozenset({"content-length", "transfer-encoding", "trailer"})
"""Headers that say where a body ends: ours alone, as in Go. Two answers to that would smuggle a request."""
_PATH_CHARACTERS = "%!$&'()*+,;=:@/[]"
_QUERY_CHARACTERS = "%!$&'()*+,;=:@/[]?\\^`{|}"
"""What is sent as it was written, beside letters, digits and `-._~`; escapes stay as they are."""
_NO_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!//[^/])|///")
"""Locations that some clients take for a host, and others for a path."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_BODY_HEADERS = frozenset({"content-length", "content-type", "content-encoding", "transfer-encoding"})
_ORIGIN_HEADERS = frozenset(
    {"authorization", "cookie", "cookie2", "host", "proxy-authorization", "www-authenticate"}
)


@frozen
class URL:
    """Where a request goes, and the target that its first line names: path and query, percent-encoded.

    The path is sent as it was written: a check for path traversal is one for `/static/../../etc/passwd`.
    """

    scheme: str
    host: str
    port: int
    target: str
    userinfo: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return a URL, its host in one spelling; `ValueError` or `InvalidHostError` if it has none."""
        if _CONTROLS.search(url):
            raise ValueError("a URL has no control characters")
        scheme, _, rest = url.partition(":")
        if scheme.lower() not in SCHEME_PORTS:
            raise ValueError(f"the scheme {scheme[:20]!r} is neither http nor https")
        if not rest.startswith("//"):
            raise ValueError("the URL names no host")
        return cls._after_slashes(scheme.lower(), rest[2:])

    @classmethod
    def _after_slashes(cls, scheme: str, rest: str) -> Self:
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        userinfo, _, address = authority.rpartition("@")
        bracket = address.rfind("]")
        colon = address.find(":", bracket + 1)
        host, digits = (address, "") if colon < 0 else (address[:colon], address[colon + 1 :])
        if not host:
            raise ValueError("the URL names no host")
        if "\\" in authority or " " in authority:
            raise ValueError("a URL has no spaces or backslashes in its host")
        port = SCHEME_PORTS[scheme]
        if digits:
            if not (digits.isascii() and digits.isdecimal()) or int(digits[:6]) not in PORTS:
                raise ValueError(f"port {digits[:20]} is not from {PORTS[0]} to {PORTS[-1]}")
            port = int(digits)
        return cls(scheme, canonical_host(host), port, _target(rest[len(authority) :]), userinfo)

    @property
    def authority(self) -> str:
        """What the Host header says: the host, and its port unless it is the scheme's."""
        if self.port != SCHEME_PORTS[self.scheme]:
            return join_host_port(self.host, self.port)
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials are for."""
        return self.scheme, self.host, self.port

    def join(self, location: str) -> URL:
        """Return where a redirect leads. `.` and `..` are resolved, as RFC 3986 section 5.2 has it."""
        if _CONTROLS.search(location) or "\\" in location:
            raise ValueError("the redirect's location has backslashes or control characters")
        if _NO_HOST.match(location):
            raise ValueError("the redirect's location has a scheme or slashes, but no host after them")
        if _SCHEME.match(location):
            url = URL.parse(location)
        elif location.startswith("//"):
            url = URL._after_slashes(self.scheme, location[2:])
        else:
            reference, path = location.partition("#")[0], self.target.partition("?")[0]
            if not reference.startswith("/"):
                base = path if reference.startswith("?") else path[: path.rindex("/") + 1]
                reference = base + reference if reference else self.target
            url = evolve(self, target=_target(reference))
        path, mark, query = url.target.partition("?")
        kept: list[str] = []
        for segment in path.split("/")[1:]:
            if segment == "..":
                del kept[-1:]
            elif segment != ".":
                kept.append(segment)
        if path.endswith(("/.", "/..")):  # what they lead to is a folder
            kept.append("")
        return evolve(url, target="/" + "/".join(kept) + mark + query, userinfo="")


def _target(rest: str) -> str:
    """Return what is sent of a URL's end: what cannot be sent as it is written is percent-encoded."""
    path, mark, query = rest.partition("#")[0].partition("?")
    escaped = quote(path, _PATH_CHARACTERS, errors="surrogateescape") or "/"
    return escaped + mark + quote(query, _QUERY_CHARACTERS, errors="surrogateescape")


@frozen
class Hop:
    """One request on the way: the first one, or that of a redirect."""

    method: str
    url: URL
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def first(cls, request: HTTPRequest) -> Self:
        """Return the request to send; `ValueError` for what cannot be sent."""
        method = request.method.upper()
        if not _TOKEN.fullmatch(method) or method == "CONNECT":
            raise ValueError(f"the method {request.method!r} cannot be sent")
        headers = [
            (name, _sendable(name, value))
            for name, values in request.headers.items()
            for value in values
            if name.lower() not in _FRAMING
        ]
        given = {name.lower() for name, _ in headers}
        url = URL.parse(request.url)
        ours = {"User-Agent": "reglet", "Accept": "*/*"}
        if method != "HEAD" and "range" not in given:
            ours["Accept-Encoding"] = "gzip"
        headers += [(name, value) for name, value in ours.items() if name.lower() not in given]
        if url.userinfo and "authorization" not in given:
            token = base64.b64encode(unquote_to_bytes(url.userinfo)).decode("ascii")
            headers.append(("Authorization", f"Basic {token}"))
        return cls(method, url, tuple(headers), request.body)

    @property
    def host_header(self) -> str:
        """The host that is asked, by the caller's own header if there is one."""
        named = (value for name, value in self.headers if name.lower() == "host")
        return next(named, self.url.authority)

    def sent(self) -> httpcore.Request:
        """Return it as httpcore sends it, the Host header first."""
        headers = [("Host", self.host_header)]
        headers += [(name, value) for name, value in self.headers if name.lower() != "host"]
        if self.body or self.method in _WITH_LENGTH:
            headers.append(("Content-Length", str(len(self.body))))
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        return httpcore.Request(
            method=self.method,
            url=httpcore.URL(
                scheme=self.url.scheme.encode(),
                host=host.encode(),
                port=self.url.port,
                target=self.url.target.encode(),
            ),
            headers=[(name.encode(), value.encode()) for name, value in headers],
            content=self.body or None,
        )

    def next(self, answer: httpcore.Response) -> Hop | None:
        """Return the request that a redirect asks for; None if the answer is no redirect.

        301, 302 and 303 turn into GET (HEAD stays HEAD) without a body. Credentials and the Host header are
        left behind when scheme, host or port change; credentials in a location are not sent at all.
        """
        named = [value for name, value in answer.headers if name.lower() == b"location"]
        if answer.status not in _REDIRECTS or not named or not named[0]:
            return None
        url = self.url.join(named[0].decode("utf-8", "surrogateescape"))
        keeps = answer.status in _SAME_METHOD or self.method in ("GET", "HEAD")
        dropped = frozenset() if keeps else _BODY_HEADERS
        if url.origin != self.url.origin:
            dropped |= _ORIGIN_HEADERS
        headers = tuple((name, value) for name, value in self.headers if name.lower() not in dropped)
        return Hop(self.method if keeps else "GET", url, headers, self.body if keeps else b"")


def _sendable(name: str, value: str) -> str:
    """Return a header's value as it is sent; values stay out of the error, for they may be secrets."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header")
    if not _LINE.fullmatch(value):
        raise ValueError(f"the header {name} has line ends or other control characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the header {name} has characters that are not Unicode") from None
    value = value.strip(" \t")
    if name.lower() == "host" and re.search(r"[/?#@\\]", value or "/"):
        raise ValueError(f"the Host header {value!r} is not a host with perhaps a port")
    return value


class _Backend(httpcore.NetworkBackend):
    """Makes the pool's connections with the dialer."""

    def __init__(self, dialer: Dialer, context: Callable[[], ssl.SSLContext], deadline: Deadline) -> None:
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


_MAX_HEAD_BYTES = 10 * 1024 * 1024
"""As Go's client has it."""
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] +1(?!01)")
_SPACED_NAME = re.compile(
    rb"^(?=[^: \t\n]*+[ \t])([!#$%&'*+.^_`|~0-9A-Za-z-]++(?: +[!#$%&'*+.^_`|~0-9A-Za-z-]++)*+)[ \t]*+:",
    re.MULTILINE,
)
_SPACED_STATUS = re.compile(rb"\A(HTTP/1\.[0-9]) {2,}")
_SPACE_IN_NAME = b"^`^"
"""What stands for a space in a header's name while h11 reads it."""


def _mended(head: bytes) -> bytes:
    """Return a head without the spaces that servers write in and behind names, which h11 refuses."""
    head = _SPACED_STATUS.sub(rb"\1 ", head)
    return _SPACED_NAME.sub(lambda found: found[1].replace(b" ", _SPACE_IN_NAME) + b":", head)


class _Stream(httpcore.NetworkStream):
    """A connection, every step of which ends by the deadline."""

    def __init__(
        self, connection: socket.socket, context: Callable[[], ssl.SSLContext], deadline: Deadline
    ) -> None:
        self._socket = connection
        self._context = context
        self._deadline = deadline
        self._has_frames = (
            isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2"
        )
        self._awaits_head = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline's
        if not self._awaits_head:
            self._limit()
            return self._socket.recv(max_bytes)
        # The head of an answer is returned whole, in a form that h11 takes, and what came behind it goes
        # along: h11 has a limit for heads that are still to end, and refuses what Go and curl let pass.
        self._awaits_head = False
        taken, head, end = bytearray(), bytearray(), None
        while end is None:
            self._limit()
            data = self._socket.recv(READ_SIZE)
            searched = max(len(head) - 3, 0)
            head += data
            end = _END_OF_HEAD.search(head, searched)
            if len(taken) + len(head) > _MAX_HEAD_BYTES:
                raise OSError(f"the head of the answer has more than {_MAX_HEAD_BYTES} bytes")
            if not data:
                break
            while end is not None and _INTERIM.match(head):
                taken += _mended(bytes(head[: end.end()]))
                del head[: end.end()]
                end = _END_OF_HEAD.search(head)
        at = len(head) if end is None else end.end()
        return bytes(taken) + _mended(bytes(head[:at])) + bytes(head[at:])

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline's
        self._awaits_head = not self._has_frames
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
        # httpcore always names the host
        secured = secure(self._socket, server_hostname or "", self._context(), self._deadline)
        return _Stream(secured, self._context, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return self._socket if info == "socket" else None

    def _limit(self) -> None:
        self._socket.settimeout(self._deadline.seconds())


_FOREIGN = (
    httpcore.ProtocolError,
    httpcore.NetworkError,
    httpcore.UnsupportedProtocol,
    h11.ProtocolError,  # httpcore lets some of these through
    h2.exceptions.H2Error,
    OSError,
    ValueError,
    BrokenBodyError,
    DNSError,
    InvalidHostError,
)
_PROTOCOLS = ("h2", "http/1.1")
_BODILESS = frozenset({204, 304})


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
        """Send a request, follow its redirects, and return the whole answer with the time that it took.

        Raises `HTTPError`, `TimeoutError` or `CapabilityError`.
        """
        began = time.perf_counter()
        deadline = Deadline.start(
            "http request", without_credentials(request.url), request.timeout, self._ctx
        )
        try:
            first = Hop.first(request)
            # httpcore changes the context that it is given, which is not safe for one that threads share: it
            # gets an empty one, and streams use the real one
            unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            verify = not request.insecure_skip_verify
            context = partial(self.trust.context, verify=verify, protocols=_PROTOCOLS)
            if first.url.scheme == "https":
                context()  # what is wrong with it is reported before anything is dialled
            backend = _Backend(Dialer(self.guard, self.lookup), context, deadline)
            with httpcore.ConnectionPool(ssl_context=unused, http2=True, network_backend=backend) as pool:
                response = self._last_answer(pool, first, request)
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except _FOREIGN as error:
            raise HTTPError(request.method, deadline.target, error) from error
        return evolve(response, latency=timedelta(seconds=time.perf_counter() - began))

    def _last_answer(self, pool: httpcore.ConnectionPool, hop: Hop, request: HTTPRequest) -> HTTPResponse:
        """Send one request after the other for as long as redirects lead on; return the last one's answer."""
        followed = 0
        while True:
            if hop.host_header != hop.url.authority:
                # one server may answer for many names: the one in the header needs a grant too
                named = URL.parse(f"{hop.url.scheme}://{hop.host_header}")
                if self.guard is not None and named.host != hop.url.host:
                    self.guard.check_target(Target.of(named.host, named.port))
            with closing(pool.handle_request(hop.sent())) as answer:
                following = hop.next(answer) if request.follow_redirects else None
                if following is None:
                    return self._whole(hop, answer, request)
                if request.max_redirects <= 0:
                    raise ValueError(
                        f"the server answered {answer.status}, a redirect, and max_redirects is "
                        f"{request.max_redirects}; follow_redirects=False returns such an answer"
                    )
                if followed >= request.max_redirects:
                    raise ValueError(f"stopped after {request.max_redirects} redirects")
            hop, followed = following, followed + 1

    def _whole(self, hop: Hop, answer: httpcore.Response, request: HTTPRequest) -> HTTPResponse:
        """Read an answer to its end, or to the limit; gzip that we asked for ourselves is undone."""
        headers: dict[str, tuple[str, ...]] = {}
        for raw_name, raw_value in answer.headers:
            name = _decoded(raw_name.replace(_SPACE_IN_NAME, b" "))
            if " " not in name:  # as Go spells it: `Content-Type`
                name = "-".join(part.capitalize() for part in name.split("-"))
            headers[name] = (*headers.get(name, ()), _decoded(raw_value))
        headers.pop("Transfer-Encoding", None)  # of the connection, not of the answer
        given = any(name.lower() == "accept-encoding" for name in request.headers)
        asked = not given and ("Accept-Encoding", "gzip") in hop.headers
        encoding, length = (headers.get(name, ("",))[0] for name in ("Content-Encoding", "Content-Length"))
        has_body = hop.method != "HEAD" and answer.status not in _BODILESS and length != "0"
        gzipped = asked and has_body and encoding.lower() == "gzip"
        body, truncated = read_body(answer.iter_stream(), self.max_body_bytes, gzipped=gzipped)
        if gzipped:
            headers.pop("Content-Encoding")
            headers.pop("Content-Length", None)
        proto: str = answer.extensions["http_version"].decode("ascii", "replace")
        return HTTPResponse(
            answer.status, headers, body, "HTTP/2.0" if proto == "HTTP/2" else proto, truncated
        )


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def warm(trust: Trust) -> None:
    """Do what the first request of a process costs: imports on first use, and the authorities to trust."""
    for verify in (True, False):
        trust.context(verify=verify, protocols=_PROTOCOLS)
    answer = [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"x")]
    hop = Hop.first(HTTPRequest("POST", "http://localhost/", {"X-A": "b"}, b"body"))
    with httpcore.ConnectionPool(http2=True, network_backend=httpcore.MockBackend(answer)) as pool:
        response = pool.handle_request(hop.sent())
        read_body(response.iter_stream(), 1, gzipped=True)
        response.close()
    _mended(b"HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n")
