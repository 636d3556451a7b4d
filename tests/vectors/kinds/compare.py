"""Comparisons in tests: data fields, outputs, statuses, tables of cases."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result, ResultStatus, result_success
from reglet.domain.errors import RegletError, WireFormatError
from reglet.infrastructure.wire.exports import RESULT
from reglet.infrastructure.wire.go_json import encode_json
from reglet.testing import (
    TestCase,
    assert_data_field,
    assert_failure,
    assert_success,
    assertions,
    run_plugin_tests,
)
from reglet.testing.assertions import verify_output
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.go_fmt import GoValue, deep_equal, identical, quoted
from tests.vectors.go_fmt import decimal_or_value as _held
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

Given = dict[str, Any]
_GO_NUMBERS = ("int", "uint", "float", "json.Number")


class _Plugin:
    """Answers a table's configs as the vector's handler does, which fails where Go's result is an error."""

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails
        self.config = b""

    def manifest(self, ctx: Context) -> Manifest:
        return Manifest("p", "1")

    def check(self, ctx: Context, config: bytes) -> Result:
        self.config = config
        if self._fails:
            raise RegletError("boom")
        return result_success("ok", {"a": 1} if config and json.loads(config) else None)


def run(vector: Vector) -> Rule | None:
    """Compare verdicts and messages; by a rule, Go's are known."""
    given, expected = vector["input"], vector["expected"]
    match vector["kind"]:
        case "deep_equal":
            must_equal(expected, deep_equal(*(GoValue.typed(given[side]) for side in ("expected", "actual"))))
            actual = assertions.deep_equal(_held(given["expected"]), _held(given["actual"]))
            return _settled(given, actual, expected)
        case "assert_data_field":
            return _data_field(given, expected)
        case "assert_status":
            return _status(given, expected)
        case "verify_output":
            return _output(given, expected)
        case "run_plugin_tests":
            return _table(vector)
    raise NoCounterpartError(f"nothing of ours is compared as {vector['kind']}")


def _settled(given: Given, actual: bool, expected: bool) -> Rule | None:
    """Compare; where types of Go's that are one in Python make the difference, it is on purpose."""
    if actual == expected:
        return None
    types = {given[side]["go_type"] for side in ("actual", "expected") if side in given}
    if all(each.lstrip("*").startswith(_GO_NUMBERS) for each in types):
        one, other = (_held(given[side]) for side in ("actual", "expected"))
        must_equal(actual, one == other)  # whatever their type, and to the last digit
        return Rule.PYTHON_NUMBERS if actual else Rule.WHOLE_INTEGERS
    if any(each.startswith(("[]", "map")) for each in types) and actual:
        return Rule.PYTHON_LISTS
    if types == {"time.Duration"} and actual:
        return Rule.TIMEDELTA  # which has no parts of microseconds
    if types <= {"string", "*string"} and _held(given["actual"]) == _held(given["expected"]):
        return Rule.NO_POINTERS
    must_equal(actual, expected)
    return None


def _data_field(given: Given, expected: Given) -> Rule | None:
    wanted = GoValue.typed(given["expected"])
    there = GoValue.typed(given["actual"]) if "actual" in given else None
    said = 'missing data field "k"' if there is None else f'field "k": expected {wanted}, got {there}'
    is_same = there is not None and (
        wanted.number == there.number
        if wanted.number is not None and there.number is not None
        else identical(there, wanted)
    )
    if "*" not in str((wanted.go_type, there and there.go_type)):  # no address is known beforehand
        must_equal(expected["messages"], [] if is_same else [said])
    must_equal(expected["pass"], is_same)
    problem = _data_field_problem(given)
    rule = _settled(given, not problem, is_same)
    return rule or (None if not problem or problem == said else Rule.OWN_WORDS)


def _data_field_problem(given: Given) -> str:
    result = result_success("m", {"k": _held(given["actual"])} if "actual" in given else None)
    try:
        assert_data_field(result, "k", _held(given["expected"]))
    except AssertionError as problem:
        return str(problem)
    return ""


def _status(given: Given, expected: Given) -> Rule | None:
    wanted = "success" if given["fn"] == "AssertSuccess" else "failure"
    said = f"expected {wanted}, got {given['status']}: {given['message']}"
    must_equal(expected["messages"], [] if given["status"] == wanted else [said])
    must_equal(expected["pass"], given["status"] == wanted)
    if given["status"] not in tuple(ResultStatus):
        return Rule.CLOSED_STATUS
    check = assert_success if given["fn"] == "AssertSuccess" else assert_failure
    try:
        check(Result(ResultStatus(given["status"]), given["message"]))
    except AssertionError as problem:
        must_equal(str(problem)[: len(said)], said)  # a person gets more lines than Go's one
        must_equal(expected["pass"], False)
    else:
        must_equal(expected["pass"], True)
    return None


