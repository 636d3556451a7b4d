"""The HTTP port over a host's `http_request`."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.errors import HostError, HTTPError, TimeoutError, UnsupportedOptionError  # noqa: A004
from reglet.domain.urls import SCHEME_PORTS
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.http import (
    DEFAULT_MAX_REDIRECTS,
    FOLLOW_REDIRECTS,
    INSECURE_SKIP_VERIFY,
    MAX_REDIRECTS,
    decode_http_response,
    encode_http_request,
)

_FUNCTION = "http_request"


@frozen
class HostHTTPClient:
    """Sends requests through the host, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostHTTPClient:
        """Return the client for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Send a request and return the whole answer.

        Raises:
            HTTPError: there is no answer.
            TimeoutError: time ran out, or had run out before; then nothing was sent.
            CapabilityError: no grant covers the host and port.
            UnsupportedOptionError: the host does not say that it honoured an option that was changed.
        """
        self._ctx.ensure_live(_FUNCTION)
        timeout = time_left(self._ctx, request.timeout)
        call = CallContext.of(self._ctx, timeout)
        timed = evolve(request, timeout=timeout)
        try:
            response, applied = self._caller.call(
                _FUNCTION,
                lambda dialect: encode_http_request(timed, call, dialect),
                lambda answer: decode_http_response(answer, _needed(request.url)),
            )
        except HostError as error:
            raise _failed(request, timeout, error) from error
        self._require_applied(request, applied)
        return response

    def _require_applied(self, request: HTTPRequest, applied: frozenset[str]) -> None:
        honoured = applied | {FOLLOW_REDIRECTS, MAX_REDIRECTS} if self._speaks_hostlib else applied
        for option, value in _changed_options(request).items():
            if option not in honoured:
                raise UnsupportedOptionError(option, value, "this host does not say that it applied it")

    @property
    def _speaks_hostlib(self) -> bool:
        return self._caller.dialect is Dialect.HOSTLIB


def _changed_options(request: HTTPRequest) -> dict[str, object]:
    changed: dict[str, object] = {}
    if not request.follow_redirects:
        changed[FOLLOW_REDIRECTS] = False
    if request.max_redirects != DEFAULT_MAX_REDIRECTS:
        changed[MAX_REDIRECTS] = request.max_redirects
    if request.insecure_skip_verify:
        changed[INSECURE_SKIP_VERIFY] = True
    return changed


def _needed(url: str) -> str:
    """Return the grant that a request to `url` needs."""
    try:
        parts = urlsplit(url)
        port = parts.port or SCHEME_PORTS.get(parts.scheme, 0)
    except ValueError:
        return f"network:{url}"
    return f"network:{parts.hostname or url}:{port or '*'}"


def _failed(request: HTTPRequest, timeout: timedelta | None, error: HostError) -> HTTPError | TimeoutError:
    if error.is_timeout:
        return TimeoutError(f"http {request.method}", timeout or timedelta(), f"{request.url}: {error}")
    return HTTPError(request.method, request.url, error)
