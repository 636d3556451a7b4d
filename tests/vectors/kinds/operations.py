"""Operations: what they answer to raw configs, how they are declared, their examples."""

from __future__ import annotations

import json
import re
from typing import Any

import reglet
from reglet.application.models.model_types import model_type
from reglet.domain.context import Context
from reglet.domain.entities.result import ErrorDetail, Result
from reglet.domain.errors import DefinitionError, HostError, RegletError, WireFormatError
from reglet.infrastructure.wire.exports import RESULT
from reglet.infrastructure.wire.go_json import encode_json
from reglet.testing.assertions import verify_error, verify_output, verify_success
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.go_fmt import GoValue, quoted
from tests.vectors.go_structs import model_of, root_type, struct_fields
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

_NO_CLIENT = -1


@reglet.model
class CheckIn:
    """What the vectors' handler takes."""

    url: str
    expected_status: int = 0


@reglet.model
class CheckOut:
    """What it answers."""

    status_code: int
    url: str


class ItFailedError(RegletError):
    """An error of the plugin's own."""

    error_type = "execution"


plugin = reglet.define_plugin(name="http", version="1.0.0", description="d")


@plugin.service("http")
class HTTPService:
    """The service of the vectors."""

    @reglet.operation(description="Check URL")
    def check(self, ctx: Context, request: CheckIn) -> CheckOut | Result:
        """Answer as the vectors' handler does."""
        match request.url:
            case "fail":
                raise ItFailedError("it failed <x>")
            case "detail":
                raise HostError(ErrorDetail("network", "m", "C"))
            case "nil":
                return reglet.result_success("ok")
            case "client":
                client = reglet.try_get_client(ctx, str)
                return CheckOut(_NO_CLIENT, "no string client") if client is None else CheckOut(1, client)
            case "getclient":
                return CheckOut(1, reglet.get_client(ctx, str))
        return CheckOut(request.expected_status, request.url)


def run(vector: Vector) -> Rule | None:
    """Compare what the kind asks for."""
    return _KINDS[vector["kind"]](vector["input"], vector["expected"])


def _answer(raw: bytes, client: Any) -> Result:
    ctx = Context() if client is None else Context().with_client(type(client), client)
    return plugin.check(ctx, raw)


def _handler(given: dict[str, Any], expected: dict[str, Any]) -> Rule | None:
    """Compare the results; what Go's handler answers is known."""
    raw = "" if given["raw_config"] == "(nil)" else given["raw_config"]
    config, error = go_json.read("checkIn", raw.encode()) if raw else (go_json.zero("checkIn"), None)
    wanted = _go_answer(config, error, given["client"])
    if str(config["url"]).startswith("panic") and expected.get("panic"):
        raise NoCounterpartError("a panic of the vectors' handler, which is told by its text alone")
    _compare_go(wanted, expected)
    seen = json.loads(RESULT.encode(_answer(raw.encode(), given["client"])))
    if "panic" in wanted:
        must_equal([seen["status"], seen["error"]["code"]], ["error", "missing_client"])
        return Rule.TYPED_CLIENTS
    if error is None and config["url"] == "getclient" and seen == wanted:
        return None
    return None if seen == wanted else _differs(raw, seen, wanted)


def _go_answer(config: dict[str, Any], error: str | None, client: Any) -> dict[str, Any]:
    """Return what the vectors' handler answers in Go: a result, or its panic."""
    if error is not None:
        return _go_failure("config", f"failed to parse config: {error}")
    url, data = config["url"], {"status_code": config["expected_status"], "url": config["url"]}
    match url:
        case "fail":
            return _go_failure("execution", "it failed <x>")
        case "detail":
            return _go_failure("execution", "network: m [C]")
        case "nil":
            data = {}
        case "client" | "getclient" if isinstance(client, str):
            data = {"status_code": 1, "url": client}
        case "client":
            data = {"status_code": _NO_CLIENT, "url": "no string client"}
        case "getclient" if client is None:
            return {"panic": "plugin: no client in context - ensure handler is called via SDK"}
        case "getclient":
            return {"panic": "plugin: client type mismatch"}
    made = {"timestamp": "0001-01-01T00:00:00Z", "data": data, "status": "success", "message": "ok"}
    return made if data else {name: each for name, each in made.items() if name != "data"}


def _go_failure(kind: str, message: str) -> dict[str, Any]:
    error = {"message": message, "type": kind, "code": ""}
    return {"timestamp": "0001-01-01T00:00:00Z", "error": error, "status": "error", "message": message}