def _output(given: Given, expected: Given) -> Rule | None:
    wanted, there = (GoValue.of(given[side] or {}) for side in ("expected", "actual"))
    said = [
        f"missing field {quoted(name)} in output"
        if name not in there.value
        else f"field {quoted(name)}: expected {each} ({each.go_type}), "
        f"got {there.value[name]} ({there.value[name].go_type})"
        for name, each in wanted.value.items()
        if name not in there.value or not deep_equal(each, there.value[name])
    ]
    must_equal(sorted(expected["messages"]), sorted(said))  # in Go a map has no order
    must_equal(expected["pass"], not said)
    messages = verify_output(go.value(given["expected"]) or {}, go.value(given["actual"]) or {})
    if bool(messages) == bool(said):
        return None if sorted(messages) == sorted(said) else Rule.OWN_WORDS
    return _beyond_floats(given, messages)


def _beyond_floats(given: Given, messages: list[str]) -> Rule:
    """Compare that what differs for us alone is an integer that no float holds, or an empty list that Go has none for."""
    floats = [
        json.loads(json.dumps(go.value(given[side]) or {}), parse_int=float)
        for side in ("expected", "actual")
    ]
    must_equal(verify_output(*floats) == messages, False)
    return Rule.WHOLE_INTEGERS


def _table(vector: Vector) -> Rule | None:
    """Compare a table test; what Go's plugin is given, and what its result is, is known."""
    config, wanted = vector["input"]["config"], vector["expected"]
    text = _go_text(config)
    fails = "execution_error" in (wanted["result_seen"] or "")
    made = {
        "config_bytes_seen": text,
        "messages": [],
        "pass": True,
        "result_seen": _go_result(config, fails=fails),
    }
    if text is None:
        refusal = str(wanted["messages"][:1]).partition(": json: ")[0]
        must_equal(refusal[2:], "failed to marshal config")
        made |= {"messages": wanted["messages"][:1], "pass": False, "result_seen": None}
    must_equal(wanted | {"config_bytes_seen": wanted["config_bytes_seen"] or (text and "")}, made)
    config = go.value(config)
    if text is None:
        return _unencodable(config)
    if not _is_json(config):
        raise NoCounterpartError("a config is JSON here: who puts bytes or a time into one writes them first")
    plugin, seen = _Plugin(fails=fails), list[Result]()
    run_plugin_tests(plugin, [TestCase("case", config, validate=seen.append)])
    must_equal(encode_json(json.loads(plugin.config)).decode() if plugin.config else "", text)
    result = json.loads(RESULT.encode(seen[0]))
    expected = json.loads(wanted["result_seen"])
    if not fails:
        must_equal(result, expected)
        return None
    must_equal(
        [result["status"], result["message"], result["error"]["message"]],
        [expected["status"], expected["message"], expected["error"]["message"]],
    )
    return Rule.STRUCTURE_KEPT


def _go_text(config: Any) -> str | None:
    """Return what Go's plugin is given, None for a config that is no JSON."""
    try:
        return "" if config is None else go_json.written("map[string]any", config)
    except (ValueError, WireFormatError):
        return None


def _go_result(config: Any, *, fails: bool) -> str:
    """Return what comes of the vectors' plugin in Go."""
    start = '{"timestamp":"0001-01-01T00:00:00Z",'
    if fails:
        error = '"error":{"message":"boom","type":"execution_error","code":""}'
        return f'{start}{error},"status":"error","message":"boom"}}'
    data = '"data":{"a":1},' if config else ""
    return f'{start}{data}"status":"success","message":"ok"}}'


def _is_json(config: Any) -> bool:
    try:
        json.dumps(config)
    except TypeError:
        return False
    return True


def _unencodable(config: Given) -> Rule:
    """Compare that a config which is no JSON does not reach the plugin."""
    try:
        run_plugin_tests(_Plugin(fails=False), [TestCase("case", config)])
    except (AssertionError, RegletError, TypeError):
        return Rule.OWN_WORDS
    raise AssertionError("a config that is not JSON was passed on")
