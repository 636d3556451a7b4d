"""Checks a mail server: connects, with TLS or STARTTLS if asked, and returns its greeting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reglet.application.checks.outcome import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    read_target,
    read_timeout,
    whole_milliseconds,
)
from reglet.application.config import get_bool_default
from reglet.domain.context import Context
from reglet.domain.entities import JSONObject
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import Result, result_error, result_success
from reglet.domain.errors import RegletError
from reglet.domain.ports import SMTPClient


def run_smtp_check(ctx: Context, config: JSONObject | None, *, client: SMTPClient | None = None) -> Result:
    """Connect to a mail server and return its greeting and the facts of the connection.

    Config: `host`, `port`; optional `use_tls` (false), `use_starttls` (false), `timeout_ms` (30000; 0 or less
    leaves it to the host).

    Data: `connected`, `address`, `latency_ms`, and if known `banner`, `tls_version`, `tls_cipher_suite`,
    `tls_server_name`. Without a connection the status is error: code `MISSING_HOST`, `MISSING_PORT`,
    `INVALID_PORT`, `CONNECTION_FAILED`, or that of the refusal.

    Raises:
        MissingClientError: the context has no `SMTPClient` and none was given.
    """
    try:
        target = read_target(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(SMTPClient, client)
    smtp = ctx.client(SMTPClient)
    timeout = read_timeout(config, 30_000)
    use_tls = get_bool_default(config, "use_tls", default=False)
    use_starttls = get_bool_default(config, "use_starttls", default=False)
    watch = Stopwatch()
    try:
        answer = smtp.connect(target.host, target.port, timeout, use_tls, use_starttls)
    except RegletError as error:
        return result_error(failed_call(error, "CONNECTION_FAILED")).with_metadata(watch.stop())
    metadata = watch.stop()
    if not answer.connected:
        failed = ErrorDetail("network", "SMTP connection failed", "CONNECTION_FAILED")
        return result_error(failed).with_metadata(metadata)
    measured_ns = answer.response_time // timedelta(microseconds=1) * 1000  # by the host, if it is not zero
    facts: dict[str, Any] = {
        "connected": True,
        "address": target.address,
        "latency_ms": whole_milliseconds(measured_ns or metadata.duration_ns),
    }
    known = {
        "banner": answer.banner,
        "tls_version": answer.tls_version,
        "tls_cipher_suite": answer.tls_cipher_suite,
        "tls_server_name": answer.tls_server_name,
    }
    facts |= {name: value for name, value in known.items() if value}
    message = f"SMTP connection successful to {target.address}"
    return result_success(message, facts).with_metadata(metadata)