def _compare_go(wanted: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare Go's answer with what is known of it; of a text that is no JSON, its error's beginning."""
    must_equal([expected["error"], expected.get("panic")], [None, wanted.get("panic")])
    if "panic" in wanted:
        must_equal(expected["result"], "null")
        return
    told = json.loads(expected["result"])
    if wanted["message"].endswith(go_json.SYNTAX_ERRORS[0]):
        said = told["message"]
        must_equal(
            said.startswith(tuple(f"failed to parse config: {each}" for each in go_json.SYNTAX_ERRORS)), True
        )
        wanted = _go_failure("config", said)
    floats = json.loads(json.dumps(wanted), parse_int=float)
    must_equal(json.loads(expected["result"], parse_int=float), floats)


def _differs(raw: str, seen: dict[str, Any], wanted: dict[str, Any]) -> Rule | None:
    """Return the rule for an answer that is not Go's, if the config holds its reason."""
    error = seen.get("error") or {}
    refused = error.get("type") == "config"
    has_other_case = _has_key_in_other_case(_config(raw))
    if wanted["status"] == "error" and wanted["error"]["type"] == "config":
        if refused and not has_other_case:
            _compare_places(error["message"], wanted["error"]["message"])
            return Rule.OWN_WORDS
        must_equal(has_other_case or _holds_lenient_number(raw), True)
        return Rule.KEYS_AS_WRITTEN if has_other_case else Rule.LENIENT_NUMBERS
    if refused:
        return _stricter(raw, error["message"])
    if error.get("type") == "network" and wanted["status"] == "error" and not has_other_case:
        must_equal(f"network: {error['message']} [{error['code']}]", wanted["message"])
        return Rule.STRUCTURE_KEPT
    if not has_other_case:
        must_equal(seen, wanted)
    return Rule.KEYS_AS_WRITTEN


def _config(raw: str) -> dict[str, Any]:
    """Return the object in a config, empty where there is none."""
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _stricter(raw: str, refusal: str) -> Rule:
    """Return the rule by which we refuse what Go takes: `url` is required, and is called just that."""
    given = _config(raw)
    if refusal.startswith("the config must be an object, not null"):
        must_equal(raw.strip(), "null")
        return Rule.CONFIG_ENFORCED
    if refusal.startswith(("there is no service ", "there is no operation ")):
        must_equal({"service", "operation"} & given.keys() == set(), False)
        return Rule.CONFIG_ENFORCED
    if _has_key_in_other_case(given):
        return Rule.KEYS_AS_WRITTEN
    names = [place.partition(" ")[0] for place in refusal.split("@ $.")[1:]]
    must_equal((refusal.partition(":")[0], {given.get(name) for name in names}), ("is required", {None}))
    return Rule.CONFIG_ENFORCED


def _has_key_in_other_case(given: dict[str, Any]) -> bool:
    names = ("url", "expected_status")
    return any(name not in names and go_json.folded(name) in names for name in given)


def _compare_places(refusal: str, wanted: str) -> None:
    """Compare that both refusals name one place: no JSON, no object, or the same field."""
    if "Go struct field" in wanted:
        must_equal("@ $." in refusal or refusal.startswith("there is no "), True)
    elif "Go value of type" in wanted:
        must_equal(refusal.startswith("the config must be an object"), True)
    else:
        must_equal(refusal.startswith("the config is not JSON"), True)


def _holds_lenient_number(raw: str) -> bool:
    """Whether the status is an integer that is written as a text or a fraction, or is too big for Go's."""
    number = _config(raw).get("expected_status")
    if isinstance(number, str):
        return float(number).is_integer()
    return (isinstance(number, float) and number.is_integer()) or (
        isinstance(number, int) and number not in range(-(2**63), 2**63)
    )


def _get_handler(given: list[str], expected: bool) -> Rule | None:
    service = plugin.services.get(given[0])
    must_equal(service is not None and given[1] in service.operations, expected)
    return None


def _register(given: str, expected: dict[str, Any]) -> Rule | None:
    """Compare a declaration that has a counterpart; some are mistakes that only Go can make.

    Which mistake an input makes is in Go's message; what it declares is told in words.
    """
    message = expected["error"] or expected.get("panic") or ""
    if expected["error"] is not None:
        must_equal(any(each.fullmatch(message) for each in _GO_MESSAGES), True)
        must_equal(
            expected.get("must_panic"),
            f"failed to register service: {message}" if "must_panic" in expected else None,
        )
        must_equal(expected.get("panic"), None)
    if not message:
        must_equal([expected.get("panic"), expected.get("must_panic")], [None, None])
        return _register_well(given, expected)
    if any(phrase in message for phrase in _ONLY_IN_GO):
        return Rule.PYTHON_SERVICES
    for phrase, (declaration, words) in _MISTAKES.items():
        if phrase in message:
            refusal = _refusal(declaration)
            must_equal((refusal, words in refusal), (refusal, True))
            return Rule.OWN_WORDS
    raise NoCounterpartError(f"a mistake that we do not know: {message}")


def _register_well(given: str, expected: dict[str, Any]) -> Rule | None:
    """Compare declarations that Go takes; by a rule, one service twice is a mistake."""
    if any(word in given for word in ("twice", "again", "same", "duplicate")):
        must_equal(expected.get("operations", 1), 1)
        must_equal("two services are called" in _refusal(_twice), True)
        return Rule.PYTHON_SERVICES
    if given.count("egister") > 1:
        must_equal(_refusal(_interleaved), "")
        return None
    if "ok" not in given.split() and not given.startswith(("ok", "valid")):
        raise NoCounterpartError(f"what does {given!r} declare?")
    must_equal(_refusal(lambda made: made.service("http")(HTTPService)), "")
    return None


def _refusal(declaration: Any) -> str:
    made = reglet.define_plugin(name="n", version="1", description="d")
    try:
        declaration(made)
    except DefinitionError as problem:
        return str(problem)
    return ""


class _WithoutOperations:
    """A service that has none."""


class _TooManyArguments:
    """A handler with two inputs."""

    @reglet.operation()  # type: ignore[arg-type]  # the mistake is the test
    def check(self, ctx: Context, request: CheckIn, other: CheckIn) -> CheckOut:
        """Never called."""
        return CheckOut(0, "")


class _NoModel:
    """A handler whose input is no model."""

    @reglet.operation()
    def check(self, ctx: Context, request: int) -> CheckOut:
        """Never called."""
        return CheckOut(0, "")


class _NoContext:
    """A handler whose first parameter is no context."""

    @reglet.operation()  # type: ignore[arg-type]  # the mistake is the test
    def check(self, ctx: int, request: CheckIn) -> CheckOut:
        """Never called."""
        return CheckOut(0, "")


class _NoOutputModel:
    """A handler whose answer is no model."""

    @reglet.operation()
    def check(self, ctx: Context, request: CheckIn) -> int:
        """Never called."""
        return 0


def _twice(made: reglet.PluginDefinition) -> None:
    made.service("http")(HTTPService)
    made.service("http")(HTTPService)


def _interleaved(made: reglet.PluginDefinition) -> None:
    made.service("a")(HTTPService)
    made.service("b")(HTTPService)


_IN_SERVICE = r"service \w+, operation \w+: "
_GO_MESSAGES = [
    re.compile(each)
    for each in (
        r"service must be a pointer to struct, got [\w.*\[\]]+",
        r"struct must embed plugin\.Service",
        r"Service field missing 'name' tag",
        r"service has no operations \(no Op fields\)",
        (
            r"Op field (\w+) not registered - call plugin\.RegisterOp\[I,O\]\(\"\1\", \.\.\.\) "
            r"in init\(\) before MustRegisterService"
        ),
        r"service \w+: no method \w+ for operation \w+ \(field \w+\)",
        _IN_SERVICE + r"typed handler must have signature \(context\.Context, \*Input\) \(\*Output, error\)",
        _IN_SERVICE + r"second parameter must be \*\w+, got [\w.*\[\]]+",
        _IN_SERVICE + r"first return must be \*\w+, got [\w.*\[\]]+",
        _IN_SERVICE + r"first parameter must be context\.Context",
        _IN_SERVICE + r"second return must be error",
    )
]
"""What the Go SDK says of mistakes."""
_MISTAKES: dict[str, tuple[Any, str]] = {
    "not registered": (lambda made: made.service("n")(_WithoutOperations), "has no operations"),
    "has no operations": (lambda made: made.service("n")(_WithoutOperations), "has no operations"),
    "must have signature": (lambda made: made.service("n")(_TooManyArguments), "takes (ctx, request, other)"),
    "second parameter must be": (lambda made: made.service("n")(_NoModel), "neither Context nor a model"),
    "first return must be": (lambda made: made.service("n")(_NoOutputModel), "write a model of yours"),
    "first parameter must be context": (
        lambda made: made.service("n")(_NoContext),
        "neither Context nor a model",
    ),
    "missing 'name' tag": (lambda made: made.service("")(HTTPService), "service name ''"),
}
"""What Go's message of a mistake says, the same mistake here, and what our refusal says of it."""
_ONLY_IN_GO = (
    "must be a pointer to struct",
    "must embed plugin.Service",
    "no method ",
    "second return must be error",
    "must be *otherIn",
    "must be *otherOut",
    "got *main.",
    "nil pointer",
)
"""Mistakes with Go's pointers, tags and registries, which have no counterpart in a decorated class."""


def _field_names(given: str, expected: list[str] | None) -> Rule | None:
    """Compare the names, or Go's own rule for them: what the `json` tags of its own fields name."""
    if root_type(given) is not None or given.startswith("**"):
        must_equal(expected, None)
        return Rule.GO_TAGS
    own = [each for each in struct_fields(given) if not each.is_promoted]
    tagged = [each.tags.get("json", "") for each in own]
    names = [tag.split(",")[0] for tag in tagged if tag != "-" and tag.split(",")[0]]
    must_equal(expected or [], names)
    if len({each.json_name for each in own}) < len(own):
        return Rule.GO_TAGS
    ours = [each.name for each in model_type(model_of(given)).fields]
    return None if ours == names else Rule.GO_TAGS


def _struct_to_map(given: Any, expected: dict[str, Any]) -> Rule | None:
    """Compare the output with Go's, which goes through JSON, so that each number becomes a float."""
    held = given
    if isinstance(given, dict) and given.keys() == _ALL_KINDS and not given["o"]:
        held = {name: each for name, each in given.items() if name != "o"}  # the one that may be left out
    try:
        value, error = go_json.read("map[string]any", go_json.written("any", held).encode())
    except (ValueError, WireFormatError):
        value, error = None, "json: "
    error = error if error is None or error.startswith("json: c") else "json: "
    must_equal(go_json.same_error(error, expected["error"]), True)
    must_equal(expected["json"], go_json.written("map[string]any", value))
    if expected.get("map") is not None:
        must_equal(go.exact(expected["map"]), go.exact(value))
    if error is not None:
        must_equal(_is_no_output(given), True)
        return Rule.OWN_WORDS
    if value is None:
        return None
    seen = json.loads(encode_json(go.exact(given)))
    wanted = json.loads(expected["json"])
    floats = json.loads(encode_json(json.loads(json.dumps(seen), parse_int=float)))
    if wanted in (seen, floats):
        return None if seen == wanted else Rule.WHOLE_INTEGERS
    must_equal({name: each for name, each in floats.items() if each or name in wanted}, wanted)
    return Rule.ALL_FIELDS


_ALL_KINDS = {"NT", "b", "d", "f", "i", "l", "m", "o", "p", "r", "t"}
"""The fields of the vectors' struct of all kinds."""


def _is_no_output(given: Any) -> bool:
    """Whether a value is no object in JSON, or not JSON at all, so that neither makes an output of it."""
    try:
        return not isinstance(json.loads(encode_json(go.exact(given))), dict)
    except (ValueError, WireFormatError):
        return True


def _example_test(given: list[dict[str, Any]] | None, expected: dict[str, Any]) -> Rule | None:
    """Compare verdicts and messages; Go's are known, in the order of a map, which has none."""
    wanted = [message for each in given or () for message in _go_verified(each)]
    must_equal(sorted(expected["messages"]), sorted(wanted))
    must_equal(expected["pass"], not wanted)
    messages = [message for each in given or () for message in _verified(each)]
    if bool(messages) == bool(wanted):
        return None if messages == wanted else Rule.OWN_WORDS
    must_equal(any(map(_expects_flat_text, given or ())), True)
    return Rule.STRUCTURE_KEPT


def _go_verified(example: dict[str, Any]) -> list[str]:
    """Return what Go's test of an example says."""
    given = go_json.zero("checkIn") | example["Input"]
    result = _go_answer(given, None, "CL")
    message = result["message"] if result["status"] == "error" else None
    if example["ExpectedError"]:
        is_met = message is not None and example["ExpectedError"] in message
        return (
            [] if is_met else [f"expected error containing {quoted(example['ExpectedError'])}, got success"]
        )
    if message is not None:
        return [f"unexpected error result: {message}"]
    if example["ExpectedOutput"] is None:
        return []
    wanted, data = go_json.zero("checkOut") | example["ExpectedOutput"], result.get("data", {})
    return [
        f"field {quoted(name)}: expected {_float(each)}, got {_float(data[name])}"
        if name in data
        else f"missing field {quoted(name)} in output"
        for name, each in wanted.items()
        if data.get(name) != each
    ]


def _float(given: Any) -> str:
    """Return an output's value as Go's test shows it; it went through JSON."""
    value = GoValue.of(float(given) if isinstance(given, int) else given)
    return f"{value} ({value.go_type})"


def _expects_flat_text(example: dict[str, Any]) -> bool:
    """Whether an example expects an error's type or code in its message, where Go has them."""
    error = _answer(json.dumps(go.value(example["Input"])).encode(), "CL").error
    return error is not None and example["ExpectedError"] in str(error)


def _verified(example: dict[str, Any]) -> list[str]:
    result = _answer(json.dumps(go.value(example["Input"])).encode(), "CL")
    if example["ExpectedError"]:
        return verify_error(example["ExpectedError"], result)
    if example["ExpectedOutput"] is None:
        return verify_success(result)
    return verify_output(example["ExpectedOutput"], result.data or {})


_KINDS: dict[str, Any] = {
    "handler": _handler,
    "get_handler": _get_handler,
    "register_error": _register,
    "field_names": _field_names,
    "struct_to_map": _struct_to_map,
    "example_test": _example_test,
}
