"""HTTP over httpx: HTTP/1.1 and 2, each connection guarded, each redirect a request of its own."""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, HTTPRequest, HTTPResponse
from reglet.domain.errors import DNSError, HTTPError
from reglet.domain.policy import InvalidHostError, Target
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import without_credentials
from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.dialer import Dialer, Lookup, system_lookup
from reglet.infrastructure.native.extras import MissingPackageError
from reglet.infrastructure.native.http_body import read_body
from reglet.infrastructure.native.http_requests import (
    first_request,
    next_request,
    port_of,
    read_url,
)
from reglet.infrastructure.native.http_transport import GuardedTransport
from reglet.infrastructure.native.trust import Trust

try:
    import h2.exceptions
    import h11
    import httpcore
    import httpx
except ImportError as error:
    raise MissingPackageError("httpx[http2]") from error

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
