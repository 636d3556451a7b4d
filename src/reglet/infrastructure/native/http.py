"""HTTP requests: each connection guarded, each redirect a request of its own."""

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
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from typing import Self
from urllib.parse import quote, unquote_to_bytes

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, HTTPRequest, HTTPResponse
from reglet.domain.errors import DNSError, HTTPError
from reglet.domain.policy.network import InvalidHostError, Target, canonical_host
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import PORTS, SCHEME_PORTS, join_host_port, without_credentials
from reglet.infrastructure.native.dialer import READ_SIZE, Deadline, Dialer, Lookup, system_lookup
from reglet.infrastructure.native.http1 import (
    BODILESS,
    Answer,
    AnswerError,
    HTTP1Connection,
    NoAnswerError,
    UnprocessedError,
    spelt,
)
from reglet.infrastructure.native.http2 import HTTP2Connection
from reglet.infrastructure.native.trust import Trust, in_words, secure

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
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_BODY_HEADERS = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
_CREDENTIAL_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authenticate",
        "proxy-authorization",
        "www-authenticate",
    }
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
        authority = re.split("[/?#]", rest[2:], maxsplit=1)[0]
        userinfo, _, address = authority.rpartition("@")
        bracket = address.rfind("]")
        colon = address.find(":", bracket + 1)
        host, digits = (address, "") if colon < 0 else (address[:colon], address[colon + 1 :])
        if not host:
            raise ValueError("the URL names no host")
        if "\\" in authority or " " in authority:
            raise ValueError("a URL has no spaces or backslashes in its host")
        port = SCHEME_PORTS[scheme.lower()]
        if digits:
            if not (digits.isascii() and digits.isdecimal()) or int(digits[:6]) not in PORTS:
                raise ValueError(f"port {digits[:20]} is not from {PORTS[0]} to {PORTS[-1]}")
            port = int(digits)
        target = _target(rest[2 + len(authority) :])
        return cls(scheme.lower(), canonical_host(host), port, target, userinfo)

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

    @property
    def secure_origin(self) -> tuple[str, str, int]:
        """The origin that an http URL without a port leads to when its server asks for https."""
        is_plain = (self.scheme, self.port) == ("http", SCHEME_PORTS["http"])
        return ("https", self.host, SCHEME_PORTS["https"]) if is_plain else self.origin

    def __str__(self) -> str:
        """Return the URL, without credentials and fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> URL:
        """Return where a redirect leads. `.` and `..` are resolved, as RFC 3986 section 5.2 has it."""
        shown = f"the redirect's location {location[:80]!r}"
        if _CONTROLS.search(location) or "\\" in location:
            raise ValueError(f"{shown} has backslashes or control characters")
        if _NO_HOST.match(location):
            raise ValueError(f"{shown} has a scheme or slashes, but no host after them")
        absolute = f"{self.scheme}:{location}" if location.startswith("//") else location
        if _SCHEME.match(absolute):
            url = URL.parse(absolute)
        elif ":" in re.split("[/?#]", location, maxsplit=1)[0]:
            raise ValueError(f"{shown} has a colon that ends no scheme")
        else:
            path = self.target.partition("?")[0]
            reference = location.partition("#")[0] or self.target
            if not reference.startswith("/"):
                base = path if reference.startswith("?") else path[: path.rindex("/") + 1]
                reference = base + reference
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
        userinfo = self.userinfo if url.origin in {self.origin, self.secure_origin} else ""
        return evolve(url, target="/" + "/".join(kept) + mark + query, userinfo=userinfo)


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
    referer: str = ""

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
        ours = {"User-Agent": "reglet", "Accept": "*/*"}
        headers += [(name, value) for name, value in ours.items() if name.lower() not in given]
        # without a value it asks for none to be sent
        headers = [header for header in headers if header[1] or header[0].lower() != "user-agent"]
        return cls(method, URL.parse(request.url), tuple(headers), request.body)

    @property
    def host_header(self) -> str:
        """The host that is asked, by the caller's own header if there is one."""
        given = self._given("host")
        return given if given.isascii() else URL.parse(f"{self.url.scheme}://{given}").authority

    def lines(self) -> list[tuple[str, str]]:
        """Return the headers as they are sent, the Host header first."""
        ours = {"Host": self.host_header or self.url.authority}
        if self.referer and not self._given("referer"):
            ours["Referer"] = self.referer
        if self.unpacks:
            ours["Accept-Encoding"] = "gzip"
        if self.url.userinfo and not self._given("authorization"):
            user, _, password = map(unquote_to_bytes, self.url.userinfo.partition(":"))
            ours["Authorization"] = "Basic " + base64.b64encode(user + b":" + password).decode("ascii")
        if self.body or self.method in _WITH_LENGTH:
            ours["Content-Length"] = str(len(self.body))
        taken = {name.lower() for name in ours}
        return [*ours.items(), *(header for header in self.headers if header[0].lower() not in taken)]

    @property
    def unpacks(self) -> bool:
        """Whether we ask for gzip ourselves, and undo it: where the caller asks for no encoding or range."""
        return self.method != "HEAD" and not self._given("accept-encoding") and not self._given("range")

    @property
    def is_idempotent(self) -> bool:
        """Whether it may be sent twice, by Go's rule."""
        keys = self._given("idempotency-key"), self._given("x-idempotency-key")
        return self.method in _IDEMPOTENT or any(keys)

    def _given(self, name: str) -> str:
        """Return the first value of one of the caller's headers; nothing if there is none."""
        return next((value for each, value in self.headers if value and each.lower() == name), "")

    def next(self, answer: Answer) -> Hop | None:
        """Return the request that a redirect asks for; None if the answer is no redirect.

        301, 302 and 303 turn into GET (HEAD stays HEAD) without a body. Credentials are left behind when
        host, port or scheme change, but for the step from http to https; credentials in a location are not
        sent at all. The caller's own Host header stays for locations that name no host.
        """
        location = answer.headers.get("Location", ("",))[0]
        if answer.status not in _REDIRECTS or not location:
            return None
        url = self.url.join(location)
        keeps = answer.status in _SAME_METHOD
        dropped = frozenset() if keeps else _BODY_HEADERS
        if url.origin != self.url.origin or _SCHEME.match(location):
            dropped |= {"host"}
        if url.origin not in {self.url.origin, self.url.secure_origin}:
            dropped |= _CREDENTIAL_HEADERS
        headers = tuple((name, value) for name, value in self.headers if name.lower() not in dropped)
        method = self.method if keeps or self.method == "HEAD" else "GET"
        is_downgrade = self.url.scheme == "https" and url.scheme == "http"
        return Hop(method, url, headers, self.body if keeps else b"", "" if is_downgrade else str(self.url))


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
    if name.lower() == "host" and re.search(r"[/?#@\\]", value):
        raise ValueError(f"the Host header {value!r} is not a host with perhaps a port")
    return value


