"""What the real functions of the Go host SDK took and answered."""

from __future__ import annotations

import json
import re
from typing import Any

from reglet.domain.errors import CapabilityError, HostError, WireFormatError
from reglet.infrastructure.wire.host_functions import EXEC_RESPONSE, HOST_FUNCTIONS, HostFunction
from reglet.infrastructure.wire.messages import is_unreadable
from reglet.infrastructure.wire.record import Dialect
from tests.vectors import go_json
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal


def run(vector: Vector) -> Rule | None:
    """Compare what our host of that dialect takes, and what our guest reads of the answer."""
    function = vector["kind"].removeprefix("invoke:")
    _compare_go(function, vector["input"]["request"], vector["expected"])
    if function == "ssrf_check":
        return Rule.NO_SSRF_FUNCTION
    response: str = vector["expected"]["response"]
    answer = json.loads(response)
    if _port_out_of_range(vector["input"]["request"]):
        return Rule.PORT_IS_NUMBER
    if function == "http_request" and _has_list_body(vector["input"]["request"]):
        return Rule.BODY_IS_BYTES
    if function in HOST_FUNCTIONS:
        _compare_taking(HOST_FUNCTIONS[function], vector["input"]["request"], answer)
    if "error" in answer:
        return _compare_failure(response.encode(), answer, vector)
    seen = json.loads(_written_again(HOST_FUNCTIONS[function], response.encode()))
    if answer.pop("stderr_truncated", False):  # which of the two was cut is not kept
        answer["stdout_truncated"] = True
    must_equal(seen, answer)
    return None


_RECORDS = {
    "http_request": ("hostlib.HTTPRequest", "HTTPResponse"),
    "dns_lookup": ("hostlib.DNSLookupRequest", "DNSResponse"),
    "tcp_connect": ("hostlib.TCPConnectRequest", "TCPResponse"),
    "smtp_connect": ("hostlib.SMTPConnectRequest", "SMTPResponse"),
    "exec_command": ("hostlib.ExecCommandRequest", "ExecResponse"),
}
"""What the Go host SDK reads, and what the Go plugin SDK reads of its answer."""


def _compare_go(function: str, request: str, expected: dict[str, Any]) -> None:
    """Compare what of Go's answers is known: that of a request which is not read, and what a plugin sees."""
    response = expected["response"]
    answer = json.loads(response)
    if function == "ssrf_check":
        must_equal([json.loads(expected["sdk_sees"]), expected["sdk_decode_error"]], [answer, None])
        return
    if function not in _RECORDS:
        told = {"error": "NOT_FOUND", "message": f"unknown host function: {function}", "code": 404}
        must_equal(answer, told)
        return
    _, error = go_json.read(_RECORDS[function][0], request.encode(errors="surrogateescape"))
    is_unread = isinstance(answer.get("error"), str)
    must_equal(is_unread, error is not None)
    if error is not None:
        said = answer["message"].removeprefix("failed to unmarshal request: ")
        told = error if not go_json.same_error(error, said) else said
        wanted = {"error": "VALIDATION_ERROR", "message": f"failed to unmarshal request: {told}", "code": 400}
        must_equal(answer, wanted)
    value, error = go_json.read(_RECORDS[function][1], response.encode())
    if not go_json.same_error(error, expected["sdk_decode_error"]):
        must_equal(expected["sdk_decode_error"], error)
    sees = go_json.written(_RECORDS[function][1], value)
    must_equal(_with_placeholders(expected["sdk_sees"]), _with_placeholders(sees))
    must_equal(is_unread or _ALWAYS[function] <= answer.keys(), True)
    if not is_unread and "error" in answer:
        must_equal(answer["error"].keys(), {"code", "message"})


_ALWAYS: dict[str, set[str]] = {
    "http_request": {"status_code"},
    "dns_lookup": set(),
    "tcp_connect": {"connected"},
    "smtp_connect": {"connected"},
    "exec_command": {"stdout", "stderr", "exit_code"},
}
"""What each answer of the Go host SDK has."""


def _with_placeholders(text: str) -> str:
    """Return a text with the vectors' placeholders as they are, which they may be escaped in."""
    return re.sub(r"\\u003c([A-Z]+)\\u003e", r"<\1>", text)


def _written_again(function: HostFunction, response: bytes) -> bytes:
    read = function.response.decode(response)
    value = read[0] if function.port_name == "http" else read
    return function.response.encode(value, Dialect.HOSTLIB)


def _port_out_of_range(request: str) -> bool:
    """Whether a request names a port that there is not; our host refuses it while it decodes."""
    try:
        named = {name.lower(): each for name, each in json.loads(request).items()}
    except (ValueError, AttributeError):
        return False
    port = named.get("port")
    return type(port) is int and port not in range(2**16)


def _has_list_body(request: str) -> bool:
    """Whether a body is written as a list of numbers, which Go takes for bytes too."""
    try:
        return isinstance(json.loads(request)["body"], list)
    except (ValueError, TypeError, KeyError):
        return False


def _compare_taking(function: HostFunction, request: str, answer: dict[str, Any]) -> None:
    refused = isinstance(answer.get("error"), str) and "unmarshal" in answer["message"]
    try:
        function.request.decode_call(request.encode(), Dialect.HOSTLIB)
    except WireFormatError:
        must_equal("refused", "refused" if refused else "taken")
    else:
        must_equal("taken", "refused" if refused else "taken")


def _compare_failure(response: bytes, answer: dict[str, Any], vector: Vector) -> Rule | None:
    """Compare the failure that a guest sees, whole where the Go SDK sees an empty one."""
    said = answer["error"]
    message, code = (answer["message"], said) if isinstance(said, str) else (said["message"], said["code"])
    must_equal(is_unreadable(response), "unmarshal" in message)
    try:
        EXEC_RESPONSE.decode(response)
    except HostError as error:
        must_equal((str(error), error.code), (message, code))
    except CapabilityError as error:
        must_equal(message in str(error), True)
    return Rule.HOST_FAILURE_READ if vector["expected"].get("sdk_decode_error") else Rule.INFERRED_TYPE
