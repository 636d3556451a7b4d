"""The Go SDK's second set of constructors: results from any error, and its second family of errors."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success
from reglet.domain.errors import ConfigError, NetworkError, RegletError, error_detail
from reglet.infrastructure.wire.exports import RESULT
from tests.vectors import go_errors, go_json
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_FAMILIES: dict[str, Any] = {
    "ConfigError": lambda given: ConfigError(given["field"], given["reason"] or None),
    "NetworkError": lambda given: NetworkError(
        "connect", f"{given['host']}:{given['port']}", given["reason"] or None
    ),
}


def run(vector: Vector) -> Rule | None:
    """Compare what our one family of errors makes of it: the same text, status and details; Go's is known."""
    kind, given, expected = vector["kind"], vector["input"], vector["expected"]
    plain = {"result.Success": result_success, "result.Failure": result_failure}
    if kind in plain:
        message, data = (given, None) if isinstance(given, str) else (given["message"], given.get("data"))
        must_equal(RESULT.encode(plain[kind](message, data)).decode(), expected)
        return None
    if isinstance(given, dict) and "fn" in given and given["fn"] not in _FAMILIES:
        raise NoCounterpartError(f"no error of ours is made by {given['fn']}")
    must_equal(expected, _go_result(given) if kind == "result.Error" else _go_error(given))
    if given is None:
        return Rule.NO_NIL_SETS
    detail = _detail(given)
    if isinstance(given, dict) and "fn" in given:
        must_equal(all(part in detail.message for name, part in given.items() if name != "fn"), True)
    elif kind == "PluginError":
        must_equal([detail.message, detail.code], [given["message"], given["code"]])
    else:
        result = result_error(detail)
        must_equal([result.status, result.error and result.error.details], ["error", detail.details])
        must_equal(detail.message.split(": ")[-1] in json.loads(expected)["error"]["message"], True)
    return Rule.ONE_ERROR_FAMILY


def _go_error(given: dict[str, Any]) -> dict[str, str]:
    """Return what Go's PluginError says of itself."""
    code, message, details = _go_parts(given)
    shown = f',"details":{go_json.written("map[string]any", details)}' if details else ""
    written = f'{{"code":{_string(code)},"message":{_string(message)}{shown}}}'
    return {"code": code, "error_string": f"[{code}] {message}", "json": written, "message": message}


def _go_parts(given: dict[str, Any]) -> tuple[str, str, Any]:
    """Return the code, the message and the details of a PluginError."""
    match given.get("fn"):
        case "ConfigError":
            return "config_invalid", f"field {given['field']}: {given['reason']}", None
        case "NetworkError":
            return "network_error", f"connect {given['host']}:{given['port']}: {given['reason']}", None
    return given["code"], given["message"], given.get("details")


def _go_result(given: Any) -> str:
    """Return the Result that Go's second set of constructors makes of an error."""
    if given is None:
        return go_json.written("Result", {"status": "success", "message": "no error"})
    error = {"type": "unknown", "message": given}
    if isinstance(given, dict) and "type" not in given:
        code, message, details = _go_parts(given)
        error, given = {"type": code, "message": message, "details": details}, f"[{code}] {message}"
    elif isinstance(given, dict):
        error["message"] = given = go_errors.detail_text(given)
    return go_json.written("Result", {"status": "error", "message": given, "error": error})


def _string(text: str) -> str:
    return go_json.written("string", text)


def _detail(given: Any) -> ErrorDetail:
    if isinstance(given, str):
        return error_detail(RegletError(given))
    if "fn" in given:
        error: RegletError = _FAMILIES[given["fn"]](given)
        return error.detail()
    return ErrorDetail(
        given.get("type", ""), given["message"], given["code"], details=given.get("details") or {}
    )
