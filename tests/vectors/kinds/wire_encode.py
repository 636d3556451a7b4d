"""The exact bytes of every record."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

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
from reglet.domain.errors import WireFormatError
from reglet.domain.time import ZERO_TIME
from reglet.infrastructure.wire import host_functions as wire
from reglet.infrastructure.wire.messages import CONTEXT, CallContext
from reglet.infrastructure.wire.record import timeout_of
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

Given = dict[str, Any]
_LONGEST_MS = timedelta.max // timedelta(milliseconds=1)


def run(vector: Vector) -> Rule | None:
    """Compare the bytes, or that there is an error where Go has one."""
    record = vector["kind"].removeprefix("marshal:").removesuffix("(abi)").removesuffix("Wire")
    given, expected = vector["input"], vector["expected"]
    rule = _unrepresentable(record, given)
    if rule is not None:
        return rule
    if record not in _ENCODERS:
        raise NoCounterpartError(f"no record of ours is a {record}")
    try:
        text = _ENCODERS[record](given).decode()
    except OverflowError:
        spans = [given.get(name, 0) for name in ("response_time_ms", "duration_ms")]
        must_equal(max(spans) > _LONGEST_MS or min(spans) < -_LONGEST_MS, True)
        return Rule.TIMEDELTA
    except (ValueError, WireFormatError):
        must_equal("an error", "an error" if isinstance(expected, dict) else expected)
        return None
    if text != expected and text == expected.replace(":null", ":[]"):
        return Rule.ONE_EMPTY_LIST
    must_equal(text, expected)
    return None


def _unrepresentable(record: str, given: Given) -> Rule | None:
    """Return the rule by which our records cannot hold what Go's can."""
    if record == "Config":
        return Rule.NO_GLOBAL_CONFIG
    if any("=" not in go.text(each) for each in given.get("env") or ()):
        return Rule.ENVIRONMENT
    if record != "Context" and given.get("timeout_ms", 0) > _LONGEST_MS:
        return Rule.TIMEDELTA
    port = go.text(given.get("port", ""))
    if port and str(_number(port)) != port:
        return Rule.PORT_IS_NUMBER
    return None if _is_base64(go.text(given.get("body", ""))) else Rule.BODY_IS_BYTES


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return False
    return True


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _call(given: Given) -> CallContext:
    return CallContext(
        go.moment(given["deadline"]), go.text(given["request_id"]), given["timeout_ms"], given["canceled"]
    )


def _context(given: Given) -> bytes:
    return CONTEXT.encode(_call(given))


def _dns_request(given: Given) -> bytes:
    request = wire.DNSRequest(*(go.text(given[name]) for name in ("hostname", "type", "nameserver")))
    return wire.DNS_REQUEST.encode(request, _call(given["context"]))


def _mx(given: Given) -> MXRecord:
    return MXRecord(go.text(given["host"]), given["pref"])


def _mx_record(given: Given) -> bytes:
    return wire.MX_RECORD.encode(_mx(given))


def _dns_response(given: Given) -> bytes:
    records = tuple(map(go.text, given["records"] or ()))
    answer = wire.DNSResponse(records, tuple(map(_mx, given["mx_records"] or ())))
    return wire.DNS_RESPONSE.encode(answer, error=go.detail(given["error"]))


def _headers(given: Any) -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(go.text, values or ())) for name, values in (given or {}).items()}


def _http_request(given: Given) -> bytes:
    request = HTTPRequest(
        go.text(given["method"]),
        go.text(given["url"]),
        _headers(given["headers"]),
        base64.b64decode(go.text(given["body"])),
    )
    return wire.HTTP_REQUEST.encode(request, _call(given["context"]))


def _http_response(given: Given) -> bytes:
    response = HTTPResponse(
        given["status_code"],
        _headers(given["headers"]),
        base64.b64decode(go.text(given["body"])),
        go.text(given["proto"]),
        given["body_truncated"],
    )
    return wire.HTTP_RESPONSE.encode(response, error=go.detail(given["error"]))


