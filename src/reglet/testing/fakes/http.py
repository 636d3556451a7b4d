"""A stand-in for the network behind the HTTP port."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from reglet.application.examples import HTTPAnswer
from reglet.domain.entities import JSONValue
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.errors import (
    HTTPError,
)
from reglet.domain.urls import SCHEME_PORTS
from reglet.testing.fakes.routes import (
    BodyPattern,
    Criterion,
    Failure,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    body_matches,
    failure_of,
    headers_match,
    socket_error,
    text_matches,
)


class HTTPRoute(Route[HTTPResponse]):
    """Requests that fit, and their answers in order."""

    def respond(
        self,
        status: int = 200,
        *,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        body: str | bytes = b"",
        json: JSONValue = None,
        proto: str = "HTTP/1.1",
        truncated: bool = False,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Answer the next request; `json` is a body with its content type, `latency` moves the fake clock."""
        given: dict[str, str | Sequence[str]] = dict(headers or {})
        if json is not None:
            given.setdefault("Content-Type", "application/json")
            body = json_text.dumps(json)
        content = body.encode() if isinstance(body, str) else body
        return self.then(HTTPResponse(status, given, content, proto, truncated), latency)


class FakeHTTPClient(Fake[HTTPRoute]):
    """An `HTTPClient` that answers from routes and fails on any other request.

    Redirects are answers like others: it follows none.
    """

    def __init__(self, *answers: HTTPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, HTTPAnswer)

    def on(
        self,
        url: TextPattern = "*",
        *,
        method: TextPattern = "*",
        headers: Mapping[str, TextPattern] | None = None,
        body: BodyPattern | None = None,
    ) -> HTTPRoute:
        """Add a route for the requests that fit; `*` in a text stands for any text."""
        criteria = [Criterion("method", method, text_matches), Criterion("url", url, text_matches)]
        if headers is not None:
            criteria.append(Criterion("headers", headers, headers_match))
        if body is not None:
            criteria.append(Criterion("body", body, body_matches))
        return self.routes.add(HTTPRoute("http", criteria))

    def add(self, answer: HTTPAnswer) -> HTTPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.url or "*", method=answer.method or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.response, timedelta())

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request. Raises `UnexpectedCallError` where no route fits."""
        facts = {
            "method": request.method or "GET",
            "url": request.url,
            "headers": request.headers,
            "body": request.body,
        }
        outcome = self.routes.answer(FakeCall("http", facts), request.timeout)
        if isinstance(outcome, Failure):
            parts = urlsplit(request.url)
            port = parts.port or SCHEME_PORTS.get(parts.scheme, 0)
            error = HTTPError(request.method, request.url, socket_error(outcome))
            grant = f"network:{parts.hostname}:{port}"
            raise outcome.as_error(f"http {request.method}", request.url, request.timeout, grant, error)
        response: HTTPResponse = outcome
        return response

    def get(self, url: str) -> HTTPResponse:
        """Send GET."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Send POST with a body of the given content type."""
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))
