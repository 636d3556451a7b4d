"""What the http plugin takes and what it answers."""

from __future__ import annotations

from typing import Literal

import reglet

Method = Literal["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]


@reglet.model
class RequestInput:
    """A request, and what to expect of its answer."""

    url: str = reglet.field(description="URL to request", pattern="^https?://")
    method: Method = reglet.field(default="GET", description="HTTP method")
    headers: dict[str, str] = reglet.field(factory=dict, description="Headers to send")
    body: str = reglet.field(default="", description="Body to send")
    timeout_seconds: int = reglet.field(default=30, ge=1, le=300, description="Time limit, in seconds")
    follow_redirects: bool = reglet.field(default=True, description="Follow redirects, ten at most")
    insecure_skip_verify: bool = reglet.field(
        default=False, description="Accept any certificate; refused where the host cannot"
    )
    body_preview_length: int = reglet.field(
        default=200, ge=-1, description="Bytes of the body to report; 0 for none, -1 for all"
    )
    expected_status: int | None = reglet.field(
        default=None, ge=100, le=599, description="Fail on any other status code"
    )
    expected_body_contains: str = reglet.field(default="", description="Fail if the body lacks this string")


@reglet.model
class RequestOutput:
    """What came back. Every field is always there."""

    url: str = reglet.field(description="The URL that was requested")
    method: str = reglet.field(description="The method that was used")
    status_code: int = reglet.field(description="The status code; 0 if there was no answer")
    status: str = reglet.field(
        default="", description="Such as `200 OK`; `ERROR: ` and the reason if there was no answer"
    )
    protocol: str = reglet.field(default="", description="The protocol, such as `HTTP/1.1` or `HTTP/2.0`")
    headers: dict[str, list[str]] = reglet.field(factory=dict, description="The headers of the answer")
    body: str = reglet.field(default="", description="The first bytes of the body, read as UTF-8")
    body_size: int = reglet.field(default=0, description="Bytes in the whole body")
    body_sha256: str = reglet.field(default="", description="SHA-256 of the whole body, empty if none")
    body_truncated: bool = reglet.field(default=False, description="Whether `body` is not all of it")
    response_time_ms: int = reglet.field(default=0, description="How long it took, in milliseconds")
    expectation_failed: bool = reglet.field(default=False, description="Whether an expectation was not met")
    expectation_error: str = reglet.field(default="", description="Which one, empty if none")
