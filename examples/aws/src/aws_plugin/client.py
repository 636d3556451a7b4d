"""Calls of AWS's query APIs over the HTTP port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from attrs import field, frozen

import reglet
from aws_plugin.answer import Answer, parse_answer
from aws_plugin.credentials import (
    Credentials,
    credentials_from_environment,
    region_of_environment,
    region_or_default,
)
from aws_plugin.endpoints import Endpoint
from aws_plugin.errors import AWSError, MalformedAnswerError
from aws_plugin.signing import Scope, canonical_query, signed_headers

_VERSIONS = {"iam": "2010-05-08", "ec2": "2016-11-15"}
_SUCCESS = range(200, 300)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@frozen
class AWSClient:
    """Calls one service, as one account; `service` is `ec2` or `iam`."""

    service: str
    endpoint: Endpoint
    _http: reglet.HTTPClient
    _credentials: Credentials
    _timeout: timedelta
    _clock: Callable[[], datetime] = field(default=now)

    @classmethod
    def from_environment(
        cls, service: str, http: reglet.HTTPClient, timeout_seconds: int, region: str = ""
    ) -> AWSClient:
        """Return a client with the keys of the environment; raises `ConfigError` if something is missing."""
        credentials = credentials_from_environment()
        if service == "iam":
            endpoint = Endpoint.of_iam(region_of_environment())
        else:
            endpoint = Endpoint.of_region(service, region_or_default(region))
        return cls(service, endpoint, http, credentials, timedelta(seconds=timeout_seconds))

    def call(self, action: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Call an action and return what it answered; raises `AWSError`, or what the HTTP client raises."""
        host, scope = self.endpoint.host, Scope(self.endpoint.region, self.service)
        query = canonical_query({"Action": action, "Version": _VERSIONS[self.service], **(parameters or {})})
        headers = signed_headers(host, query, self._credentials, scope, self._clock())
        response = self._http.do(
            reglet.HTTPRequest("GET", f"https://{host}/?{query}", headers, timeout=self._timeout)
        )
        if response.status_code not in _SUCCESS:
            raise _error(response)
        answer = parse_answer(response.body)
        if answer.name != f"{action}Response":
            raise MalformedAnswerError(f"it is a {answer.name!r}, not a {action}Response")
        return answer

    def pages(
        self, action: str, parameters: Mapping[str, str], *, ask: str, answered: str
    ) -> Iterator[Answer]:
        """Call an action until there is no more: the parameter `ask` takes what a page has at `answered`."""
        marker = ""
        while True:
            page = self.call(action, {**parameters, ask: marker} if marker else parameters)
            yield page
            following = page.string(answered)
            if not following and page.string("IsTruncated") != "true":
                return
            if following in ("", marker):
                raise MalformedAnswerError(f"there is more, and {answered} does not lead there")
            marker = following


def _error(response: reglet.HTTPResponse) -> AWSError:
    try:
        code, message = parse_answer(response.body).error()
    except MalformedAnswerError:
        code, message = "UnknownError", response.body[:200].decode("utf-8", "replace")
    return AWSError(response.status_code, code, message)
