"""The requests that are sent: the first one, and those that redirects ask for, as Go's client does."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.policy import canonical_host
from reglet.infrastructure.native.extras import MissingPackageError

try:
    import httpx
except ImportError as error:
    raise MissingPackageError("httpx[http2]") from error

_MAX_PORT = 65535
PORTS = {"http": 80, "https": 443}
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
    return PORTS[url.scheme] if url.port is None else url.port


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
    if url.scheme not in PORTS:
        raise ValueError(f"the scheme {url.scheme!r} is neither http nor https")
    if not url.raw_host:
        raise ValueError("the URL names no host")
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        raise ValueError(f"port {url.port} is not from 1 to {_MAX_PORT}")
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
