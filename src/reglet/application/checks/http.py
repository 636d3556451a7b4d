"""Checks a web server: one request, what came back, and whether that is what was expected."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from reglet.application.checks import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    measured_milliseconds,
    read_timeout,
)
from reglet.application.config import (
    get_bool_default,
    get_int,
    get_int_default,
    get_string_default,
    must_get_string,
)
from reglet.domain.context import Context
from reglet.domain.entities import JSONObject
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.entities.result import Result, RunMetadata, result_error, result_failure, result_success
from reglet.domain.errors import ConfigError, RegletError
from reglet.domain.ports import HTTPClient

_UNDECODABLE = dict.fromkeys(range(0xDC80, 0xDD00), "\N{REPLACEMENT CHARACTER}")


def run_http_check(ctx: Context, config: JSONObject | None, *, client: HTTPClient | None = None) -> Result:
    """Send a request and return what came back.

    Config: `url`; optional `method` (GET), `headers`, `body`, `timeout_ms` (30000; 0 or less leaves it to the
    host), `follow_redirects` (true), `max_redirects` (10; 0 follows none), `insecure_skip_verify` (false),
    `body_preview_length` in bytes (200; 0 for none of the body, less for all of it), `expected_status`,
    `expected_body_contains`.

    Data: `status_code`, `protocol`, `response_time_ms`, `headers` if there were any; with a body also
    `body_sha256`, `body_size`, `body_length`, `body`, `body_truncated`. An expectation that is not met gives
    status failure and stands in the data. Without an answer the status is error: code `MISSING_URL`,
    `REQUEST_FAILED`, or that of the refusal.

    Raises:
        MissingClientError: the context has no `HTTPClient` and none was given.
    """
    try:
        url = must_get_string(config, "url")
    except ConfigError as error:
        return result_error(RefusedConfigError(str(error), "MISSING_URL").detail())
    headers = (config or {}).get("headers")
    if not isinstance(headers, Mapping):
        headers = {}
    request = HTTPRequest(
        method=get_string_default(config, "method", "GET"),
        url=url,
        headers={name: value for name, value in headers.items() if isinstance(value, str)},
        body=get_string_default(config, "body", "").encode("utf-8", "replace"),
        timeout=read_timeout(config, 30_000) or None,
        follow_redirects=get_bool_default(config, "follow_redirects", default=True),
        max_redirects=max(get_int_default(config, "max_redirects", 10), 0),
        insecure_skip_verify=get_bool_default(config, "insecure_skip_verify", default=False),
    )
    if client is not None:
        ctx = ctx.with_client(HTTPClient, client)
    http = ctx.client(HTTPClient)
    watch = Stopwatch()
    try:
        response = http.do(request)
    except RegletError as error:
        return result_error(failed_call(error, "REQUEST_FAILED")).with_metadata(watch.stop())
    metadata = watch.stop()
    return _judge(request.method, response, config, metadata).with_metadata(metadata)


def _judge(method: str, response: HTTPResponse, config: JSONObject | None, metadata: RunMetadata) -> Result:
    status, body = response.status_code, response.body
    facts: dict[str, Any] = {
        "status_code": status,
        "protocol": response.proto,
        "response_time_ms": measured_milliseconds(response.latency, metadata),
    }
    if response.headers:
        facts["headers"] = {name: list(values) for name, values in response.headers.items()}
    if body:
        length = get_int_default(config, "body_preview_length", 200)
        shown = body if length < 0 else body[:length]
        facts["body_sha256"] = hashlib.sha256(body).hexdigest()
        facts["body_size"] = facts["body_length"] = len(body)
        facts["body"] = shown.decode("utf-8", "surrogateescape").translate(_UNDECODABLE)
        facts["body_truncated"] = response.truncated or len(shown) < len(body)
    expected_status = get_int(config, "expected_status")
    if expected_status is not None and status != expected_status:
        facts |= {"expected_status": expected_status, "actual_status": status}
        return result_failure(f"HTTP status mismatch: expected {expected_status}, got {status}", facts)
    expected_body = get_string_default(config, "expected_body_contains", "")
    if expected_body.encode("utf-8", "replace") not in body:
        facts["expected_body_contains"] = expected_body
        return result_failure(f"HTTP body mismatch: expected to contain '{expected_body}'", facts)
    return result_success(f"HTTP {method} request successful: {status}", facts)
