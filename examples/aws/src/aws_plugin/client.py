"""Calls of AWS's query APIs over the HTTP port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from attrs import field, frozen

import reglet
from aws_plugin.answer import Answer, parse_answer
from aws_plugin.credentials import Credentials, credentials_from_environment, region_or_default
from aws_plugin.errors import AWSError
from aws_plugin.signing import Scope, canonical_query, signed_headers

_VERSIONS = {"iam": "2010-05-08", "ec2": "2016-11-15"}
_GLOBAL = {"iam": "us-east-1"}
_SUCCESS = range(200, 300)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@frozen
class AWSClient:
    """Calls one service, as one account.

    Attributes:
        service: `ec2` or `iam`.
        region: where; of a global service the region that signs for all.
    """

    service: str
    region: str
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
        where = _GLOBAL.get(service) or region_or_default(region)
        return cls(service, where, http, credentials, timedelta(seconds=timeout_seconds))

    @property
    def host(self) -> str:
        """The host that answers."""
        return (
            f"{self.service}.amazonaws.com"
            if self.service in _GLOBAL
            else f"{self.service}.{self.region}.amazonaws.com"
        )

    def call(self, action: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Call an action and return what it answered; raises `AWSError`, or what the HTTP client raises."""
        query = canonical_query({"Action": action, "Version": _VERSIONS[self.service], **(parameters or {})})
        headers = signed_headers(
            self.host, query, self._credentials, Scope(self.region, self.service), self._clock()
        )
        response = self._http.do(
            reglet.HTTPRequest("GET", f"https://{self.host}/?{query}", headers, timeout=self._timeout)
        )
        if response.status_code not in _SUCCESS:
            raise _error(response)
        try:
            return parse_answer(response.body)
        except (ET.ParseError, ValueError) as error:
            raise AWSError(
                response.status_code, "MalformedAnswer", f"failed to parse AWS response: {error}"
            ) from error

    def pages(self, action: str, parameters: Mapping[str, str], *, ask: str, told: str) -> Iterator[Answer]:
        """Call an action until it has told all: `ask` is the parameter that takes up what `told` gave."""
        marker = ""
        while True:
            page = self.call(action, {**parameters, ask: marker} if marker else parameters)
            yield page
            following = page.text(told)
            if not following or following == marker:
                return
            marker = following


def _error(response: reglet.HTTPResponse) -> AWSError:
    try:
        code, message = parse_answer(response.body).error()
    except (ET.ParseError, ValueError):
        code, message = "UnknownError", response.body[:200].decode("utf-8", "replace")
    return AWSError(response.status_code, code, message)
