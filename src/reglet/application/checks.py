"""Ready-made checks, from a config without a model to a Result; and programs run with defaults."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeAlias

from attrs import evolve

from reglet.application.config import (
    get_bool_default,
    get_int,
    get_int_default,
    get_string_default,
    must_get_int,
    must_get_string,
)
from reglet.domain.context import Context
from reglet.domain.entities import JSONObject, go_string
from reglet.domain.entities.records import (
    DEFAULT_TIMEOUT,
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    MXRecord,
    ObservedConnection,
)
from reglet.domain.entities.result import (
    ErrorDetail,
    Result,
    RunMetadata,
    result_error,
    result_failure,
    result_success,
)
from reglet.domain.errors import CausedError, ConfigError, HostError, RegletError
from reglet.domain.ports import (
    AddressResolver,
    CommandRunner,
    DNSResolver,
    HTTPClient,
    MeasuringResolver,
    SMTPClient,
    TCPConnection,
    TCPDialer,
)
from reglet.domain.time import format_time
from reglet.domain.urls import PORTS, join_host_port

_REFUSALS = frozenset({"capability", "config", "validation", "execution"})
_LONGEST_MS = 2**31 - 1
_TIMEOUT_WORDS = ("timeout", "deadline exceeded")
_NOT_FOUND_WORDS = ("no such host", "not found")
_Records: TypeAlias = tuple[list[str], list[MXRecord]]


class RefusedConfigError(RegletError):
    """A check's config lacks something; `code` is the check's own code for it."""

    error_type = "config"

    def __init__(self, message: str, code: str) -> None:
        """Take what is missing, and the code for it."""
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """The check's code, such as `MISSING_URL`."""
        return self._code


def failed_call(error: RegletError, code: str) -> ErrorDetail:
    """Return a failed host call as data.

    A call that was refused (no grant, an option the host cannot honour, a cancelled check) keeps its own
    detail, and so does one of which nothing is known since the host failed; that is no network error. A call
    that was made and failed gets the check's code, and wraps what is known of the cause.
    """
    cause = error.detail()
    if cause.type in _REFUSALS:
        return cause
    if isinstance(error, CausedError | HostError) and not error.concerns_target:
        return evolve(cause, type="execution") if cause.type == "network" else cause
    return ErrorDetail(
        type="timeout" if cause.is_timeout else "network",
        message=cause.message,
        code=code,
        is_timeout=cause.is_timeout,
        is_not_found=cause.is_not_found,
        wrapped=cause if cause.code else None,
    )


def read_target(config: JSONObject | None) -> tuple[str, int]:
    """Return the `host` and `port` of a config.

    Raises:
        RefusedConfigError: one is missing, of another type, or no port (`MISSING_HOST`, `MISSING_PORT`,
            `INVALID_PORT`).
    """
    try:
        host = must_get_string(config, "host")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_HOST") from error
    try:
        port = must_get_int(config, "port")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_PORT") from error
    if port not in PORTS:
        raise RefusedConfigError(f"invalid port: {port} (must be 1-65535)", "INVALID_PORT")
    return host, port


def run_since(start: datetime) -> RunMetadata:
    """Return when a call began and that it ended now."""
    return RunMetadata.between(start, datetime.now(UTC))