def _span(milliseconds: int) -> timedelta | None:
    """Return a timeout as it is, a negative one too."""
    return timeout_of(milliseconds) or (timedelta(milliseconds=milliseconds) if milliseconds else None)


def _tcp_request(given: Given) -> bytes:
    port = int(go.text(given["port"]) or 0)
    request = wire.TCPRequest(go.text(given["host"]), port, _span(given["timeout_ms"]), given["tls"])
    return wire.TCP_REQUEST.encode(request, _call(given["context"]))


def _tcp_response(given: Given) -> bytes:
    response = wire.TCPResponse(
        given["connected"],
        *(go.text(given[name]) for name in ("address", "remote_addr", "local_addr")),
        given["tls"],
        *(
            go.text(given[f"tls_{name}"])
            for name in ("version", "cipher_suite", "server_name", "cert_subject", "cert_issuer")
        ),
        go.moment(given["tls_cert_not_after"]),
        timedelta(milliseconds=given["response_time_ms"]),
    )
    return wire.TCP_RESPONSE.encode(response, error=go.detail(given["error"]))


def _smtp_request(given: Given) -> bytes:
    request = wire.SMTPRequest(
        go.text(given["host"]),
        int(go.text(given["port"]) or 0),
        _span(given["timeout_ms"]),
        given["tls"],
        given["starttls"],
    )
    return wire.SMTP_REQUEST.encode(request, _call(given["context"]))


def _smtp_response(given: Given) -> bytes:
    result = SMTPConnectResult(
        connected=given["connected"],
        banner=go.text(given["banner"]),
        tls_enabled=given["tls"],
        tls_version=go.text(given["tls_version"]),
        tls_cipher_suite=go.text(given["tls_cipher_suite"]),
        tls_server_name=go.text(given["tls_server_name"]),
        response_time=timedelta(milliseconds=given["response_time_ms"]),
        address=go.text(given["address"]),
    )
    return wire.SMTP_RESPONSE.encode(result, error=go.detail(given["error"]))


def _exec_request(given: Given) -> bytes:
    variables = (go.text(each).partition("=") for each in given["env"] or ())
    request = CommandRequest(
        go.text(given["command"]),
        tuple(map(go.text, given["args"] or ())),
        go.text(given["dir"]),
        {name: value for name, _, value in variables},
    )
    return wire.EXEC_REQUEST.encode(request, _call(given["context"]))


def _exec_response(given: Given) -> bytes:
    result = CommandResult(
        go.text(given["stdout"]),
        go.text(given["stderr"]),
        given["exit_code"],
        timedelta(milliseconds=given["duration_ms"]),
        given["is_timeout"],
    )
    return wire.EXEC_RESPONSE.encode(result, error=go.detail(given["error"]))


def _attribute(given: Given) -> LogAttribute:
    return LogAttribute(go.text(given["key"]), given["type"], go.text(given["value"]))


def _log_attribute(given: Given) -> bytes:
    """Return the one fact of a message."""
    message = wire.encode_log_message(LogMessage("", "", [_attribute(given)], ZERO_TIME), CallContext())
    return message.partition(b'"attrs":[')[2].partition(b"]")[0]


def _log_message(given: Given) -> bytes:
    attributes = list(map(_attribute, given["attrs"] or ()))
    timestamp = go.moment(given["timestamp"]) or ZERO_TIME
    message = LogMessage(go.text(given["level"]), go.text(given["message"]), attributes, timestamp)
    return wire.encode_log_message(message, _call(given["context"]))


_ENCODERS = {
    "Context": _context,
    "DNSRequest": _dns_request,
    "DNSResponse": _dns_response,
    "MXRecord": _mx_record,
    "HTTPRequest": _http_request,
    "HTTPResponse": _http_response,
    "TCPRequest": _tcp_request,
    "TCPResponse": _tcp_response,
    "SMTPRequest": _smtp_request,
    "SMTPResponse": _smtp_response,
    "ExecRequest": _exec_request,
    "ExecResponse": _exec_response,
    "LogMessage": _log_message,
    "LogAttr": _log_attribute,
}
