"""Checking a web server."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from reglet.application.checks import run_http_check
from reglet.domain.context import Context
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.entities.result import Result
from reglet.domain.errors import (
    CapabilityError,
    HTTPError,
    MissingClientError,
    RegletError,
    UnsupportedOptionError,
)
from reglet.domain.errors import TimeoutError as RegletTimeoutError

URL = "http://h/"
HELLO = HTTPResponse(200, body=b"hello", proto="HTTP/1.1")


class Web:
    """Answers every request alike, and keeps it."""

    def __init__(self, answer: HTTPResponse | RegletError = HELLO) -> None:
        self.answer = answer
        self.requests: list[HTTPRequest] = []

    def do(self, request: HTTPRequest) -> HTTPResponse:
        self.requests.append(request)
        if isinstance(self.answer, RegletError):
            raise self.answer
        return self.answer

    def get(self, url: str) -> HTTPResponse:
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))


def check(web: Web, **config: Any) -> Result:
    """Check URL with more config."""
    return run_http_check(Context(), {"url": URL, **config}, client=web)


def data(result: Result) -> dict[str, Any]:
    """Return the data of a result that has some."""
    assert result.data is not None
    return dict(result.data)


def test_an_answer_is_a_success_with_its_facts() -> None:
    """Status, protocol, headers, body and its hash are there."""
    web = Web(HTTPResponse(200, {"A": ("1", "2")}, b"hello", "HTTP/1.1"))
    result = check(web)
    facts = data(result)
    assert result.message == "HTTP GET request successful: 200"
    assert facts.pop("response_time_ms") >= 1
    assert facts == {
        "status_code": 200,
        "protocol": "HTTP/1.1",
        "headers": {"A": ["1", "2"]},
        "body": "hello",
        "body_sha256": hashlib.sha256(b"hello").hexdigest(),
        "body_size": 5,
        "body_length": 5,
        "body_truncated": False,
    }
    assert result.metadata is not None
    assert result.metadata.end_time >= result.metadata.start_time


def test_the_response_time_is_the_hosts_own() -> None:
    """What is imported or decoded here is no part of it."""
    facts = data(check(Web(HTTPResponse(200, latency=timedelta(milliseconds=1234)))))
    assert facts["response_time_ms"] == 1234
    assert data(check(Web(HTTPResponse(200, latency=timedelta()))))["response_time_ms"] >= 1


def test_every_option_reaches_the_client() -> None:
    """Redirects and verification too, which the Go SDK drops."""
    web = Web()
    check(
        web,
        method="post",
        headers={"X-A": "1", "X-N": 5},
        body="data",
        timeout_ms=1500.9,
        follow_redirects=False,
        max_redirects=3,
        insecure_skip_verify=True,
    )
    assert web.requests == [
        HTTPRequest("post", URL, {"X-A": "1"}, b"data", timedelta(milliseconds=1500), False, 3, True)
    ]


@pytest.mark.parametrize(
    ("timeout_ms", "limit"),
    [
        (0, None),
        (-5, None),
        (None, timedelta(seconds=30)),
        ("10", timedelta(seconds=30)),
        (1e300, timedelta(milliseconds=2**31 - 1)),
    ],
)
def test_a_timeout_that_is_not_positive_is_left_to_the_host(timeout_ms: Any, limit: timedelta | None) -> None:
    """Another type means the default, and no number is too large."""
    web = Web()
    check(web, timeout_ms=timeout_ms)
    assert web.requests[0].timeout == limit


@pytest.mark.parametrize("config", [None, {}, {"url": 5}])
def test_without_a_url_no_request_is_made(config: Any) -> None:
    """The code is the Go SDK's."""
    web = Web()
    result = run_http_check(Context(), config, client=web)
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("config", "MISSING_URL")
    assert web.requests == []


def test_another_status_than_expected_is_a_failure() -> None:
    """It wins over the body, and stands in the data."""
    result = check(Web(), expected_status=404, expected_body_contains="zzz")
    assert result.is_failure
    assert result.message == "HTTP status mismatch: expected 404, got 200"
    assert (data(result)["expected_status"], data(result)["actual_status"]) == (404, 200)
    assert result.error is None


def test_a_body_without_the_expected_text_is_a_failure() -> None:
    """The whole body is searched, not only what is shown of it."""
    assert check(Web(), expected_body_contains="lo", body_preview_length=1).is_success
    result = check(Web(), expected_body_contains="zzz")
    assert result.message == "HTTP body mismatch: expected to contain 'zzz'"
    assert data(result)["expected_body_contains"] == "zzz"
    assert check(Web(HTTPResponse(200)), expected_body_contains="x").is_failure


@pytest.mark.parametrize(
    ("length", "shown", "truncated"),
    [(200, "hello", False), (3, "hel", True), (0, "", True), (-1, "hello", False)],
)
def test_as_much_of_the_body_is_shown_as_asked(length: int, shown: str, truncated: bool) -> None:
    """Size and hash are those of the whole body."""
    facts = data(check(Web(), body_preview_length=length))
    assert (facts["body"], facts["body_truncated"], facts["body_size"]) == (shown, truncated, 5)


@pytest.mark.parametrize(("body", "shown"), [("é".encode(), "\ufffd"), ("€".encode(), "\ufffd\ufffd")])
def test_a_cut_character_shows_one_mark_for_each_byte(body: bytes, shown: str) -> None:
    """As Go's JSON encoder writes it."""
    facts = data(check(Web(HTTPResponse(200, body=body)), body_preview_length=len(body) - 1))
    assert facts["body"] == shown


def test_a_body_that_the_host_cut_counts_as_truncated() -> None:
    """Even if all of the rest is shown."""
    assert data(check(Web(HTTPResponse(200, body=b"a", truncated=True))))["body_truncated"] is True


def test_no_answer_is_an_error_that_keeps_its_cause() -> None:
    """The check's code stands above the cause's."""
    result = check(Web(HTTPError("GET", URL, "connection refused")))
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("network", "REQUEST_FAILED")
    assert result.error.message == "http GET http://h/ failed: connection refused"
    assert result.error.wrapped is not None
    assert result.error.wrapped.code == "http_0"
    assert result.metadata is not None


def test_running_out_of_time_is_a_timeout() -> None:
    """The type and the flag say so."""
    result = check(Web(RegletTimeoutError("http_request", timedelta(seconds=1))))
    assert result.error is not None
    assert (result.error.type, result.error.code, result.error.is_timeout) == (
        "timeout",
        "REQUEST_FAILED",
        True,
    )


@pytest.mark.parametrize(
    "refusal",
    [CapabilityError("network:h:80"), UnsupportedOptionError("follow_redirects", value=False, reason="no")],
)
def test_a_refusal_comes_through_whole(refusal: RegletError) -> None:
    """What to grant, or which option not to set, is not hidden."""
    assert check(Web(refusal)).error == refusal.detail()


def test_a_context_without_a_client_is_the_authors_mistake() -> None:
    """It is raised, not reported as a failed request."""
    with pytest.raises(MissingClientError, match="HTTPClient"):
        run_http_check(Context(), {"url": URL})
