"""Operations: what they answer to raw configs, how they are declared, their examples."""

from __future__ import annotations

import json
from typing import Any

import reglet
from reglet.application.models.inspect import model_type
from reglet.domain.context import Context
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import Result
from reglet.domain.errors import DefinitionError, HostError, RegletError
from reglet.infrastructure.wire.go_json import encode_json
from reglet.infrastructure.wire.result import encode_result
from reglet.testing.verification import verify_error, verify_output, verify_success
from tests.vectors import go_values as go
from tests.vectors.go_structs import model_of
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

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
    raw = given["raw_config"]
    result = _answer(b"" if raw == "(nil)" else raw.encode(), given["client"])
    seen = json.loads(encode_result(result))
    if expected["panic"]:
        must_equal([seen["status"], seen["error"]["code"]], ["error", "missing_client"])
        return Rule.TYPED_CLIENTS
    wanted = json.loads(expected["result"])
    if seen == wanted:
        return None
    return _differs(raw, seen, wanted)


def _differs(raw: str, seen: dict[str, Any], wanted: dict[str, Any]) -> Rule | None:
    """Return the rule for an answer that is not Go's."""
    refused = seen["status"] == "error" and seen["error"]["type"] == "config"
    if wanted["status"] == "success" and refused:
        return Rule.CONFIG_ENFORCED
    if wanted["status"] == "error" and seen["status"] == "success":
        must_equal(_holds_lenient_number(raw), True)
        return Rule.LENIENT_NUMBERS
    if refused and wanted["error"]["type"] == "config":
        return Rule.OWN_WORDS
    must_equal([seen["status"], seen["error"]["type"]], ["error", "network"])
    must_equal(f"network: {seen['error']['message']} [{seen['error']['code']}]", wanted["message"])
    return Rule.STRUCTURE_KEPT


def _holds_lenient_number(raw: str) -> bool:
    number = json.loads(raw).get("expected_status")
    return isinstance(number, str) or (isinstance(number, float) and number.is_integer()) or number is None


def _get_handler(given: list[str], expected: bool) -> Rule | None:
    service = plugin.services.get(given[0])
    must_equal(service is not None and given[1] in service.operations, expected)
    return None


def _register(given: str, expected: dict[str, Any]) -> Rule | None:
    """Compare a declaration that has a counterpart; some are mistakes that only Go can make."""
    if given in _ONLY_IN_GO:
        return Rule.PYTHON_SERVICES
    refusal = _refusal(_DECLARATIONS[given])
    if given == "twice":
        assert refusal, "one service was declared twice"
        return Rule.PYTHON_SERVICES
    must_equal(bool(refusal), expected["error"] is not None)
    return Rule.OWN_WORDS if refusal else None


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


_DECLARATIONS: dict[str, Any] = {
    "ok": lambda made: made.service("http")(HTTPService),
    "op_not_registered": lambda made: made.service("n")(_WithoutOperations),
    "bad_signature_arity": lambda made: made.service("n")(_TooManyArguments),
    "input_not_pointer": lambda made: made.service("n")(_NoModel),
    "output_not_pointer": lambda made: made.service("n")(_NoOutputModel),
    "first_param_not_context": lambda made: made.service("n")(_NoContext),
    "missing_name_tag": lambda made: made.service("")(HTTPService),
    "twice": _twice,
    "RegisterOp Check A; register A; RegisterOp Check B; register B": _interleaved,
}


_ONLY_IN_GO = {
    'RegisterOp[checkIn,checkOut]("Check"); RegisterOp[otherIn,otherOut]("Check"); RegisterService(&httpService{})',
    "method_missing",
    "no_method_tag_and_no_such_method",
    "no_service_embed",
    "not_pointer",
    "pointer_to_non_struct",
    "second_return_not_error",
}
"""Mistakes with Go's pointers, tags and registries, which have no counterpart in a decorated class."""


def _field_names(given: str, expected: list[str] | None) -> Rule | None:
    if expected is None:
        return Rule.GO_TAGS
    names = [each.name for each in model_type(model_of(given)).fields]
    if names == expected:
        return None
    # Go's helper disagrees with its JSON: fields without a tag are left out, unexported ones are not.
    assert set(names) & set(expected), f"{names} has nothing of {expected}"
    return Rule.GO_TAGS


def _struct_to_map(given: Any, expected: dict[str, Any]) -> Rule | None:
    if expected["error"] is not None:
        return Rule.OWN_WORDS
    if given is None:
        must_equal(expected["json"], "null")
        return None
    seen = json.loads(encode_json(go.value(given)))
    wanted = json.loads(expected["json"])
    if seen == wanted:
        return None
    must_equal({name: each for name, each in seen.items() if each is not None or name in wanted}, wanted)
    return Rule.ALL_FIELDS


def _example_test(given: list[dict[str, Any]] | None, expected: dict[str, Any]) -> Rule | None:
    messages = [message for each in given or () for message in _verified(each)]
    must_equal(not messages, expected["pass"])
    return None if messages == expected["messages"] else Rule.OWN_WORDS


def _verified(example: dict[str, Any]) -> list[str]:
    result = _answer(json.dumps(example["Input"]).encode(), "CL")
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
