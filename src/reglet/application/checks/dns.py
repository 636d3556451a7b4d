"""Checks a name: looks it up and returns its records."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from attrs import frozen

from reglet.application.checks.outcome import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    read_timeout,
    whole_milliseconds,
)
from reglet.application.config import get_string_default, must_get_string
from reglet.domain.context import Context
from reglet.domain.entities.json_value import JSONObject
from reglet.domain.entities.records import MXRecord
from reglet.domain.entities.result import Result, result_error, result_success
from reglet.domain.errors import ConfigError, RegletError
from reglet.domain.ports import DNSResolver

_TIMEOUT_WORDS = ("timeout", "deadline exceeded")
_NOT_FOUND_WORDS = ("no such host", "not found")


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
    A look-up that timed out is tried up to `retries` times more, after `backoff`, then twice that, and so on.

    Data: `hostname`, `record_type`, `record_count`, `query_time_ms`, and `records` or `mx_records` (each with
    `host` and `pref`) if there are any. A failed look-up gives status error, code `MISSING_HOSTNAME`,
    `LOOKUP_FAILED` or that of the refusal, and `is_timeout` and `is_not_found` in the data.

    Raises:
        MissingClientError: the context has no `DNSResolver` and none was given.
    """
    try:
        query = _read(config)
    except RefusedConfigError as error:
        return result_error(error.detail())
    if client is not None:
        ctx = ctx.with_client(DNSResolver, client)
    ctx.client(DNSResolver)  # a missing one is the author's mistake, not a failed look-up
    watch = Stopwatch()
    try:
        answer = _retried(lambda: _look_up(_resolver(ctx, query), query), retries, backoff)
    except RegletError as error:
        metadata = watch.stop()
        facts = _facts(query, _Answer(), metadata.duration_ns) | _reasons(error)
        return result_error(failed_call(error, "LOOKUP_FAILED")).with_data(facts).with_metadata(metadata)
    metadata = watch.stop()
    message = f"DNS lookup successful for {query.hostname} ({query.record_type})"
    return result_success(message, _facts(query, answer, metadata.duration_ns)).with_metadata(metadata)


@frozen
class _Query:
    hostname: str
    record_type: str
    nameserver: str | None
    timeout: timedelta


@frozen
class _Answer:
    records: tuple[str, ...] = ()
    mx_records: tuple[MXRecord, ...] = ()


class _UnsupportedTypeError(RegletError):
    """A record type that no look-up answers."""

    error_type = "network"


def _read(config: JSONObject | None) -> _Query:
    try:
        hostname = must_get_string(config, "hostname")
    except ConfigError as error:
        raise RefusedConfigError(str(error), "MISSING_HOSTNAME") from error
    return _Query(
        hostname,
        get_string_default(config, "record_type", "A"),
        get_string_default(config, "nameserver", "") or None,
        read_timeout(config, 5_000),
    )


def _resolver(ctx: Context, query: _Query) -> DNSResolver:
    """Return the context's resolver for one look-up, whose time limit is the context's."""
    return (ctx.with_timeout(query.timeout) if query.timeout else ctx).client(DNSResolver)


def _look_up(resolver: DNSResolver, query: _Query) -> _Answer:
    name, nameserver = query.hostname, query.nameserver
    match query.record_type:
        case "A":
            return _Answer(tuple(filter(_is_ipv4, resolver.lookup_host(name, nameserver=nameserver))))
        case "AAAA":
            return _Answer(tuple(filter(_is_ipv6, resolver.lookup_host(name, nameserver=nameserver))))
        case "CNAME":
            return _Answer((resolver.lookup_cname(name, nameserver=nameserver),))
        case "MX":
            return _Answer(mx_records=tuple(resolver.lookup_mx(name, nameserver=nameserver)))
        case "TXT":
            return _Answer(tuple(resolver.lookup_txt(name, nameserver=nameserver)))
        case "NS":
            return _Answer(tuple(resolver.lookup_ns(name, nameserver=nameserver)))
        case unsupported:
            raise _UnsupportedTypeError(f"unsupported record type: {unsupported}")


def _retried(look_up: Callable[[], _Answer], retries: int, backoff: timedelta) -> _Answer:
    for attempt in range(retries):
        try:
            return look_up()
        except RegletError as error:
            if not error.detail().is_timeout:
                raise
        time.sleep((backoff * 2**attempt).total_seconds())
    return look_up()


def _is_ipv4(text: str) -> bool:
    """Whether a text is an IPv4 address, or one written as IPv6 (`::ffff:1.2.3.4`)."""
    try:
        IPv4Address(text)
    except AddressValueError:
        address = _ipv6(text)
        return address is not None and address.ipv4_mapped is not None
    return True


def _is_ipv6(text: str) -> bool:
    address = _ipv6(text)
    return address is not None and address.ipv4_mapped is None and address.scope_id is None


def _ipv6(text: str) -> IPv6Address | None:
    try:
        return IPv6Address(text)
    except AddressValueError:
        return None


def _facts(query: _Query, answer: _Answer, duration_ns: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "hostname": query.hostname,
        "record_type": query.record_type,
        "record_count": len(answer.records) + len(answer.mx_records),
        "query_time_ms": whole_milliseconds(duration_ns),
    }
    if answer.records:
        facts["records"] = list(answer.records)
    if answer.mx_records:
        facts["mx_records"] = [{"host": record.host, "pref": record.pref} for record in answer.mx_records]
    return facts


def _reasons(error: RegletError) -> dict[str, bool]:
    """Return why a look-up failed: from the error's flags, or from its text where a host gives only that."""
    detail, text = error.detail(), str(error)
    return {
        "is_timeout": detail.is_timeout or any(word in text for word in _TIMEOUT_WORDS),
        "is_not_found": detail.is_not_found or any(word in text for word in _NOT_FOUND_WORDS),
    }