_FOREIGN = (
    AnswerError,
    OSError,
    ValueError,
    BrokenBodyError,
    DNSError,
    InvalidHostError,
)
_PROTOCOLS = ("h2", "http/1.1")
_MAX_PASSED_BYTES = 2048
"""The most that is read of a redirect's body to use its connection again, as in Go."""


class _Exchanges:
    """One request after the other, over one connection for as long as its server and the origin let it."""

    def __init__(self, dialer: Dialer, context: Callable[[], ssl.SSLContext], deadline: Deadline) -> None:
        self._dialer = dialer
        self._context = context
        self._deadline = deadline
        self._connection: HTTP1Connection | HTTP2Connection | None = None
        self._origin = ("", "", 0)
        self.followed: Hop | None = None
        """The request of the last redirect, which is what fails from then on."""

    def ask(self, hop: Hop) -> Answer:
        """Send a request and return its answer, the body of which is still to be read.

        It is sent again over a new connection where a kept one was closed while it was on its way and it may
        be sent twice, and where the server says that it did nothing with it.
        """
        connection = self._connection
        if connection is not None and self._origin == hop.url.origin and connection.reusable:
            try:
                return self._asked(connection, hop)
            except NoAnswerError as error:
                if not hop.is_idempotent and not isinstance(error, UnprocessedError):
                    raise
        try:
            return self._asked(self._dialled(hop.url), hop)
        except UnprocessedError:
            return self._asked(self._dialled(hop.url), hop)

    def _asked(self, connection: HTTP1Connection | HTTP2Connection, hop: Hop) -> Answer:
        return connection.exchange(hop.method, hop.url.target, hop.lines(), hop.body)

    def _dialled(self, url: URL) -> HTTP1Connection | HTTP2Connection:
        """Return a new connection in place of the one before."""
        self.close()
        plain = self._dialer.connect(url.host, url.port, self._deadline)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection: HTTP1Connection | HTTP2Connection
        if url.scheme == "http":
            connection = HTTP1Connection(plain, self._deadline)
        else:
            secured = secure(plain, url.host, self._context(), self._deadline)
            has_frames = secured.selected_alpn_protocol() == "h2"
            connection = (HTTP2Connection if has_frames else HTTP1Connection)(secured, self._deadline)
        self._connection, self._origin = connection, url.origin
        return connection

    def follow(self, answer: Answer, following: Hop) -> None:
        """Read a redirect's body if it is short, so that its connection may take the next request."""
        self.followed = following
        length = answer.headers.get("Content-Length", ("0",))[0]
        left = _MAX_PASSED_BYTES if len(length) <= len(str(_MAX_PASSED_BYTES)) else -1
        with suppress(*_FOREIGN):
            while left >= 0 and (piece := next(answer.body, b"")):
                left -= len(piece)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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
        deadline = Deadline.start(
            "http request", without_credentials(request.url), request.timeout, self._ctx
        )
        verify = not request.insecure_skip_verify
        upgrades = any(name.lower() == "upgrade" for name in request.headers)  # which HTTP/2 cannot
        protocols = _PROTOCOLS[1:] if upgrades else _PROTOCOLS
        context = partial(self.trust.context, verify=verify, protocols=protocols)
        exchanges = _Exchanges(Dialer(self.guard, self.lookup), context, deadline)
        try:
            first = Hop.first(request)
            if first.url.scheme == "https":
                context()  # what is wrong with it is reported before anything is dialled
            began = time.perf_counter()
            with closing(exchanges):
                response = self._last_answer(exchanges, first, request)
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except _FOREIGN as error:
            reason = in_words(error)
            if exchanges.followed is not None:
                reason = f"redirected to {exchanges.followed.url}: {reason}"
            raise HTTPError(request.method, deadline.target, reason) from error
        return evolve(response, latency=timedelta(seconds=time.perf_counter() - began))

    def _last_answer(self, exchanges: _Exchanges, hop: Hop, request: HTTPRequest) -> HTTPResponse:
        """Send one request after the other for as long as redirects lead on; return the last one's answer."""
        followed = 0
        while True:
            if hop.host_header:
                # one server may answer for many names: the one in the header needs a grant too
                named = URL.parse(f"{hop.url.scheme}://{hop.host_header}")
                if self.guard is not None and named.host != hop.url.host:
                    self.guard.check_target(Target.of(named.host, named.port))
            answer = exchanges.ask(hop)
            following = hop.next(answer) if request.follow_redirects else None
            if following is None:
                break
            if request.max_redirects <= 0:
                raise ValueError(
                    f"the server answered {answer.status}, a redirect, and max_redirects is "
                    f"{request.max_redirects}; follow_redirects=False returns such an answer"
                )
            if followed >= request.max_redirects:
                raise ValueError(f"stopped after {request.max_redirects} redirects")
            exchanges.follow(answer, following)
            hop, followed = following, followed + 1
        # it is read to its end, or to the limit; gzip that we asked for ourselves is undone
        encoding, length = (
            answer.headers.get(name, ("",))[0] for name in ("Content-Encoding", "Content-Length")
        )
        has_body = hop.method != "HEAD" and answer.status not in BODILESS and length != "0"
        gzipped = hop.unpacks and has_body and encoding.lower() == "gzip"
        body, truncated = read_body(answer.body, self.max_body_bytes, gzipped=gzipped)
        headers: dict[str, list[str]] = {}
        for name, values in answer.headers.items():
            if not gzipped or name not in {"Content-Encoding", "Content-Length"}:
                # spaces behind a name, which are part of it for who reads a body by it, are not shown
                headers.setdefault(spelt(name.rstrip(" ")), []).extend(map(_shown, values))
        return HTTPResponse(answer.status, headers, body, answer.proto, truncated)


def _shown(value: str) -> str:
    """Return what a header says: UTF-8, and Latin-1 where it is not."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def warm(trust: Trust) -> None:
    """Do what the first request of a process costs: imports on first use, and the authorities to trust."""
    for verify in (True, False):
        trust.context(verify=verify, protocols=_PROTOCOLS)
    hop = Hop.first(HTTPRequest("POST", "http://localhost/", {"X-A": "b"}, b"body"))
    ours, servers = socket.socketpair()
    deadline = Deadline.start("http request", "localhost", None, Context())
    with servers, closing(HTTP1Connection(ours, deadline)) as connection:
        servers.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 21\r\n\r\n" + gzip.compress(b"x")
        )
        answer = connection.exchange(hop.method, hop.url.target, hop.lines(), hop.body)
        read_body(answer.body, 1, gzipped=True)
