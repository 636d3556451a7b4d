"""The host functions of ABI section 1: the port that each serves, the capability it needs, and its records.

This is their one list. The guest's clients, the host's handlers and the builder look names up in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from attrs import evolve, frozen

from reglet.domain.entities.records import (
    DEFAULT_MAX_REDIRECTS,
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    LogAttribute,
    LogAttributeType,
    LogMessage,
    MXRecord,
    SMTPConnectResult,
)
from reglet.domain.ports import LOG_FUNCTION, CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.wire.go_json import decode_json, list_text, sorted_text, string_text
from reglet.infrastructure.wire.messages import (
    CONTEXT_FIELD,
    ERROR_FIELD,
    NO_CONTEXT,
    CallContext,
    Request,
    Response,
)
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    BYTES,
    ELAPSED,
    INTEGER,
    STRING,
    STRINGS,
    TIME,
    TIMEOUT,
    UINT16,
    UNSET,
    Dialect,
    Field,
    InvalidFieldError,
    Kind,
    Record,
    integer_in,
    read_strings,
)

ABI, HOSTLIB = Dialect.ABI, Dialect.HOSTLIB

FOLLOW_REDIRECTS, MAX_REDIRECTS = "follow_redirects", "max_redirects"
INSECURE_SKIP_VERIFY = "insecure_skip_verify"


def _headers_of(
    kind: type[str | list[Any]] | None, expected: str
) -> Callable[[Any], dict[str, tuple[str, ...]]]:
    """Return what reads headers whose values are of one kind, or of either."""

    def read_headers(headers: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(headers, dict):
            raise InvalidFieldError("an object", headers)
        read: dict[str, tuple[str, ...]] = {}
        for name, value in headers.items():
            if type(value) is list and kind is not str:
                try:
                    read[name] = read_strings(value)
                except InvalidFieldError as error:
                    raise InvalidFieldError(expected, value) from error
            elif type(value) is str and kind is not list:
                read[name] = (value,)
            elif value is None:
                read[name] = ()
            else:
                raise InvalidFieldError(expected, value)
        return read

    return read_headers


_LISTS = "lists of strings by name"
_HEADERS = Kind(_headers_of(None, _LISTS), sorted_text)
_SENT_HEADERS = evolve(
    _HEADERS,
    write_hostlib=lambda headers: sorted_text({name: ", ".join(values) for name, values in headers.items()}),
    read_strictly={ABI: _headers_of(list, _LISTS), HOSTLIB: _headers_of(str, "strings by name")},
)
"""Lists of values by name; in a request in hostlib, one string each."""

HTTP_REQUEST = Request(
    "HTTPRequest",
    HTTPRequest,
    Field("headers", _SENT_HEADERS),
    Field("method", STRING, always=True),
    Field("url", STRING, always=True),
    Field("body", BYTES),
    CONTEXT_FIELD,
    Field("timeout_ms", TIMEOUT, "timeout", foreign=True),
    Field(FOLLOW_REDIRECTS, BOOLEAN, default=True, foreign=True),
    Field(MAX_REDIRECTS, INTEGER, default=DEFAULT_MAX_REDIRECTS, foreign=True),
    Field(INSECURE_SKIP_VERIFY, BOOLEAN, foreign=True),
)


_ON_REDIRECTS = frozenset((FOLLOW_REDIRECTS, MAX_REDIRECTS))


def _http_response(*, applied: tuple[str, ...], **attributes: Any) -> tuple[HTTPResponse, frozenset[str]]:
    """Return the response, and the options that the host honoured.

    A host that reports the latency is ours, which says what it honoured, or speaks hostlib, which honours
    both options on redirects without saying so.
    """
    attributes.setdefault("headers", {})
    response = HTTPResponse.__new__(HTTPResponse)  # its own way would check again what the table has read
    response.__dict__.update(attributes)
    return response, frozenset(applied) if response.latency is None else _ON_REDIRECTS.union(applied)


_STATUS_CODE = Kind(integer_in(range(1, 1000)), str)
"""No answer is one without: 0 is what Go reads where a host says none."""

HTTP_RESPONSE = Response(
    "HTTPResponse",
    _http_response,
    HTTPResponse(0),
    Field("headers", _HEADERS),
    ERROR_FIELD,
    Field("body", BYTES),
    Field("proto", STRING),
    Field("status_code", _STATUS_CODE, always=True, required=True),
    Field("latency_ms", ELAPSED, "latency", default=None, foreign=True),
    Field("body_truncated", BOOLEAN, "truncated"),
    Field("applied", STRINGS, extra=True, foreign=True),
)


@frozen
class DNSRequest:
    """A look-up: `type` is A, AAAA, CNAME, MX, TXT or NS; `nameserver` empty means the host's own."""

    hostname: str
    type: str = "A"
    nameserver: str = ""
    timeout: timedelta | None = None


