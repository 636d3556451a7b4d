"""Comparisons in tests: data fields, outputs, statuses, tables of cases."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result, ResultStatus, result_success
from reglet.domain.errors import RegletError
from reglet.infrastructure.wire.exports import RESULT
from reglet.infrastructure.wire.go_json import encode_json
from reglet.testing import TestCase, assert_data_field, assert_failure, assert_success, run_plugin_tests
from reglet.testing.assertions import deep_equal, verify_output
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

Given = dict[str, Any]
_GO_NUMBERS = ("int", "uint", "float", "json.Number")


class _Plugin:
    """Answers a table's configs as the vector's handler does, which fails where Go's result is an error."""

    def __init__(self, wanted: str) -> None:
        self._fails = json.loads(wanted)["status"] == "error" if wanted else False
        self.config = b""

    def manifest(self, ctx: Context) -> Manifest:
        return Manifest("p", "1")

    def check(self, ctx: Context, config: bytes) -> Result:
        self.config = config
        if self._fails:
            raise RegletError("boom")
        return result_success("ok", {"a": 1} if config and json.loads(config) else None)


def run(vector: Vector) -> Rule | None:
    """Compare verdicts; messages where both put them alike."""
    given, expected = vector["input"], vector["expected"]
    match vector["kind"]:
        case "deep_equal":
            actual = deep_equal(_go(given["expected"]), _go(given["actual"]))
            return _settled(given, actual, expected)
        case "assert_data_field":
            return _settled(given, not _data_field_problem(given), expected["pass"])
        case "assert_status":
            return _status(given, expected)
        case "verify_output":
            return _output(given, expected)
        case kind:
            must_equal(kind, "run_plugin_tests")
            return _table(vector)


def _go(typed: Given) -> Any:
    if typed["go_type"] == "json.Number":
        return Decimal(typed["value"])
    value = go.value(typed["value"])
    if value is None and typed["go_type"].startswith(("[]", "map")):
        return [] if typed["go_type"].startswith("[]") else {}
    return value


def _settled(given: Given, actual: bool, expected: bool) -> Rule | None:
    """Compare; where types of Go's that are one in Python make the difference, it is on purpose."""
    if actual == expected:
        return None
    types = {given[side]["go_type"] for side in ("actual", "expected") if side in given}
    if all(each.lstrip("*").startswith(_GO_NUMBERS) for each in types):
        return _numbers_rule(given, actual)
    if any(each.startswith(("[]", "map")) for each in types) and actual:
        return Rule.PYTHON_LISTS
    must_equal(actual, expected)
    return None


def _numbers_rule(given: Given, actual: bool) -> Rule:
    """Return the rule for numbers: equal ones are equal here, whatever their type, and keep their digits."""
    one, other = (_go(given[side]) for side in ("actual", "expected"))
    must_equal(actual, one == other)
    return Rule.PYTHON_NUMBERS if actual else Rule.WHOLE_INTEGERS


def _data_field_problem(given: Given) -> str:
    result = result_success("m", {"k": _go(given["actual"])} if "actual" in given else None)
    try:
        assert_data_field(result, "k", _go(given["expected"]))
    except AssertionError as problem:
        return str(problem)
    return ""


def _status(given: Given, expected: Given) -> Rule | None:
    if given["status"] not in tuple(ResultStatus):
        return Rule.CLOSED_STATUS
    check = assert_success if given["fn"] == "AssertSuccess" else assert_failure
    messages = []
    try:
        check(Result(ResultStatus(given["status"]), given["message"]))
    except AssertionError as problem:
        messages = [str(problem)]
    lengths = map(len, expected["messages"])  # a person gets more lines than Go's one
    must_equal(
        [message[:length] for message, length in zip(messages, lengths, strict=False)], expected["messages"]
    )
    must_equal(not messages, expected["pass"])
    return None


def _output(given: Given, expected: Given) -> Rule | None:
    messages = verify_output(go.value(given["expected"]) or {}, go.value(given["actual"]) or {})
    must_equal(not messages, expected["pass"])
    return None if messages == expected["messages"] else Rule.OWN_WORDS


def _table(vector: Vector) -> Rule | None:
    config = vector["input"]["config"]
    wanted = vector["expected"]
    if not wanted["pass"]:
        return _unencodable(go.value(config), wanted)
    config = go.value(config)
    if not _is_json(config):
        raise NoCounterpartError("a config is JSON here: who puts bytes or a time into one writes them first")
    plugin, seen = _Plugin(wanted["result_seen"]), list[Result]()
    run_plugin_tests(plugin, [TestCase("case", config, validate=seen.append)])
    written = encode_json(json.loads(plugin.config)).decode() if plugin.config else ""
    must_equal(written, wanted["config_bytes_seen"] or "")
    result = json.loads(RESULT.encode(seen[0]))
    expected = json.loads(wanted["result_seen"])
    if "error" not in expected:
        must_equal(result, expected)
        return None
    must_equal(
        [result["status"], result["message"], result["error"]["message"]],
        [expected["status"], expected["message"], expected["error"]["message"]],
    )
    return Rule.STRUCTURE_KEPT


def _is_json(config: Any) -> bool:
    try:
        json.dumps(config)
    except TypeError:
        return False
    return True


def _unencodable(config: Given, expected: Given) -> Rule:
    case = TestCase("case", config)
    try:
        run_plugin_tests(_Plugin(""), [case])
    except (AssertionError, RegletError, TypeError):
        must_equal(expected["pass"], False)
        return Rule.OWN_WORDS
    raise AssertionError("a config that is not JSON was passed on")
