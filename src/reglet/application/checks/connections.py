"""Checks a port or a mail server: connects to it, with TLS if asked, and returns its facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reglet.application.checks import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    measured_milliseconds,
    read_target,
    read_timeout,
    read_tls_options,
)
from reglet.application.config import get_bool_default, get_string_default
from reglet.domain.context import Context
from reglet.domain.entities import JSONObject
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import ObservedConnection
from reglet.domain.entities.result import Result, RunMetadata, result_error, result_failure, result_success
from reglet.domain.errors import RegletError
from reglet.domain.ports import SMTPClient, TCPConnection, TCPDialer
from reglet.domain.time import format_time


def run_tcp_check(ctx: Context, config: JSONObject | None, *, client: TCPDialer | None = None) -> Result:
    """Connect to a port and return the facts of the connection.

    Config: `host`, `port`; optional `timeout_ms` (5000; 0 or less leaves it to the host), `tls` (false),
    `insecure_skip_verify` (false; takes any certificate, so that one that has expired or is not trusted can
    be looked at), `expected_tls_version` (`TLS 1.0` to `TLS 1.3`).

    Data: `connected`, `address`, `response_time_ms`, `remote_addr` and `local_addr` if known; with TLS also
    `tls`, `tls_version`, `tls_cipher_suite`, `tls_server_name`, and of the certificate, if known,
    `tls_cert_subject` (it may be empty) and `tls_cert_issuer`, `tls_cert_not_after` (RFC 3339) and
    `tls_cert_days_remaining`
    (whole days, below zero once it has expired). Another TLS version than expected gives status failure,
    with `expected_tls_version` and `actual_tls_version`. Without a connection the status is error: code
    `MISSING_HOST`, `MISSING_PORT`, `INVALID_PORT`, `CONNECTION_FAILED`, or that of the refusal.

    Raises:
        MissingClientError: the context has no `TCPDialer` and none was given.
    """
    try:
        target = read_target(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(TCPDialer, client)
    dialer = ctx.client(TCPDialer)
    timeout = read_timeout(config, 5_000)
    tls = get_bool_default(config, "tls", default=False)
    options = read_tls_options(config)
    watch = Stopwatch()
    try:
        connection = dialer.dial_secure(target.address, timeout, tls, **options)
    except RegletError as error:
        return result_error(failed_call(error, "CONNECTION_FAILED")).with_metadata(watch.stop())
    metadata = watch.stop()
    with connection:
        expected = get_string_default(config, "expected_tls_version", "")
        return _judge(connection, target.address, expected, metadata).with_metadata(metadata)


def _judge(connection: TCPConnection, address: str, expected_tls: str, metadata: RunMetadata) -> Result:
    if not connection.is_connected:
        return result_error(ErrorDetail("network", "TCP connection failed", "CONNECTION_FAILED"))
    measured = connection.response_time if isinstance(connection, ObservedConnection) else None
    facts: dict[str, Any] = {
        "connected": True,
        "address": address,
        "response_time_ms": measured_milliseconds(measured, metadata),
    }
    if connection.remote_addr:
        facts["remote_addr"] = connection.remote_addr
    if connection.local_addr:
        facts["local_addr"] = connection.local_addr
    if connection.is_tls:
        facts |= {
            "tls": True,
            "tls_version": connection.tls_version,
            "tls_cipher_suite": connection.tls_cipher_suite,
            "tls_server_name": connection.tls_server_name,
        }
    if connection.is_tls and (connection.tls_cert_subject or connection.tls_cert_issuer):
        facts["tls_cert_subject"] = connection.tls_cert_subject
        facts["tls_cert_issuer"] = connection.tls_cert_issuer
    if connection.is_tls and (not_after := connection.tls_cert_not_after) is not None:
        facts["tls_cert_not_after"] = format_time(not_after.replace(microsecond=0))
        facts["tls_cert_days_remaining"] = (not_after - metadata.end_time) // timedelta(days=1)
    actual = connection.tls_version if connection.is_tls else ""
    if expected_tls and actual != expected_tls:
        facts |= {"expected_tls_version": expected_tls, "actual_tls_version": actual}
        message = f"TLS version mismatch: expected {expected_tls}, got {actual or 'none'}"
        return result_failure(message, facts)
    return result_success("TCP connection successful", facts)


def run_smtp_check(ctx: Context, config: JSONObject | None, *, client: SMTPClient | None = None) -> Result:
    """Connect to a mail server and return its greeting and the facts of the connection.

    Config: `host`, `port`; optional `use_tls` (false), `use_starttls` (false), `insecure_skip_verify`
    (false), `timeout_ms` (30000; 0 or less leaves it to the host).

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
    options = read_tls_options(config)
    watch = Stopwatch()
    try:
        answer = smtp.connect(target.host, target.port, timeout, use_tls, use_starttls, **options)
    except RegletError as error:
        return result_error(failed_call(error, "CONNECTION_FAILED")).with_metadata(watch.stop())
    metadata = watch.stop()
    if not answer.connected:
        failed = ErrorDetail("network", "SMTP connection failed", "CONNECTION_FAILED")
        return result_error(failed).with_metadata(metadata)
    facts: dict[str, Any] = {
        "connected": True,
        "address": target.address,
        "latency_ms": measured_milliseconds(answer.response_time, metadata),
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
