"""Records read from JSON: what Go reads and writes again, or that it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, get_args

from reglet.domain.entities.records import LogAttributeType
from reglet.domain.errors import CapabilityError, HostError, WireFormatError
from reglet.infrastructure.wire import host_functions as wire
from reglet.infrastructure.wire.exports import GRANTS, MANIFEST, METADATA, RESULT
from reglet.infrastructure.wire.messages import CONTEXT, ERROR
from reglet.infrastructure.wire.record import Record
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_REFUSED = "refused"
_REQUESTS = {
    each.name: (each.decode_call, each.encode)
    for each in (wire.HTTP_REQUEST, wire.DNS_REQUEST, wire.TCP_REQUEST, wire.SMTP_REQUEST, wire.EXEC_REQUEST)
} | {"LogMessage": (wire.decode_log_message, wire.encode_log_message)}
_RESPONSES = {
    each.name: each
    for each in (
        wire.HTTP_RESPONSE,
        wire.DNS_RESPONSE,
        wire.TCP_RESPONSE,
        wire.SMTP_RESPONSE,
        wire.EXEC_RESPONSE,
    )
}
_VALUES: dict[str, Record[Any]] = {
    "Context": CONTEXT,
    "ErrorDetail": ERROR,
    "GrantSet": GRANTS,
    "MXRecord": wire.MX_RECORD,
    "Manifest": MANIFEST,
    "Result": RESULT,
    "RunMetadata": METADATA,
}


def run(vector: Vector) -> Rule | None:
    """Compare what is written again; by a rule, what Go refuses may be read, and the other way round."""
    record = vector["kind"].removeprefix("unmarshal:").removesuffix("(abi)").removesuffix("Wire")
    if record == "Config":
        return Rule.NO_GLOBAL_CONFIG
    if record not in {*_VALUES, *_REQUESTS, *_RESPONSES}:
        raise NoCounterpartError(f"no record of ours is a {record}")
    text = go.value(vector["input"])
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    expected = _REFUSED if vector["expected"]["error"] else vector["expected"]["reencoded"]
    actual = recode(record, data)
    if actual == expected:
        return None
    rule = _by_rule(record, _folded(_object(data)), actual, expected)
    if rule is None:
        must_equal(actual, expected)
    return rule


def recode(record: str, data: bytes) -> str:
    """Return a record read and written again, `refused` if it is not one."""
    try:
        return _recoded(record, data).decode()
    except WireFormatError:
        return _REFUSED


def _recoded(record: str, data: bytes) -> bytes:
    if record in _VALUES:
        return _VALUES[record].encode(_VALUES[record].decode(data))
    if record in _REQUESTS:
        decode_request, encode_request = _REQUESTS[record]
        return encode_request(*decode_request(data))
    response = _RESPONSES[record]
    try:
        decoded = response.decode(data)
    except (HostError, CapabilityError) as error:
        return response.encode_error(error.detail())
    return response.encode(decoded[0] if response is wire.HTTP_RESPONSE else decoded)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _by_rule(record: str, given: dict[str, Any], actual: str, expected: str) -> Rule | None:
    for rule, applies in _RULES.items():
        if applies(record, given, actual, expected):
            return rule
    return None


def _folded(given: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in given.items()}


def _body_is_text(record: str, given: dict[str, Any], actual: str, _: str) -> bool:
    return record.startswith("HTTP") and actual == _REFUSED and bool(_folded(given).get("body"))


def _unknown_name(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a status or an operation on keys is none that there is, or the type of a fact is not."""
    if record == "LogMessage":
        types = {str(each.get("type")) for each in given.get("attrs") or ()}
        if _REFUSED in (actual, expected) or types <= set(get_args(LogAttributeType)):
            return False
        return bool(json.loads(actual)["message"] == given["message"])
    if actual != _REFUSED:
        return False
    if record == "Result":
        return given.get("status") not in ("success", "failure", "error")
    rules = ((given.get("capabilities") or given).get("kv") or {}).get("rules") or ()
    return any(each.get("op") not in ("read", "write", "read-write") for each in rules)


