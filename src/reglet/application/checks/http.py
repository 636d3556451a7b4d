"""Checks a web server: one request, what came back, and whether that is what was expected."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from reglet.application.checks.outcome import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    read_timeout,
    whole_milliseconds,
)
from reglet.application.config import (
    get_bool_default,
    get_int,
    get_int_default,
    get_string_default,
    must_get_string,
)
from reglet.domain.context import Context
from reglet.domain.entities.json_value import JSONObject
from reglet.domain.entities.records import HTTPRequest, HTTPResponse
from reglet.domain.entities.result import Result, result_error, result_failure, result_success
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
        wanted = _read(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(HTTPClient, client)
    http = ctx.client(HTTPClient)
    watch = Stopwatch()
    try:
        response = http.do(wanted.request)
    except RegletError as error:
        return result_error(failed_call(error, "REQUEST_FAILED")).with_metadata(watch.stop())
    metadata = watch.stop()
    facts = _facts(response, wanted.preview_length)
    facts["response_time_ms"] = whole_milliseconds(metadata.duration_ns)
    return _judge(wanted, response, facts).with_metadata(metadata)


@frozen
class _Wanted:
    request: HTTPRequest
    preview_length: int
    status: int | None
    body_contains: str


def _read(config: JSONObject | None) -> _Wanted:
    try:
        url = must_get_string(config, "url")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_URL") from error
    request = HTTPRequest(
        method=get_string_default(config, "method", "GET"),
        url=url,
        headers=_headers(config),
        body=get_string_default(config, "body", "").encode("utf-8", "replace"),
        timeout=read_timeout(config, 30_000) or None,
        follow_redirects=get_bool_default(config, "follow_redirects", default=True),
        max_redirects=max(get_int_default(config, "max_redirects", 10), 0),
        insecure_skip_verify=get_bool_default(config, "insecure_skip_verify", default=False),
    )
    return _Wanted(
        request,
        preview_length=get_int_default(config, "body_preview_length", 200),
        status=get_int(config, "expected_status"),
        body_contains=get_string_default(config, "expected_body_contains", ""),
    )


def _headers(config: JSONObject | None) -> dict[str, str]:
    headers = (config or {}).get("headers")
    if not isinstance(headers, Mapping):
        return {}
    return {name: value for name, value in headers.items() if isinstance(value, str)}


def _facts(response: HTTPResponse, preview_length: int) -> dict[str, Any]:
    facts: dict[str, Any] = {"status_code": response.status_code, "protocol": response.proto}
    if response.headers:
        facts["headers"] = {name: list(values) for name, values in response.headers.items()}
    if response.body:
        facts |= _body_facts(response, preview_length)
    return facts


def _body_facts(response: HTTPResponse, preview_length: int) -> dict[str, Any]:
    body = response.body
    shown = body if preview_length < 0 else body[:preview_length]
    return {
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "body_size": len(body),
        "body_length": len(body),
        "body": shown.decode("utf-8", "surrogateescape").translate(_UNDECODABLE),
        "body_truncated": response.truncated or len(shown) < len(body),
    }


def _judge(wanted: _Wanted, response: HTTPResponse, facts: dict[str, Any]) -> Result:
    status = response.status_code
    if wanted.status is not None and status != wanted.status:
        facts |= {"expected_status": wanted.status, "actual_status": status}
        return result_failure(f"HTTP status mismatch: expected {wanted.status}, got {status}", facts)
    if wanted.body_contains.encode("utf-8", "replace") not in response.body:
        facts["expected_body_contains"] = wanted.body_contains
        return result_failure(f"HTTP body mismatch: expected to contain '{wanted.body_contains}'", facts)
    return result_success(f"HTTP {wanted.request.method} request successful: {status}", facts)
