"""What the real functions of the Go host SDK took and answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reglet.domain.errors import CapabilityError, HostError, WireFormatError
from reglet.infrastructure.wire import command, dns, http, smtp, tcp
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.failures import is_unreadable, read_response
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_HOSTLIB = Dialect.HOSTLIB
_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "http_request": lambda data: http.decode_http_request(data, _HOSTLIB),
    "dns_lookup": dns.decode_dns_request,
    "tcp_connect": lambda data: tcp.decode_tcp_request(data, _HOSTLIB),
    "smtp_connect": lambda data: smtp.decode_smtp_request(data, _HOSTLIB),
    "exec_command": command.decode_command_request,
}
_READERS: dict[str, Callable[[bytes], bytes]] = {
    "http_request": lambda data: http.encode_http_response(
        http.decode_http_response(data)[0], dialect=_HOSTLIB
    ),
    "dns_lookup": lambda data: dns.encode_dns_response(dns.decode_dns_response(data), dialect=_HOSTLIB),
    "tcp_connect": lambda data: tcp.encode_tcp_response(tcp.decode_tcp_response(data), dialect=_HOSTLIB),
    "smtp_connect": lambda data: smtp.encode_smtp_response(smtp.decode_smtp_response(data), dialect=_HOSTLIB),
    "exec_command": lambda data: command.encode_command_response(
        command.decode_command_response(data), dialect=_HOSTLIB
    ),
}


def run(vector: Vector) -> Rule | None:
    """Compare what our host of that dialect takes, and what our guest reads of the answer."""
    function = vector["kind"].removeprefix("invoke:")
    if function == "ssrf_check":
        return Rule.NO_SSRF_FUNCTION
    response: str = vector["expected"]["response"]
    answer = json.loads(response)
    if _port_out_of_range(vector["input"]["request"]):
        return Rule.PORT_IS_NUMBER
    if function in _DECODERS:
        _compare_taking(_DECODERS[function], vector["input"]["request"], answer)
    if "error" in answer:
        return _compare_failure(response.encode(), answer, vector)
    seen = json.loads(_READERS[function](response.encode()))
    if answer.pop("stderr_truncated", False):  # which of the two was cut is not kept
        answer["stdout_truncated"] = True
    must_equal(seen, answer)
    return None


def _port_out_of_range(request: str) -> bool:
    """Whether a request names a port that there is not; our host refuses it while it decodes."""
    try:
        port = json.loads(request)["port"]
    except (ValueError, TypeError, KeyError):
        return False
    return type(port) is int and port not in range(2**16)


def _compare_taking(decode: Callable[[bytes], Any], request: str, answer: dict[str, Any]) -> None:
    refused = isinstance(answer.get("error"), str) and "unmarshal" in answer["message"]
    try:
        decode(request.encode())
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
        read_response(response, "the response")
    except HostError as error:
        must_equal((str(error), error.code), (message, code))
    except CapabilityError as error:
        must_equal(message in str(error), True)
    return Rule.HOST_FAILURE_READ if vector["expected"].get("sdk_decode_error") else Rule.INFERRED_TYPE
