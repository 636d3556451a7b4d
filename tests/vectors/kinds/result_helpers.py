"""The Go SDK's second set of constructors: results from any error, and its second family of errors."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import result_error, result_failure, result_success
from reglet.domain.errors import ConfigError, NetworkError, RegletError, error_detail
from reglet.infrastructure.wire.result import encode_result
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_FAMILIES: dict[str, Any] = {
    "ConfigError": (ConfigError, "config"),
    "NetworkError": (NetworkError, "network"),
}


def run(vector: Vector) -> Rule | None:
    """Compare what our one family of errors makes of it: the same text, status and details."""
    kind, given = vector["kind"], vector["input"]
    plain = {"result.Success": result_success, "result.Failure": result_failure}
    if kind in plain:
        must_equal(encode_result(plain[kind](given)).decode(), vector["expected"])
        return None
    detail = _detail(given)
    if kind == "PluginError":
        must_equal([detail.message, detail.code], [vector["expected"][name] for name in ("message", "code")])
    else:
        _compare_error(detail, json.loads(vector["expected"]))
    return Rule.ONE_ERROR_FAMILY


def _detail(given: Any) -> ErrorDetail:
    if isinstance(given, str):
        return error_detail(RegletError(given))
    if "fn" in given:
        family, _ = _FAMILIES[given["fn"]]
        error: RegletError = family(given.get("field", ""), given.get("reason"))
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