@frozen
class DNSResponse:
    """What a look-up found: strings, or mail exchangers; and how long it took, None where no host says."""

    records: tuple[str, ...] = ()
    mx_records: tuple[MXRecord, ...] = ()
    latency: timedelta | None = None


DNS_REQUEST = Request(
    "DNSRequest",
    DNSRequest,
    Field("hostname", STRING, always=True),
    Field("type", STRING, always=True),
    Field("nameserver", STRING),
    CONTEXT_FIELD,
    Field("timeout_ms", TIMEOUT, "timeout", foreign=True),
)
"""A type that is left out is empty, and means A and AAAA."""

MX_RECORD = Record(
    "MXRecord", MXRecord, Field("host", STRING, always=True), Field("pref", UINT16, always=True)
)
DNS_RESPONSE = Response(
    "DNSResponse",
    DNSResponse,
    DNSResponse(),
    ERROR_FIELD,
    Field("records", STRINGS),
    Field("mx_records", MX_RECORD.listed),
    Field("latency_ms", ELAPSED, "latency", default=None, foreign=True),
)


_MOST_DIGITS = len("65535")
_read_port_number = integer_in(range(2**16))


def _read_port_text(value: Any) -> int:
    if not isinstance(value, str):
        raise InvalidFieldError("a string of digits", value)
    if not value:
        return 0
    digits = value.lstrip("0") or "0"
    if value.isascii() and value.isdecimal() and len(digits) <= _MOST_DIGITS and int(digits) < 2**16:
        return int(digits)
    raise InvalidFieldError("a string of digits, at most 65535", value)


_PORT = Kind(
    lambda value: _read_port_text(value) if isinstance(value, str) else _read_port_number(value),
    lambda port: f'"{port}"' if port else '""',
    0,
    write_hostlib=str,
    read_strictly={ABI: _read_port_text, HOSTLIB: _read_port_number},
)
"""A string of digits, empty for 0 (none); a number in hostlib."""


@frozen
class TCPRequest:
    """A connection to make, with TLS or without; the host closes it at once."""

    host: str
    port: int
    timeout: timedelta | None = None
    tls: bool = False
    insecure_skip_verify: bool = False


@frozen
class TCPResponse:
    """What is known of a connection that was made, and of its TLS handshake.

    Strings are empty, and the timestamp None, where the host does not say.
    """

    connected: bool = False
    address: str = ""
    remote_addr: str = ""
    local_addr: str = ""
    tls: bool = False
    tls_version: str = ""
    tls_cipher_suite: str = ""
    tls_server_name: str = ""
    tls_cert_subject: str = ""
    tls_cert_issuer: str = ""
    tls_cert_not_after: datetime | None = None
    response_time: timedelta = timedelta()
    applied: tuple[str, ...] = ()


def _tcp_response(*, tls: bool, tls_version: str, **attributes: Any) -> TCPResponse:
    """Return the response; where the host does not say whether TLS was made, its version does."""
    return TCPResponse(tls=tls or bool(tls_version), tls_version=tls_version, **attributes)


def _read_expiry(value: Any) -> datetime | None:
    """Return hostlib's expiry; there is none in a string that is no timestamp, such as an empty one."""
    try:
        return TIME.read(value)
    except InvalidFieldError:
        STRING.read(value)
        return None


_EXPIRY = Kind(_read_expiry, TIME.write)


