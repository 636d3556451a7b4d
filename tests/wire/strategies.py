"""Records of every kind, for property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest
from reglet.domain.entities.records import (
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    LogAttribute,
    LogMessage,
    MXRecord,
    SMTPConnectResult,
)
from reglet.domain.entities.result import ErrorDetail, Result, ResultStatus, RunMetadata
from reglet.domain.time import Timestamp
from reglet.infrastructure.wire.host_functions import (
    DNSRequest,
    DNSResponse,
    SMTPRequest,
    TCPRequest,
    TCPResponse,
)
from reglet.infrastructure.wire.messages import CallContext

_floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not 1e16 <= abs(value) < 1e21)
"""Without those that Go writes as integers of more digits than a float has: they come back as integers."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcxyz", min_size=1, max_size=6)
lists = st.lists(texts, max_size=3).map(tuple)
int64 = st.integers(-(2**63), 2**63 - 1)
ports = st.integers(0, 65535)
spans = st.none() | st.integers(1, 10**9).map(lambda value: timedelta(milliseconds=value))
elapsed = st.integers(0, 10**9).map(lambda value: timedelta(milliseconds=value))
zones = st.just(UTC) | st.integers(1, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.builds(
    Timestamp.of,
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=zones, allow_imaginary=False),  # noqa: DTZ001
    st.integers(0, 999),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | int64 | _floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=3)
headers = st.dictionaries(texts, lists, max_size=3)
details = st.builds(
    ErrorDetail,
    texts,
    texts,
    texts,
    st.booleans(),
    st.booleans(),
    st.none() | st.builds(ErrorDetail, texts, texts),
    objects,
    st.binary(max_size=9),
)
calls = st.builds(CallContext, st.none() | moments, texts, int64, st.booleans())
http_requests = st.builds(
    HTTPRequest,
    texts,
    texts,
    headers,
    st.binary(max_size=9),
    spans,
    st.booleans(),
    st.integers(0, 99),
    st.booleans(),
)
http_responses = st.builds(
    HTTPResponse, st.integers(1, 999), headers, st.binary(max_size=9), texts, st.booleans()
)
dns_requests = st.builds(DNSRequest, texts, texts, texts, spans)
mx_records = st.builds(MXRecord, texts, ports)
dns_responses = st.builds(DNSResponse, lists, st.lists(mx_records, max_size=3).map(tuple))
tcp_requests = st.builds(TCPRequest, texts, ports, spans, st.booleans())
tcp_responses = st.builds(
    TCPResponse,
    st.booleans(),
    *(texts, texts, texts),
    st.just(value=True),
    *(names, texts, texts, texts, texts),
    st.none() | moments,
    elapsed,
) | st.builds(TCPResponse, st.booleans(), texts, texts, texts, response_time=elapsed)
smtp_requests = st.builds(SMTPRequest, texts, ports, spans, st.booleans(), st.booleans())
smtp_results = st.builds(
    SMTPConnectResult,
    connected=st.booleans(),
    banner=texts,
    tls_enabled=st.just(value=True),
    tls_version=texts,
    tls_cipher_suite=texts,
    tls_server_name=texts,
    response_time=elapsed,
    address=texts,
)
environments = st.none() | st.dictionaries(names, texts, min_size=1, max_size=3)
command_requests = st.builds(CommandRequest, texts, lists, st.none() | names, environments, spans)
command_results = st.builds(
    CommandResult, texts, texts, st.integers(-1, 255), elapsed, st.booleans(), st.booleans()
)
attributes = st.builds(LogAttribute, texts, st.sampled_from(["string", "int64", "any", "group"]), texts)
log_messages = st.builds(
    LogMessage, texts, texts, st.lists(attributes, max_size=3), moments, st.none() | names
)
grants = st.builds(
    GrantSet,
    st.none() | st.lists(st.builds(NetworkRule, lists, lists), max_size=2).map(NetworkCapability),
    st.none() | st.lists(st.builds(FileSystemRule, lists, lists), max_size=2).map(FileSystemCapability),
    st.none() | lists.map(EnvironmentCapability),
    st.none() | lists.map(ExecCapability),
    st.none()
    | st.lists(
        st.builds(KeyValueRule, lists, st.sampled_from(["read", "write", "read-write"])), max_size=2
    ).map(KeyValueCapability),
)
filled = json_values.filter(lambda value: value is not None)
examples = st.builds(ExampleManifest, texts, json_values, texts, st.none() | filled, texts)
operations = st.builds(
    OperationManifest, texts, texts, lists, st.none() | objects, st.lists(examples, max_size=2).map(tuple)
)
services = st.builds(ServiceManifest, texts, texts, st.lists(operations, max_size=2).map(tuple))
manifests = st.builds(
    Manifest,
    texts,
    texts,
    texts,
    texts,
    texts,
    st.none() | objects,
    grants,
    st.dictionaries(texts, services, max_size=2),
)
metadata = st.builds(RunMetadata, moments, moments, texts, texts, int64)
results = st.builds(
    Result,
    st.sampled_from(ResultStatus),
    texts,
    st.none() | objects.filter(bool),
    st.none() | details,
    st.none() | metadata,
    moments,
)