def _bare_failure(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    said = (given.get("message"), given.get("error"))
    message = next((each for each in said if isinstance(each, str) and each), "")
    return (
        expected == _REFUSED and isinstance(given.get("error"), str) and json.dumps(message)[1:-1] in actual
    )


def _number_code(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    error = given.get("error")
    code = error.get("code") if isinstance(error, dict) else given.get("code")
    return expected == _REFUSED and isinstance(code, int) and f'"code":"{code}"' in actual


def _untyped_error(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether all that differs is the type of an error that came without one, or what follows from its type."""
    error = given.get("error")
    if not isinstance(error, dict) or _REFUSED in (actual, expected):
        return False
    inferred = ("is_timeout", "is_not_found") if error.get("type") else ("type", "is_timeout", "is_not_found")
    errors = [json.loads(text).get("error") or {} for text in (actual, expected)]
    return bool(errors[1]) and all(
        errors[0][name] == errors[1][name] for name in errors[1] if name not in inferred
    )


def _error_alone(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether the error is the same, and all that differs is what else the response held."""
    error = given.get("error")
    if not isinstance(error, dict) or actual == _REFUSED or record not in _RESPONSES:
        return False
    seen = json.loads(actual)["error"]
    if expected == _REFUSED:  # for one of the other fields
        return bool(seen["message"] == error.get("message") and isinstance(error.get("code", ""), str))
    return bool(seen == json.loads(expected)["error"])


def _denial(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    error = given.get("error")
    if record not in _RESPONSES or not isinstance(error, dict) or _REFUSED in (actual, expected):
        return False
    seen = json.loads(actual)["error"]
    return seen["type"] == "capability" and error.get("message", "") in seen["message"]


def _no_answer(record: str, given: dict[str, Any], actual: str, __: str) -> bool:
    return record in _RESPONSES and not given and '"code":"no_answer"' in actual


def _no_outcome(record: str, given: dict[str, Any], actual: str, __: str) -> bool:
    """Whether a response without an error lacks what every host says of a call that was made."""
    name = _OUTCOMES.get(record)
    outcome = None if name is None else given.get(name)
    return actual == _REFUSED and name is not None and (outcome is None or (name, outcome) == _NO_STATUS)


_OUTCOMES = {
    "HTTPResponse": "status_code",
    "TCPResponse": "connected",
    "SMTPResponse": "connected",
    "ExecResponse": "exit_code",
}
_NO_STATUS = ("status_code", 0)


def _no_timeout(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether all that differs is a negative timeout."""
    timeout = given.get("timeout_ms")
    return (
        isinstance(timeout, int)
        and timeout < 0
        and actual == expected.replace(f'"timeout_ms":{timeout},', "")
    )


def _other_spelling(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a record holds what only hostlib, or our own host, says, and all that Go reads is there too."""
    if actual == _REFUSED:  # one of those names has a value that it cannot have
        flags = any(type(given.get(name, False)) is not bool for name in _HOSTLIB_FLAGS)
        return flags or any(type(given.get(name, 0)) is not int for name in _HOSTLIB_NUMBERS)
    seen = json.loads(actual)
    headers = given.get("headers")
    if expected == _REFUSED and type(given.get("port")) is int:
        return bool(seen["port"] == (str(given["port"]) if given["port"] else ""))
    if expected == _REFUSED and isinstance(headers, dict) and str in map(type, headers.values()):
        return bool(seen["headers"].keys() == headers.keys())
    wanted = {} if expected == _REFUSED else json.loads(expected)
    options = ("tls", "starttls")  # which the other names may have set
    kept = all(seen.get(name) == value for name, value in wanted.items() if name not in options)
    return kept and not _HOSTLIB_NAMES.isdisjoint(given)


_HOSTLIB_FLAGS = ("use_tls", "use_starttls", "follow_redirects", "insecure_skip_verify")
_HOSTLIB_NUMBERS = ("latency_ms", "timeout_ms", "max_redirects")
_HOSTLIB_NAMES = {
    *("use_tls", "use_starttls", "timeout_ms", "follow_redirects", "max_redirects", "insecure_skip_verify"),
    *("latency_ms", "tls_cert_expiry", "tls_version", "extensions"),
}


def _environment(_: str, given: dict[str, Any], actual: str, __: str) -> bool:
    variables = given.get("env") or ()
    names = [each.partition("=")[0] for each in variables if isinstance(each, str)]
    unusual = len(set(names)) < len(names) or any("=" not in str(each) for each in variables)
    return unusual and actual != _REFUSED


def _unusual_port(_: str, given: dict[str, Any], actual: str, __: str) -> bool:
    """Whether a port is a name, out of range, or written with zeros before it."""
    port = given.get("port")
    if not isinstance(port, str):
        return False
    if not port.isdecimal() or int(port) not in range(2**16):
        return actual == _REFUSED
    return f'"port":"{int(port)}"' in actual and str(int(port)) != port


def _cut_output(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    flags = [given.get(f"{name}_truncated", False) for name in ("stdout", "stderr")]
    if actual == _REFUSED:  # one of them is no boolean
        return record == "ExecResponse" and any(type(flag) is not bool for flag in flags)
    cut = any(flags)
    return record == "ExecResponse" and bool(cut) and actual == expected[:-1] + ',"stdout_truncated":true}'


def _no_schema(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a manifest has a schema that is no object; hosts validate against it."""
    schemas = [given.get("config_schema")]
    schemas += [each.get("output_schema") for each in _operations(given)]
    return (
        record == "Manifest"
        and (actual, expected == _REFUSED) == (_REFUSED, False)
        and any(schema is not None and not isinstance(schema, dict) for schema in schemas)
    )


def _operations(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for service in (given.get("services") or {}).values():
        yield from (service or {}).get("operations") or ()


def _same_numbers(_: str, __: dict[str, Any], actual: str, expected: str) -> bool:
    if _REFUSED in (actual, expected):
        return False
    return bool(json.loads(actual, parse_int=float) == json.loads(expected, parse_int=float))


def _empty_for_null(_: str, __: dict[str, Any], actual: str, expected: str) -> bool:
    if _REFUSED in (actual, expected):
        return False
    return bool(without_empty(json.loads(actual)) == without_empty(json.loads(expected)))


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_empty(each) for name, each in value.items()} or None
    return [without_empty(each) for each in value] or None if isinstance(value, list) else value


_RULES: dict[Rule, Callable[[str, dict[str, Any], str, str], bool]] = {
    Rule.ERROR_ALONE: _error_alone,
    Rule.DENIALS: _denial,
    Rule.NO_ANSWER: _no_answer,
    Rule.SAYS_OUTCOME: _no_outcome,
    Rule.NO_TIMEOUT: _no_timeout,
    Rule.BODY_IS_BYTES: _body_is_text,
    Rule.CLOSED_STATUS: _unknown_name,
    Rule.HOST_FAILURE_READ: _bare_failure,
    Rule.CODE_NUMBER: _number_code,
    Rule.INFERRED_TYPE: _untyped_error,
    Rule.PORT_IS_NUMBER: _unusual_port,
    Rule.BOTH_SPELLINGS: _other_spelling,
    Rule.ENVIRONMENT: _environment,
    Rule.CUT_OUTPUT: _cut_output,
    Rule.FULL_MANIFEST: _no_schema,
    Rule.WHOLE_INTEGERS: _same_numbers,
    Rule.ONE_EMPTY_LIST: _empty_for_null,
}
