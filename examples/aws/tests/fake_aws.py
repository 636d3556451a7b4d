"""An AWS that answers over the HTTP port, and only to requests that are signed as AWS asks.

It works the signature out its own way: from the URL and headers as they were sent, the query taken
apart and put together again, as the server at the far end does.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import reduce
from urllib.parse import parse_qsl, quote_plus, urlsplit

from attrs import define, field

from reglet import HTTPRequest, HTTPResponse

Answerer = Callable[[Mapping[str, str]], str]


@define
class FakeAWS:
    """Answers actions; refuses what is not signed for `region` with `secret`.

    Attributes:
        secret: the secret key that it knows.
        answers: the XML of each action, or what makes it from the parameters.
        refusals: HTTP status and XML of actions that it refuses.
        token: the session token that it wants, if any.
        regions: the region that each host signs for.
        calls: the parameters of each call that it answered.
    """

    secret: str
    answers: dict[str, str | Answerer] = field(factory=dict)
    refusals: dict[str, tuple[int, str]] = field(factory=dict)
    token: str = ""
    regions: dict[str, str] = field(
        factory=lambda: {"iam.amazonaws.com": "us-east-1", "ec2.eu-west-1.amazonaws.com": "eu-west-1"}
    )
    calls: list[dict[str, str]] = field(factory=list)

    def do(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request."""
        host = urlsplit(request.url).hostname or ""
        if not self._is_signed(request, host):
            return _refused(403, "SignatureDoesNotMatch", "the signature does not match")
        parameters = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        self.calls.append(parameters)
        action = parameters["Action"]
        if action in self.refusals:
            status, code = self.refusals[action]
            return _refused(status, code, "no")
        answer = self.answers[action]
        return HTTPResponse(200, body=(answer if isinstance(answer, str) else answer(parameters)).encode())

    def get(self, url: str) -> HTTPResponse:
        """Answer an unsigned request."""
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        """Refuse: this AWS answers GET only."""
        raise NotImplementedError(f"POST {url} of {len(body)} bytes of {content_type}")

    def _is_signed(self, request: HTTPRequest, host: str) -> bool:
        headers = {"host": host, **{name.lower(): values[0] for name, values in request.headers.items()}}
        if headers.get("x-amz-security-token", "") != self.token:
            return False
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        claims = dict(part.split("=", 1) for part in rest.split(", ") if "=" in part)
        if scheme != "AWS4-HMAC-SHA256" or host not in self.regions:
            return False
        signature = self._signature(request, headers, claims["SignedHeaders"].split(";"), host)
        return hmac.compare_digest(claims["Signature"], signature)

    def _signature(
        self, request: HTTPRequest, headers: Mapping[str, str], signed: list[str], host: str
    ) -> str:
        pairs = sorted(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)
        lines = [f"{name}:{headers[name].strip()}" for name in signed]
        digest = hashlib.sha256(request.body).hexdigest()
        canonical = "\n".join([request.method, "/", query, *lines, "", ";".join(signed), digest])
        stamp = headers["x-amz-date"]
        scope = [stamp[:8], self.regions[host], host.split(".", maxsplit=1)[0], "aws4_request"]
        text = "\n".join(
            ["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()]
        )
        key = reduce(
            lambda key, part: hmac.digest(key, part.encode(), "sha256"), scope, b"AWS4" + self.secret.encode()
        )
        return hmac.digest(key, text.encode(), "sha256").hex()


def _encoded(text: str) -> str:
    return quote_plus(text).replace("+", "%20").replace("%7E", "~")


def _refused(status: int, code: str, message: str) -> HTTPResponse:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return HTTPResponse(status, body=body.encode())
