"""`http_request`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import HTTPError
from reglet.domain.ports import HTTPClient
from reglet.domain.urls import without_credentials
from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.wire.http import (
    DEFAULT_MAX_REDIRECTS,
    FOLLOW_REDIRECTS,
    INSECURE_SKIP_VERIFY,
    MAX_REDIRECTS,
    decode_http_request,
    encode_http_response,
)

if TYPE_CHECKING:
    from reglet.domain.context import Context
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext

_PORTS = {"http": 80, "https": 443}


class HTTPFunction(Answerer[HTTPClient, HTTPRequest]):
    """Sends requests. Each redirect is checked again by the client's guard."""

    name: ClassVar[str] = "http_request"
    code: ClassVar[str] = "REQUEST_FAILED"

    def _decode(self, request: bytes) -> tuple[HTTPRequest, CallContext]:
        return decode_http_request(request, self._dialect)

    def _decide(self, request: HTTPRequest, ledger: Ledger) -> None:
        host, port = _target(request)
        shown = f"{request.method or 'GET'} {without_credentials(request.url)}"
        ledger.require(shown, self._policy.network(host, port))

    def _perform(self, request: HTTPRequest, port: HTTPClient, ctx: Context) -> bytes:
        del ctx
        started = time.perf_counter()
        response = port.do(request)
        return encode_http_response(
            response,
            dialect=self._dialect,
            applied=_applied(request),
            latency=timedelta(seconds=time.perf_counter() - started),
        )

    def _failure(self, detail: ErrorDetail) -> bytes:
        return encode_http_response(error=detail, dialect=self._dialect)


def _target(request: HTTPRequest) -> tuple[str, int]:
    """Return the host and port that a URL names."""
    try:
        parts = urlsplit(request.url)
        port = parts.port
    except ValueError as problem:
        raise HTTPError(request.method, request.url, problem) from problem
    if parts.scheme.lower() not in _PORTS:
        raise HTTPError(request.method, request.url, f"scheme {parts.scheme!r} is not http or https")
    if not parts.hostname:
        raise HTTPError(request.method, request.url, "the URL names no host")
    return parts.hostname, _PORTS[parts.scheme.lower()] if port is None else port


def _applied(request: HTTPRequest) -> tuple[str, ...]:
    """Name the options that were asked for, all of which the client honours."""
    asked = {
        FOLLOW_REDIRECTS: not request.follow_redirects,
        MAX_REDIRECTS: request.max_redirects != DEFAULT_MAX_REDIRECTS,
        INSECURE_SKIP_VERIFY: request.insecure_skip_verify,
    }
    return tuple(name for name, is_asked in asked.items() if is_asked)