TCP_REQUEST = Request(
    "TCPRequest",
    TCPRequest,
    Field("host", STRING, always=True),
    Field("port", _PORT, always=True),
    CONTEXT_FIELD,
    Field("timeout_ms", TIMEOUT, "timeout"),
    Field("tls", BOOLEAN, always=True, only=ABI),
    Field("use_tls", BOOLEAN, "tls", always=True, only=HOSTLIB),
    Field(INSECURE_SKIP_VERIFY, BOOLEAN, foreign=True),
)
TCP_RESPONSE = Response(
    "TCPResponse",
    _tcp_response,
    TCPResponse(),
    Field("tls_cert_not_after", TIME, default=None, only=ABI),
    Field("tls_cert_expiry", _EXPIRY, "tls_cert_not_after", default=None, only=HOSTLIB),
    ERROR_FIELD,
    Field("tls_version", STRING),
    Field("local_addr", STRING),
    Field("tls_cipher_suite", STRING),
    Field("tls_server_name", STRING),
    Field("tls_cert_subject", STRING),
    Field("tls_cert_issuer", STRING),
    Field("remote_addr", STRING),
    Field("address", STRING),
    Field("response_time_ms", ELAPSED, "response_time", only=ABI),
    Field("latency_ms", ELAPSED, "response_time", only=HOSTLIB),
    Field("tls", BOOLEAN, only=ABI),
    Field("connected", evolve(BOOLEAN, empty=UNSET), always=True, required=True),
    Field("applied", STRINGS, foreign=True),
)


@frozen
class SMTPRequest:
    """A mail server to greet, with TLS from the start, with STARTTLS, or with neither."""

    host: str
    port: int
    timeout: timedelta | None = None
    tls: bool = False
    starttls: bool = False
    insecure_skip_verify: bool = False


def _smtp_result(
    *, tls_enabled: bool, tls_version: str, extensions: tuple[str, ...] | None, **attributes: Any
) -> SMTPConnectResult:
    """Return the result; where the host does not say whether TLS was made, its version does."""
    names = [re.split("[ =]", extension, maxsplit=1)[0].upper() for extension in extensions or ()]
    return SMTPConnectResult(
        extensions=extensions or (),
        supports_auth=None if extensions is None else "AUTH" in names,
        tls_enabled=tls_enabled or bool(tls_version),
        tls_version=tls_version,
        **attributes,
    )


SMTP_REQUEST = Request(
    "SMTPRequest",
    SMTPRequest,
    Field("host", STRING, always=True),
    Field("port", _PORT, always=True),
    CONTEXT_FIELD,
    Field("timeout_ms", TIMEOUT, "timeout"),
    Field("tls", BOOLEAN, always=True, only=ABI),
    Field("starttls", BOOLEAN, always=True, only=ABI),
    Field("use_tls", BOOLEAN, "tls", always=True, only=HOSTLIB),
    Field("use_starttls", BOOLEAN, "starttls", always=True, only=HOSTLIB),
    Field(INSECURE_SKIP_VERIFY, BOOLEAN, foreign=True),
)
SMTP_RESPONSE = Response(
    "SMTPResponse",
    _smtp_result,
    SMTPConnectResult(connected=False),
    ERROR_FIELD,
    Field("address", STRING),
    Field("banner", STRING),
    Field("tls_version", STRING),
    Field("tls_cipher_suite", STRING),
    Field("tls_server_name", STRING),
    Field("response_time_ms", ELAPSED, "response_time", only=ABI),
    Field("latency_ms", ELAPSED, "response_time", only=HOSTLIB),
    Field("connected", evolve(BOOLEAN, empty=UNSET), always=True, required=True),
    Field("tls", BOOLEAN, "tls_enabled", only=ABI),
    Field(
        "extensions",
        STRINGS,
        default=None,
        derive=lambda result: (
            result.extensions if result.extensions or result.supports_auth is not None else None
        ),
        foreign=True,
    ),
    Field("applied", STRINGS, foreign=True),
)


def _read_environment(value: Any) -> dict[str, str] | None:
    """Return variables by name, None without any; one without `=` is empty."""
    pairs = (variable.partition("=") for variable in read_strings(value))
    return {name: value for name, _, value in pairs} or None


