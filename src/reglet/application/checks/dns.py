"""Checks a name: looks it up and returns its records."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, ip_address
from typing import Any, TypeAlias

from reglet.application.checks import (
    RefusedConfigError,
    Stopwatch,
    failed_call,
    read_timeout,
    whole_milliseconds,
)
from reglet.application.config import get_string_default, must_get_string
from reglet.domain.context import Context
from reglet.domain.entities import JSONObject
from reglet.domain.entities.records import MXRecord
from reglet.domain.entities.result import Result, result_error, result_success
from reglet.domain.errors import ConfigError, RegletError
from reglet.domain.ports import DNSResolver

_Records: TypeAlias = tuple[list[str], list[MXRecord]]
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
        hostname = must_get_string(config, "hostname")
    except ConfigError as error:
        return result_error(RefusedConfigError(str(error), "MISSING_HOSTNAME").detail())
    record_type = get_string_default(config, "record_type", "A")
    nameserver = get_string_default(config, "nameserver", "") or None
    timeout = read_timeout(config, 5_000)
    if client is not None:
        ctx = ctx.with_client(DNSResolver, client)
    ctx.client(DNSResolver)  # a missing one is the author's mistake, not a failed look-up

    def look_up() -> _Records:
        within = ctx.with_timeout(timeout) if timeout else ctx  # each attempt has the whole time limit
        return _look_up(within.client(DNSResolver), hostname, record_type, nameserver)

    facts: dict[str, Any] = {"hostname": hostname, "record_type": record_type, "record_count": 0}
    watch = Stopwatch()
    try:
        records, mx_records = _retried(look_up, retries, backoff)
    except RegletError as error:
        metadata = watch.stop()
        detail, message = error.detail(), str(error)  # some hosts give the reason in the message alone
        facts["query_time_ms"] = whole_milliseconds(metadata.duration_ns)
        facts["is_timeout"] = detail.is_timeout or any(word in message for word in _TIMEOUT_WORDS)
        facts["is_not_found"] = detail.is_not_found or any(word in message for word in _NOT_FOUND_WORDS)
        return result_error(failed_call(error, "LOOKUP_FAILED")).with_data(facts).with_metadata(metadata)
    metadata = watch.stop()
    facts["record_count"] = len(records) + len(mx_records)
    facts["query_time_ms"] = whole_milliseconds(metadata.duration_ns)
    if records:
        facts["records"] = list(records)
    if mx_records:
        facts["mx_records"] = [{"host": record.host, "pref": record.pref} for record in mx_records]
    message = f"DNS lookup successful for {hostname} ({record_type})"
    return result_success(message, facts).with_metadata(metadata)


class _UnsupportedTypeError(RegletError):
    """A record type that no look-up answers."""

    error_type = "network"


def _look_up(resolver: DNSResolver, name: str, record_type: str, nameserver: str | None) -> _Records:
    match record_type:
        case "A" | "AAAA":
            family = 4 if record_type == "A" else 6
            addresses = resolver.lookup_host(name, nameserver=nameserver)
            return [address for address in addresses if _family(address) == family], []
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


def _family(address: str) -> int:
    """Return 4 or 6, 4 also for `::ffff:192.0.2.1`; 0 for what is no address, or has a zone."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return 0
    if isinstance(parsed, IPv4Address):
        return 4
    if parsed.scope_id is not None:
        return 0
    return 6 if parsed.ipv4_mapped is None else 4


def _retried(look_up: Callable[[], _Records], retries: int, backoff: timedelta) -> _Records:
    """Return what a look-up finds, tried again where time ran out; each wait is twice the one before."""
    for attempt in range(retries):
        try:
            return look_up()
        except RegletError as error:
            if not error.detail().is_timeout:
                raise
        time.sleep((backoff * 2**attempt).total_seconds())
    return look_up()
