"""Records read from JSON: what Go reads and writes again, or that it refuses."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from reglet.domain.entities.records import LogAttributeType
from reglet.domain.entities.result import ERROR_TYPES
from reglet.domain.errors import CapabilityError, HostError, WireFormatError
from reglet.infrastructure.wire import host_functions as wire
from reglet.infrastructure.wire.exports import GRANTS, MANIFEST, METADATA, RESULT
from reglet.infrastructure.wire.messages import CONTEXT, ERROR, type_of_code
from reglet.infrastructure.wire.record import Record
from tests.vectors import go_json
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
    """Compare what is written again; by a rule, what Go refuses may be read, and the other way round.

    Go's answer, with its error, is known to the last byte, so that a wrong one is no difference.
    """
    kind = vector["kind"].removeprefix("unmarshal:").removesuffix("(abi)")
    record = kind.removesuffix("Wire")
    if record not in {*_VALUES, *_REQUESTS, *_RESPONSES, "Config"}:
        raise NoCounterpartError(f"no record of ours is a {record}")
    text = go.value(vector["input"])
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    wanted = _compare_go(kind, data, vector)
    if record == "Config":
        return Rule.NO_GLOBAL_CONFIG
    actual = recode(record, data)
    if actual == wanted:
        return Rule.OWN_WORDS if wanted == _REFUSED else None
    rule = _by_rule(record, _folded(_object(data)), actual, wanted)
    if rule is None and kind == "LogMessage":  # the one order of ours is that of the SDK
        must_equal(actual, go_json.written("LogMessageWire", go_json.read(kind, data)[0]))
        return Rule.LOG_ORDER
    if rule is None:
        must_equal(actual, wanted)
    return rule


def _compare_go(kind: str, data: bytes, vector: Vector) -> str:
    """Compare Go's answer with what its rules make of the text; return what it writes again, `refused` if it is not read."""
    expected = vector["expected"]
    package = "hostfunc" if vector["kind"].endswith("(abi)") else "entities"
    value, error = go_json.read(kind, data, package)
    if not go_json.same_error(error, expected["error"]):
        must_equal(expected["error"], error)
    must_equal(expected["reencoded"], go_json.written(kind, value))
    if expected.get("value") is not None:
        must_equal(go.exact(expected["value"]), go.exact(value))
    return _REFUSED if error else str(expected["reencoded"])


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


_TWICE = "\0twice"
_CODES_OF_WORDS = ("", "HOST_NOT_FOUND", "LOOKUP_FAILED", "CONNECTION_REFUSED", "TIMEOUT")
"""What the words of a host's error may stand for, where it has no code."""


def _object(data: bytes) -> dict[str, Any]:
    """Return the object in a text, empty where there is none, with the keys that stand there twice."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name.lower() for name, _ in pairs]
        twice = {name for name in names if names.count(name) > 1}
        return dict(pairs) | ({_TWICE: twice} if twice else {})

    try:
        value = json.loads(data, object_pairs_hook=made)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _by_rule(record: str, given: dict[str, Any], actual: str, expected: str) -> Rule | None:
    for rule, applies in _RULES.items():
        if applies(record, given, actual, expected):
            return rule
    return _same_but(record, actual, expected)


def _folded(given: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in given.items()}


def _body_is_text(record: str, given: dict[str, Any], actual: str, _: str) -> bool:
    """Whether a body is no base64, or bytes are written as a list."""
    if actual != _REFUSED:
        return False
    error = given if record == "ErrorDetail" else given.get("error")
    while isinstance(error, dict):
        if isinstance(error.get("stack"), list):
            return True
        error = error.get("wrapped")
    body = given.get("body")
    if not record.startswith("HTTP") or not body:
        return False
    try:
        base64.b64decode(re.sub("[\r\n]", "", body), validate=True)
    except (ValueError, TypeError):
        return True
    return False


def _unknown_name(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a status or an operation on keys is none that there is, or the type of a fact is not."""
    if record == "LogMessage":
        types = {str(each.get("type")) for each in given.get("attrs") or ()}
        if _REFUSED in (actual, expected) or types <= set(get_args(LogAttributeType)):
            return False
        return _same_rest(actual, expected, "attrs")
    if actual != _REFUSED:
        return False
    if record == "Result":
        return given.get("status") not in ("success", "failure", "error")
    rules = ((given.get("capabilities") or given).get("kv") or {}).get("rules") or ()
    return any(each.get("op") not in ("read", "write", "read-write") for each in rules)


