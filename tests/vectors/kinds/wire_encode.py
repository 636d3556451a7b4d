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
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

Given = dict[str, Any]
_LONGEST_MS = timedelta.max // timedelta(milliseconds=1)


def run(vector: Vector) -> Rule | None:
    """Compare the bytes, or that there is an error where Go has one; by a rule, Go's are known to the last byte."""
    kind = vector["kind"].removeprefix("marshal:").removesuffix("(abi)")
    given, expected = vector["input"], vector["expected"]
    record = kind.removesuffix("Wire")
    if record not in _ENCODERS and record != "Config":
        raise NoCounterpartError(f"no record of ours is a {record}")
    wanted = _go_text(kind, given)
    must_equal(expected if isinstance(expected, str) else None, wanted)
    if wanted is None:
        must_equal(_refusal(record, given), True)
        return None
    rule = _unrepresentable(record, given)
    return rule or _compared(record, kind, given, wanted)


def _go_text(kind: str, given: Given) -> str | None:
    try:
        return go_json.written(kind, given)
    except (ValueError, WireFormatError):
        return None


def _refusal(record: str, given: Given) -> bool:
    """Whether we refuse to write what Go refuses."""
    try:
        _ENCODERS[record](given)
    except (ValueError, WireFormatError):
        return True
    return False


def _compared(record: str, kind: str, given: Given, wanted: str) -> Rule | None:
    """Compare what we write with what Go writes of the input as we can hold it."""
    try:
        rule = go.settled(
            lambda each: _ENCODERS[record](each).decode(), given, _go_text(kind, _held(given)) or ""
        )
    except OverflowError:
        spans = [given.get(name, 0) for name in ("response_time_ms", "duration_ms")]
        must_equal(max(spans) > _LONGEST_MS or min(spans) < -_LONGEST_MS, True)
        return Rule.TIMEDELTA
    except AssertionError:
        if kind != "LogMessage":
            raise
        must_equal(_ENCODERS[record](given).decode(), go_json.written("LogMessageWire", given))
        return Rule.LOG_ORDER
    if given.get("env") and _held(given)["env"] != given["env"]:
        return Rule.ENVIRONMENT
    if given.get("port") == "0":
        return Rule.PORT_IS_NUMBER
    return rule or (None if wanted == _go_text(kind, _held(given)) else Rule.ONE_EMPTY_LIST)


def _held(given: Given) -> Given:
    """Return an input as our records hold it: no null lists, variables by name, no port where it is 0."""
    held = {name: [] if name == "args" and each is None else each for name, each in given.items()}
    if held.get("headers"):
        held["headers"] = {name: each or [] for name, each in held["headers"].items()}
    if held.get("env"):
        variables = dict(go.text(each).split("=", 1) for each in held["env"])
        held["env"] = [f"{name}={value}" for name, value in variables.items()]
    return held | {"port": ""} if held.get("port") == "0" else held


def _unrepresentable(record: str, given: Given) -> Rule | None:
    """Return the rule by which our records cannot hold what Go's can."""
    if record == "Config":
        return Rule.NO_GLOBAL_CONFIG
    if any("=" not in go.text(each) for each in given.get("env") or ()):
        return Rule.ENVIRONMENT
    if record != "Context" and given.get("timeout_ms", 0) > _LONGEST_MS:
        return Rule.TIMEDELTA
    port = go.text(given.get("port", ""))
    if port and (str(_number(port)) != port or int(port) not in range(2**16)):
        return Rule.PORT_IS_NUMBER
    return None if _is_base64(go.text(given.get("body", ""))) else Rule.BODY_IS_BYTES


def _is_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text.encode("ascii"), validate=True)).decode() == text
    except ValueError:
        return False


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