_ENVIRONMENT = Kind(
    _read_environment,
    lambda environment: list_text(string_text(f"{name}={value}") for name, value in environment.items()),
    None,
)

EXEC_REQUEST = Request(
    "ExecRequest",
    CommandRequest,
    Field("args", STRINGS, always=True),
    Field("env", _ENVIRONMENT),
    Field("command", STRING, always=True),
    Field("dir", Kind(lambda value: STRING.read(value) or None, STRING.write, None)),
    CONTEXT_FIELD,
    Field("timeout_ms", TIMEOUT, "timeout", foreign=True),
)
EXEC_RESPONSE = Response(
    "ExecResponse",
    CommandResult,
    CommandResult(),
    ERROR_FIELD,
    Field("stdout", STRING, always=True),
    Field("stderr", STRING, always=True),
    Field("exit_code", evolve(INTEGER, empty=UNSET), always=True, required=True),
    Field("duration_ms", ELAPSED, "duration"),
    Field("is_timeout", BOOLEAN),
    Field("stdout_truncated", BOOLEAN, "truncated", foreign=True),
    Field("stderr_truncated", BOOLEAN, "truncated", written=False, foreign=True),
)

_ATTRIBUTE_TYPES = frozenset(get_args(LogAttributeType))


_ATTRIBUTE = Record(
    "LogAttribute",
    LogAttribute,
    Field("key", STRING, always=True),
    Field(
        "type",
        Kind(
            # an unknown one counts as string
            lambda value: name if (name := STRING.read(value)) in _ATTRIBUTE_TYPES else "string",
            STRING.write,
            "string",
        ),
        always=True,
    ),
    Field("value", STRING, always=True),
)
_LOG_MESSAGE = Request(
    "LogMessage",
    LogMessage,
    Field("timestamp", TIME, always=True),
    Field("attrs", _ATTRIBUTE.listed, "attributes"),
    Field("level", STRING, always=True),
    Field("message", STRING, always=True),
    CONTEXT_FIELD,
)


def encode_log_message(message: LogMessage, call: CallContext | None = None) -> bytes:
    """Return a message as JSON; without a context, one that carries the message's request id."""
    if call is None:
        call = CallContext(request_id=message.request_id) if message.request_id else NO_CONTEXT
    return _LOG_MESSAGE.encode(message, call)


def decode_log_message(data: bytes) -> tuple[LogMessage, CallContext]:
    """Return the message, which has the request id of its context, and the context.

    Raises:
        WireFormatError: the bytes are not a message.
    """
    attributes = _LOG_MESSAGE.attributes(decode_json(data, _LOG_MESSAGE.name))
    call = attributes.pop("context") or NO_CONTEXT
    return LogMessage(**attributes, request_id=call.request_id or None), call


@frozen
class HostFunction:
    """One host function that answers.

    Attributes:
        name: its name among a module's imports.
        port_name: the attribute of `Ports` that holds its port.
        port: the port that it serves.
        capability: the kind of grant that its calls need.
        request: the record that it takes.
        response: the record that it answers with.
    """

    name: str
    port_name: str
    port: Any
    capability: Literal["network", "exec"]
    request: Request[Any]
    response: Response[Any]


HOST_FUNCTIONS: Mapping[str, HostFunction] = {
    each.name: each
    for each in (
        HostFunction("http_request", "http", HTTPClient, "network", HTTP_REQUEST, HTTP_RESPONSE),
        HostFunction("dns_lookup", "dns", DNSResolver, "network", DNS_REQUEST, DNS_RESPONSE),
        HostFunction("tcp_connect", "tcp", TCPDialer, "network", TCP_REQUEST, TCP_RESPONSE),
        HostFunction("smtp_connect", "smtp", SMTPClient, "network", SMTP_REQUEST, SMTP_RESPONSE),
        HostFunction("exec_command", "exec", CommandRunner, "exec", EXEC_REQUEST, EXEC_RESPONSE),
    )
}
"""By name, in the order of the bits by which the runtime's adapter knows them."""

HOST_FUNCTION_NAMES = (*HOST_FUNCTIONS, LOG_FUNCTION)
"""Every function that a module may import from its host."""
