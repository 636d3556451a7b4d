"""The http plugin: one service, one operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import reglet
from http_plugin.models import RequestInput, RequestOutput
from reglet import answers
from reglet.errors import ConfigError

plugin = reglet.define_plugin(
    name="http",
    description="HTTP/HTTPS request checking and validation",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["80", "443"])])
    ),
)

_HEADER_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

EXAMPLES = [
    reglet.Example(
        "basic",
        RequestInput(url="https://example.com/"),
        description="Request a page",
        expected_output=RequestOutput(
            url="https://example.com/",
            method="GET",
            status_code=200,
            status="200 OK",
            protocol="HTTP/1.1",
            headers={"Content-Type": ["text/html"]},
            body="<h1>Example</h1>",
            body_size=16,
            body_sha256="fa0c1ed11814165c0749300a6b996f1ec4fcf33deca7b53d97fbfc4ebed78acc",
        ),
        answers=[
            answers.http(
                "https://example.com/", headers={"Content-Type": "text/html"}, body="<h1>Example</h1>"
            )
        ],
    ),
    reglet.Example(
        "not_found",
        RequestInput(url="https://example.com/missing", method="HEAD"),
        description="A 404 is an answer: the profile decides what to make of it",
        expected_output=RequestOutput(
            url="https://example.com/missing",
            method="HEAD",
            status_code=404,
            status="404 Not Found",
            protocol="HTTP/1.1",
        ),
        answers=[answers.http("https://example.com/missing", method="HEAD", status_code=404)],
    ),
    reglet.Example(
        "unreachable",
        RequestInput(url="https://down.example.com/"),
        description="No answer is data too, with status code 0",
        expected_output=RequestOutput(
            url="https://down.example.com/",
            method="GET",
            status_code=0,
        ),
        answers=[answers.http("https://down.example.com/", error="refused")],
    ),
    reglet.Example(
        "wrong_status",
        RequestInput(url="https://example.com/admin", expected_status=403),
        description="An expectation of the plugin's own: the check fails, and its data is there",
        expected_error="HTTP status mismatch: expected 403, got 200",
        answers=[answers.http("https://example.com/admin", body="welcome")],
    ),
]


@plugin.service("http", description="HTTP requests")
class HTTPService:
    """Requests URLs."""

    @reglet.operation(description="Request a URL and report what came back", examples=EXAMPLES)
    def request(self, ctx: reglet.Context, request: RequestInput) -> RequestOutput | reglet.Result:
        """Request a URL; what the user did not grant, or the host cannot do, is an error."""
        _check_request(request)
        result = reglet.run_http_check(ctx, _config(request))
        if result.error is None:
            return _answered(request, result)
        if result.error.type not in {"network", "timeout"}:
            return result
        return RequestOutput(
            url=request.url,
            method=request.method,
            status_code=0,
            status=f"ERROR: {result.error.message}",
        )


def _check_request(request: RequestInput) -> None:
    """Refuse what can be sent to nobody: that there is no answer then says nothing of the target."""
    try:
        parts = urlsplit(request.url)
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that hold no address, a port beyond 65535
        is_usable = False
    if not is_usable:
        raise ConfigError("url", f"{request.url!r} names no host, or no port that there is")
    for name, value in request.headers.items():
        if _HEADER_NAME.fullmatch(name) is None:
            raise ConfigError("headers", f"{name!r} is no header's name")
        if _CONTROL_CHARACTER.search(value):  # which may be a secret
            raise ConfigError("headers", f"the value of {name} has a control character in it")


def _config(request: RequestInput) -> dict[str, Any]:
    return {
        "url": request.url,
        "method": request.method,
        "headers": request.headers,
        "body": request.body,
        "timeout_ms": request.timeout_seconds * 1000,
        "follow_redirects": request.follow_redirects,
        "insecure_skip_verify": request.insecure_skip_verify,
        "body_preview_length": request.body_preview_length,
        "expected_status": request.expected_status,
        "expected_body_contains": request.expected_body_contains,
    }


def _answered(request: RequestInput, result: reglet.Result) -> RequestOutput:
    facts: Mapping[str, Any] = result.data or {}
    output = RequestOutput(
        url=request.url,
        method=request.method,
        status_code=facts["status_code"],
        status=_status_line(facts["status_code"]),
        protocol=facts["protocol"] or "HTTP/1.1",  # which some hosts leave out
        headers=facts.get("headers", {}),
        body=facts.get("body", ""),
        body_size=facts.get("body_size", 0),
        body_sha256=facts.get("body_sha256", ""),
        body_truncated=facts.get("body_truncated", False),
        response_time_ms=facts["response_time_ms"],
        expectation_failed=result.is_failure,
        expectation_error=result.message if result.is_failure else "",
    )
    if result.is_failure:
        raise reglet.CheckFailed(result.message, output)
    return output


def _status_line(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