def whole_milliseconds(duration_ns: int) -> int:
    """Return nanoseconds as whole milliseconds; what took any time at all took at least 1."""
    return max(duration_ns // 1_000_000, 1)


def measured_milliseconds(measured: timedelta | None, around: RunMetadata) -> int:
    """Return what the host measured in whole milliseconds; if nothing, what was measured around the call."""
    if measured is None or measured <= timedelta():
        return whole_milliseconds(around.duration_ns)
    return max(measured // timedelta(milliseconds=1), 1)


def read_tls_options(config: JSONObject | None) -> dict[str, bool]:
    """Return `insecure_skip_verify` where a config sets it: clients may not know it."""
    name = "insecure_skip_verify"
    return {name: True} if get_bool_default(config, name, default=False) else {}


def read_timeout(config: JSONObject | None, default_ms: int) -> timedelta:
    """Return the `timeout_ms` of a config; zero, which leaves the limit to the host, for 0 or less."""
    timeout_ms = get_int_default(config, "timeout_ms", default_ms)
    return timedelta(milliseconds=min(max(timeout_ms, 0), _LONGEST_MS))


def run_tcp_check(ctx: Context, config: JSONObject | None, *, client: TCPDialer | None = None) -> Result:
    """Connect to a port and return the facts of the connection.

    Config: `host`, `port`; optional `timeout_ms` (5000; 0 or less leaves it to the host), `tls` (false),
    `insecure_skip_verify` (false; takes any certificate, so that one that has expired or is not trusted can
    be looked at), `expected_tls_version` (`TLS 1.0` to `TLS 1.3`).

    Data: `connected`, `address`, `response_time_ms`, `remote_addr` and `local_addr` if known; with TLS also
    `tls`, `tls_version`, `tls_cipher_suite`, `tls_server_name`, and of the certificate, if known,
    `tls_cert_subject` (it may be empty) and `tls_cert_issuer`, `tls_cert_not_after` (RFC 3339) and
    `tls_cert_days_remaining` (whole days, below zero once it has expired). Another TLS version than expected
    gives status failure, with `expected_tls_version` and `actual_tls_version`. Without a connection the
    status is error: code `MISSING_HOST`, `MISSING_PORT`, `INVALID_PORT`, `CONNECTION_FAILED`, or that of the
    refusal.

    Raises:
        MissingClientError: the context has no `TCPDialer` and none was given.
    """
    try:
        host, port = read_target(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(TCPDialer, client)
    dialer = ctx.client(TCPDialer)
    address = join_host_port(host, port)
    timeout = read_timeout(config, 5_000)
    tls = get_bool_default(config, "tls", default=False)
    options = read_tls_options(config)
    start = datetime.now(UTC)
    try:
        connection = dialer.dial_secure(address, timeout, tls, **options)
    except RegletError as error:
        return result_error(failed_call(error, "CONNECTION_FAILED")).with_metadata(run_since(start))
    metadata = run_since(start)
    with connection:
        expected = get_string_default(config, "expected_tls_version", "")
        return _judge_connection(connection, address, expected, metadata).with_metadata(metadata)


def _judge_connection(
    connection: TCPConnection, address: str, expected_tls: str, metadata: RunMetadata
) -> Result:
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
        if connection.tls_cert_subject or connection.tls_cert_issuer:
            facts["tls_cert_subject"] = connection.tls_cert_subject
            facts["tls_cert_issuer"] = connection.tls_cert_issuer
        if (not_after := connection.tls_cert_not_after) is not None:
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
        host, port = read_target(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(SMTPClient, client)
    smtp = ctx.client(SMTPClient)
    timeout = read_timeout(config, 30_000)
    use_tls = get_bool_default(config, "use_tls", default=False)
    use_starttls = get_bool_default(config, "use_starttls", default=False)
    options = read_tls_options(config)
    start = datetime.now(UTC)
    try:
        answer = smtp.connect(host, port, timeout, use_tls, use_starttls, **options)
    except RegletError as error:
        return result_error(failed_call(error, "CONNECTION_FAILED")).with_metadata(run_since(start))
    metadata = run_since(start)
    if not answer.connected:
        failed = ErrorDetail("network", "SMTP connection failed", "CONNECTION_FAILED")
        return result_error(failed).with_metadata(metadata)
    address = join_host_port(host, port)
    facts: dict[str, Any] = {
        "connected": True,
        "address": address,
        "latency_ms": measured_milliseconds(answer.response_time, metadata),
    }
    known = {
        "banner": answer.banner,
        "tls_version": answer.tls_version,
        "tls_cipher_suite": answer.tls_cipher_suite,
        "tls_server_name": answer.tls_server_name,
    }
    facts |= {name: value for name, value in known.items() if value}
    message = f"SMTP connection successful to {address}"
    return result_success(message, facts).with_metadata(metadata)


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
    start = datetime.now(UTC)
    try:
        response = http.do(request)
    except RegletError as error:
        return result_error(failed_call(error, "REQUEST_FAILED")).with_metadata(run_since(start))
    metadata = run_since(start)
    return _judge_response(request.method, response, config, metadata).with_metadata(metadata)


def _judge_response(
    method: str, response: HTTPResponse, config: JSONObject | None, metadata: RunMetadata
) -> Result:
    status, body = response.status_code, response.body
    facts: dict[str, Any] = {
        "status_code": status,
        "protocol": response.proto,
        "response_time_ms": measured_milliseconds(response.latency, metadata),
    }
    if response.headers:
        facts["headers"] = {name: list(values) for name, values in response.headers.items()}
    if body:
        import hashlib  # here, since it loads OpenSSL, which `import reglet` need not wait for

        length = get_int_default(config, "body_preview_length", 200)
        shown = body if length < 0 else body[:length]
        facts["body_sha256"] = hashlib.sha256(body).hexdigest()
        facts["body_size"] = facts["body_length"] = len(body)
        facts["body"] = go_string(shown)
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


def run_dns_check(
    ctx: Context,
    config: JSONObject | None,
    *,
    client: DNSResolver | None = None,
    retries: int = 0,
    backoff: timedelta = timedelta(milliseconds=100),
) -> Result:
    """Look a name up and return its records.

    Config: `hostname`; optional `record_type` (A, AAAA, CNAME, MX, TXT or NS; A), `nameserver`, `timeout_ms`
    (5000; 0 or less leaves it to the host).
    One that timed out is tried `retries` times more, after `backoff`, twice that, and so on by the deadline.

    Data: `hostname`, `record_type`, `record_count`, `query_time_ms`, and `records` or `mx_records` (each with
    `host` and `pref`) if there are any. A failed look-up gives status error, code `MISSING_HOSTNAME`,
    `LOOKUP_FAILED` or that of the refusal, and `is_timeout` and `is_not_found` in the data.

    Raises:
        MissingClientError: the context has no `DNSResolver` and none was given.
    """
    try:
        hostname = must_get_string(config, "hostname")
    except ConfigError as error:
        return result_error(RefusedConfigError(str(error), "MISSING_HOSTNAME").detail())
    record_type = get_string_default(config, "record_type", "A")
    nameserver = get_string_default(config, "nameserver", "") or None
    timeout = read_timeout(config, 5_000)
    if client is not None:
        ctx = ctx.with_client(DNSResolver, client)
    resolver = ctx.client(DNSResolver)  # a missing one is the author's mistake, not a failed look-up
    facts: dict[str, Any] = {"hostname": hostname, "record_type": record_type, "record_count": 0}
    start = datetime.now(UTC)
    while True:
        try:
            if timeout:  # each attempt has the whole time limit
                resolver = ctx.with_timeout(timeout).client(DNSResolver)
            records, mx_records = _look_up(resolver, hostname, record_type, nameserver)
            break
        except RegletError as error:
            detail, message = error.detail(), str(error)  # some hosts give the reason in the message alone
            left = ctx.remaining()
            if detail.is_timeout and retries > 0 and (left is None or left > backoff):
                time.sleep(backoff.total_seconds())
                retries, backoff = retries - 1, backoff * 2
                continue
            metadata = run_since(start)
            facts["query_time_ms"] = whole_milliseconds(metadata.duration_ns)
            facts["is_timeout"] = detail.is_timeout or any(word in message for word in _TIMEOUT_WORDS)
            facts["is_not_found"] = detail.is_not_found or any(word in message for word in _NOT_FOUND_WORDS)
            return result_error(failed_call(error, "LOOKUP_FAILED")).with_data(facts).with_metadata(metadata)
    metadata = run_since(start)
    facts["record_count"] = len(records) + len(mx_records)
    facts["query_time_ms"] = measured_milliseconds(_measured(resolver), metadata)
    if records:
        facts["records"] = list(records)
    if mx_records:
        facts["mx_records"] = [{"host": record.host, "pref": record.pref} for record in mx_records]
    found = result_success(f"DNS lookup successful for {hostname} ({record_type})", facts)
    return found.with_metadata(metadata)


def _measured(resolver: DNSResolver) -> timedelta | None:
    """Return how long the look-ups took by the host, if it is one that says so."""
    return resolver.measured if isinstance(resolver, MeasuringResolver) else None


class _UnsupportedTypeError(RegletError):
    """A record type that no look-up answers."""

    error_type = "network"


def _look_up(resolver: DNSResolver, name: str, record_type: str, nameserver: str | None) -> _Records:
    if record_type in ("A", "AAAA"):
        of_family = []
        if isinstance(resolver, AddressResolver):
            found = resolver.lookup_addresses(name, record_type, nameserver=nameserver)
        else:
            found = resolver.lookup_host(name, nameserver=nameserver)
        for address in found:
            try:
                parsed = ip_address(address)
            except ValueError:
                continue
            # ::ffff:192.0.2.1 is of version 4; what has a zone is an address of neither
            is_ipv4 = isinstance(parsed, IPv4Address) or parsed.ipv4_mapped is not None
            has_zone = isinstance(parsed, IPv6Address) and parsed.scope_id is not None
            if is_ipv4 is (record_type == "A") and not has_zone:
                of_family.append(address)
        return of_family, []
    match record_type:
        case "CNAME":
            return [resolver.lookup_cname(name, nameserver=nameserver)], []
        case "MX":
            return [], resolver.lookup_mx(name, nameserver=nameserver)
        case "TXT":
            return resolver.lookup_txt(name, nameserver=nameserver), []
        case "NS":
            return resolver.lookup_ns(name, nameserver=nameserver), []
        case unsupported:
            raise _UnsupportedTypeError(f"unsupported record type: {unsupported}")


def run(
    ctx: Context,
    request: CommandRequest,
    *,
    runner: CommandRunner | None = None,
    workdir: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: timedelta | None = None,
) -> CommandResult:
    """Run a program to its end and return what it wrote and how it ended; a non-zero exit code is a result.

    What the request leaves open is filled from `workdir`, `env` and `timeout` (30 seconds; a timeout that
    is not positive counts as none given). An environment that the request gives stays, an empty one too.
    `runner` is used instead of the context's.

    Raises:
        ExecError: the program could not be started.
        CapabilityError: no grant covers the program.
        MissingClientError: the context has no `CommandRunner` and none was given.
    """
    if runner is not None:
        ctx = ctx.with_client(CommandRunner, runner)
    if timeout is None or timeout <= timedelta():
        timeout = DEFAULT_TIMEOUT
    return ctx.client(CommandRunner).run(
        evolve(
            request,
            dir=request.dir or workdir or None,
            env=env if request.env is None else request.env,
            timeout=request.timeout or timeout,
        )
    )
