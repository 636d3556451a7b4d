"""The port for HTTP."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reglet.domain.entities.requests import HTTPRequest, HTTPResponse


@runtime_checkable
class HTTPClient(Protocol):
    """Sends HTTP requests.

    Every method raises `HTTPError` when there is no answer, `TimeoutError` when time ran out and
    `CapabilityError` when no grant covers the host and port. A 404 or 500 is an answer.
    """

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Send a request and return the whole answer."""
        ...

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        ...

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        ...