def _bare_failure(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a host's failure stands in place of an error, or of an answer, whose words are all that is kept."""
    said = (given.get("message"), given.get("error"))
    message = next((each for each in said if isinstance(each, str) and each), "")
    if isinstance(given.get("error"), str):
        return expected == _REFUSED and json.dumps(message)[1:-1] in actual
    if not message or given.get("error") is not None or _REFUSED in (actual, expected):
        return False
    error = json.loads(actual).get("error") or {}
    return "error" not in json.loads(expected) and error.get("message") == message


def _number_code(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    error = given.get("error")
    code = error.get("code") if isinstance(error, dict) else given.get("code")
    if expected != _REFUSED or actual == _REFUSED or type(code) is not int:
        return False
    seen = json.loads(actual)
    told = (seen.get("error") or {}, error) if isinstance(error, dict) else (seen.get("error") or seen, given)
    return _is_told(*told)


def _untyped_error(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether all that differs is the type of an error that came without one, or what follows from its type."""
    if not isinstance(given.get("error"), dict) or _REFUSED in (actual, expected):
        return False
    errors = [json.loads(text).get("error") for text in (actual, expected)]
    return errors[0] != errors[1] and _same_error(*errors)


def _same_error(seen: dict[str, Any] | None, wanted: dict[str, Any] | None) -> bool:
    """Whether two errors, and what they wrap, are one, but for what is inferred: type, code and the flags."""
    if not seen or not wanted:
        return seen == wanted
    inner, kind, code = seen.get("wrapped") or {}, wanted["type"], wanted["code"]
    types = {kind, kind.lower()} & ERROR_TYPES or {type_of_code(code), type_of_code(kind)}
    if types <= {"internal", "network", "timeout"}:  # a host's words, or what is wrapped, say more
        types |= {"internal", "network", "timeout", inner.get("type", "internal")}
    codes = {code.upper()} if code else {kind.upper(), inner.get("code", "").upper(), *_CODES_OF_WORDS}
    flags = ("is_timeout", "is_not_found")
    told = [
        json.loads(json.dumps(each | dict.fromkeys(("type", "code", "wrapped", *flags))), parse_int=float)
        for each in (seen, wanted)
    ]
    return (
        told[0] == told[1]
        and seen["type"] in types
        and seen["code"].upper() in codes
        and all(seen.get(flag, False) >= wanted.get(flag, False) for flag in flags)
        and _same_error(seen.get("wrapped"), wanted.get("wrapped"))
    )


def _is_told(seen: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether an error, and what it wraps, has the words that were given, and a type."""
    inner = given.get("wrapped"), seen.get("wrapped")
    return (
        seen["message"] == (given.get("message") or "")
        and seen["type"] in ERROR_TYPES | {given.get("type") or ""}
        and (not given.get("code") or seen["code"].upper() == str(given["code"]).upper())
        and (not any(inner) or (all(inner) and _is_told(inner[1] or {}, inner[0] or {})))
    )


def _error_alone(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether the error is the same, and all that differs is what else the response held."""
    error = given.get("error")
    if not isinstance(error, dict) or actual == _REFUSED or record not in _RESPONSES:
        return False
    seen = json.loads(actual)["error"]
    if expected == _REFUSED:  # for one of the other fields
        return isinstance(error.get("code") or "", str) and _is_told(seen, error)
    others = [json.loads(text) | {"error": None} for text in (actual, expected)]
    return _same_error(seen, json.loads(expected)["error"]) and others[0] != others[1]


def _denial(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    error = given.get("error")
    if record not in _RESPONSES or not isinstance(error, dict) or _REFUSED in (actual, expected):
        return False
    seen = json.loads(actual)["error"]
    return seen["type"] == "capability" and error.get("message", "") in seen["message"]


def _no_answer(record: str, given: dict[str, Any], actual: str, __: str) -> bool:
    if record not in _RESPONSES or given or actual == _REFUSED:
        return False
    error = json.loads(actual).get("error") or {}
    return bool((error["type"], error["code"]) == ("internal", "no_answer") and error["message"])


def _no_outcome(record: str, given: dict[str, Any], actual: str, __: str) -> bool:
    """Whether a response without an error lacks what every host says of a call that was made."""
    name = _OUTCOMES.get(record, "")
    outcome = given.get(name)
    is_odd = name == "status_code" and type(outcome) is int and outcome not in range(1, 1000)
    return actual == _REFUSED and bool(name) and (outcome is None or is_odd)


_OUTCOMES = {
    "HTTPResponse": "status_code",
    "TCPResponse": "connected",
    "SMTPResponse": "connected",
    "ExecResponse": "exit_code",
}


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
    if actual == _REFUSED:
        return False
    seen = json.loads(actual)
    headers = given.get("headers")
    if expected == _REFUSED and type(given.get("port")) is int:
        return bool(seen["port"] == (str(given["port"]) if given["port"] else ""))
    if expected == _REFUSED:
        if not isinstance(headers, dict) or str not in map(type, headers.values()):
            return False
        return bool(seen["headers"].keys() == headers.keys())
    named = _HOSTLIB_NAMES & given.keys()
    has_tls = bool(given.get("tls_version")) or given.get("use_tls") is True
    told = {"tls": has_tls, "starttls": given.get("use_starttls") is True}
    options = [name for name, is_set in told.items() if is_set and seen.get(name) is True]
    return bool(named) and _same_rest(actual, expected, *named - json.loads(expected).keys(), *options)


def _same_rest(actual: str, expected: str, *names: str) -> bool:
    """Whether two objects are the same but for some names, and for empty lists and the digits of integers."""
    seen, wanted = (
        {name: each for name, each in json.loads(text, parse_int=float).items() if name not in names}
        for text in (actual, expected)
    )
    if wanted.get("timeout_ms", 0) < 0:  # which is none
        del wanted["timeout_ms"]
    return bool((without_empty(seen) or {}) == (without_empty(wanted) or {}))


_HOSTLIB_NAMES = {
    *("use_tls", "use_starttls", "timeout_ms", "follow_redirects", "max_redirects", "insecure_skip_verify"),
    *("latency_ms", "tls_cert_expiry", "tls_version", "extensions"),
}


def _environment(record: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether an environment has a name twice, or without a value, and is read as a mapping would be."""
    if record != "ExecRequest" or _REFUSED in (actual, expected):
        return False
    wanted = json.loads(expected).get("env") or []
    values = dict(each.partition("=")[::2] for each in wanted)
    seen = json.loads(actual).get("env") or []
    return sorted(seen) == sorted(map("=".join, values.items())) and _same_rest(actual, expected, "env")


def _unusual_port(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a port is a name, out of range, or written with zeros before it."""
    port, twice = given.get("port"), given.get(_TWICE, ())
    if not isinstance(port, str):
        return False
    if not (port.isascii() and port.isdecimal()) or int(port) not in range(2**16):
        return actual == _REFUSED
    if _REFUSED in (actual, expected) or str(int(port)) == port:
        return False
    return bool(json.loads(actual)["port"] == str(int(port))) and _same_rest(actual, expected, "port", *twice)


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


def _same_but(record: str, actual: str, expected: str) -> Rule | None:
    """Return the rule that makes two texts one: how empty lists, bodies, ports or numbers are written."""
    if _REFUSED in (actual, expected):
        return None
    is_manifest = record == "Manifest"
    numbers = Rule.RAW_JSON if is_manifest else Rule.WHOLE_INTEGERS
    steps: dict[Rule, Callable[[Any], Any]] = {
        Rule.ONE_EMPTY_LIST: without_empty,
        Rule.BODY_IS_BYTES: lambda seen: seen | {"body": re.sub("[\r\n]", "", seen.get("body") or "")},
        Rule.PORT_IS_NUMBER: lambda seen: seen | {"port": int(seen.get("port") or 0)},
        numbers: lambda seen: as_floats(
            without_null(seen) if is_manifest else seen
        ),  # a raw null is no schema
    }
    seen, wanted = json.loads(actual), json.loads(expected)
    for rule, step in steps.items():
        seen, wanted = step(seen) or {}, step(wanted) or {}
        if json.dumps(seen, sort_keys=True) == json.dumps(wanted, sort_keys=True):
            return rule
    return None


def as_floats(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_int=float)


def without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_null(each) for name, each in value.items() if each is not None}
    return [without_null(each) for each in value] if isinstance(value, list) else value


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_empty(each) for name, each in value.items()} or None
    return [without_empty(each) for each in value] or None if isinstance(value, list) else value


def _key_twice(_: str, given: dict[str, Any], actual: str, expected: str) -> bool:
    """Whether a key stands twice, and what is not under it is the same."""
    twice = given.get(_TWICE, ())
    if not twice or _REFUSED in (actual, expected):
        return bool(twice) and actual != _REFUSED
    seen, wanted = json.loads(actual), json.loads(expected)
    others = {"error"} if "error" in twice else seen | wanted  # an error stands alone
    return all(seen.get(name) == wanted.get(name) for name in others if name not in twice)


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
    Rule.KEY_TWICE: _key_twice,
}
