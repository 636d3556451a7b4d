"""What the real functions of the Go host SDK took and answered."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.errors import CapabilityError, HostError, WireFormatError
from reglet.infrastructure.wire.host_functions import EXEC_RESPONSE, HOST_FUNCTIONS, HostFunction
from reglet.infrastructure.wire.messages import is_unreadable
from reglet.infrastructure.wire.record import Dialect
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal


def run(vector: Vector) -> Rule | None:
    """Compare what our host of that dialect takes, and what our guest reads of the answer."""
    function = vector["kind"].removeprefix("invoke:")
    if function == "ssrf_check":
        return Rule.NO_SSRF_FUNCTION
    response: str = vector["expected"]["response"]
    answer = json.loads(response)
    if _port_out_of_range(vector["input"]["request"]):
        return Rule.PORT_IS_NUMBER
    if function in HOST_FUNCTIONS:
        _compare_taking(HOST_FUNCTIONS[function], vector["input"]["request"], answer)
    if "error" in answer:
        return _compare_failure(response.encode(), answer, vector)
    seen = json.loads(_written_again(HOST_FUNCTIONS[function], response.encode()))
    if answer.pop("stderr_truncated", False):  # which of the two was cut is not kept
        answer["stdout_truncated"] = True
    must_equal(seen, answer)
    return None


def _written_again(function: HostFunction, response: bytes) -> bytes:
    read = function.response.decode(response)
    value = read[0] if function.port_name == "http" else read
    return function.response.encode(value, Dialect.HOSTLIB)


def _port_out_of_range(request: str) -> bool:
    """Whether a request names a port that there is not; our host refuses it while it decodes."""
    try:
        port = json.loads(request)["port"]
    except (ValueError, TypeError, KeyError):
        return False
    return type(port) is int and port not in range(2**16)


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
