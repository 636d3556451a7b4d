"""The Go SDK's second set of constructors: results from any error, and its second family of errors."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success
from reglet.domain.errors import ConfigError, NetworkError, RegletError, error_detail
from reglet.infrastructure.wire.exports import RESULT
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_FAMILIES: dict[str, Any] = {
    "ConfigError": lambda given: ConfigError(given["field"], given["reason"] or None),
    "NetworkError": lambda given: NetworkError(
        "connect", f"{given['host']}:{given['port']}", given["reason"] or None
    ),
}


def run(vector: Vector) -> Rule | None:
    """Compare what our one family of errors makes of it: the same text, status and details."""
    kind, given = vector["kind"], vector["input"]
    if given is None:
        must_equal(json.loads(vector["expected"])["message"], "no error")
        return Rule.NO_NIL_SETS
    plain = {"result.Success": result_success, "result.Failure": result_failure}
    if kind in plain:
        message, data = (given, None) if isinstance(given, str) else (given["message"], given.get("data"))
        must_equal(RESULT.encode(plain[kind](message, data)).decode(), vector["expected"])
        return None
    detail = _detail(given)
    if isinstance(given, dict) and "fn" in given:
        _compare_made(detail, given, json.dumps(vector["expected"], ensure_ascii=False))
    elif kind == "PluginError":
        must_equal([detail.message, detail.code], [vector["expected"][name] for name in ("message", "code")])
    else:
        _compare_error(detail, json.loads(vector["expected"]))
    return Rule.ONE_ERROR_FAMILY


def _compare_made(detail: ErrorDetail, given: dict[str, Any], expected: str) -> None:
    """Compare that what an error was made of is in both texts."""
    for part in (each for name, each in given.items() if name != "fn"):
        must_equal(
            (part in detail.message, json.dumps(part, ensure_ascii=False)[1:-1] in expected), (True, True)
        )


def _detail(given: Any) -> ErrorDetail:
    if isinstance(given, str):
        return error_detail(RegletError(given))
    if "fn" in given:
        if given["fn"] not in _FAMILIES:
            raise NoCounterpartError(f"no error of ours is made by {given['fn']}")
        error: RegletError = _FAMILIES[given["fn"]](given)
        return error.detail()
    return ErrorDetail(
        given.get("type", ""), given["message"], given["code"], details=given.get("details") or {}
    )


def _compare_error(detail: ErrorDetail, expected: dict[str, Any]) -> None:
    result = result_error(detail)
    must_equal(result.status, expected["status"])
    said = expected["error"]["message"]
    assert detail.message.split(": ")[-1] in said, f"{detail.message!r} is not in {said!r}"
    must_equal(detail.details or {}, expected["error"].get("details") or {})
