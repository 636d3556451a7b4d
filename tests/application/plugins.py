"""Plugins that the tests of this folder call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import reglet
from reglet import Context, HTTPClient
from reglet.errors import NetworkError


@reglet.model
class CheckInput:
    """What a check takes."""

    url: str = reglet.field(description="URL to request")
    expected_status: int = 200


@reglet.model
class CheckOutput:
    """What a check answers."""

    status_code: int
    url: str


@reglet.model
class MoreOutput(CheckOutput):
    """What a check answers, and more."""

    more: str


class Kind(Enum):
    """An enum."""

    ONE = "one"


@reglet.model
class ListInput:
    """What a list takes."""

    prefix: str = ""


@reglet.model
class ListOutput:
    """What a list answers."""

    names: list[str]


single = reglet.define_plugin(name="single", version="1.0.0", description="One operation")


@single.service("http", description="HTTP request checking")
class HTTPService:
    """Answers as its URL says."""

    @reglet.operation(
        description="Check URL",
        examples=[
            reglet.Example("basic", CheckInput("u"), expected_output=CheckOutput(200, "u"), description="d"),
            reglet.Example("error", CheckInput("broken"), expected_error="down"),
        ],
    )
    def check(self, request: CheckInput) -> CheckOutput | reglet.Result | None:
        """Do what the URL says."""
        outcome = OUTCOMES.get(request.url)
        return CheckOutput(request.expected_status, request.url) if outcome is None else outcome()


def _raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def _bug() -> CheckOutput:
    return CheckOutput(1 // 0, "x")


OUTCOMES: Mapping[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "more than promised": lambda: MoreOutput(1, "x", "more"),
    "own result": lambda: reglet.result_failure("mine", {"a": 1}),
    "own result with models": lambda: reglet.result_success(
        "mine", {"all": [CheckOutput(1, "x")], "kind": Kind.ONE, "n": None}
    ),
    "failed": _raising(reglet.CheckFailed("not so", {"b": 2})),
    "failed with a model": _raising(reglet.CheckFailed("not so", CheckOutput(1, "x"))),  # type: ignore[arg-type]
    "broken": _raising(NetworkError("connect", "a.test:80", "down")),
    "bug": _bug,
    "exit": _raising(SystemExit(3)),
    "interrupt": _raising(KeyboardInterrupt()),
    "wrong type": lambda: "text",
}


several = reglet.define_plugin(name="several", version="1.0.0", description="Three operations")


@several.service("web")
class WebService:
    """Two operations of different shapes."""

    @reglet.operation(description="Check")
    def check(self, request: CheckInput) -> CheckOutput:
        """Answer the request."""
        return CheckOutput(request.expected_status, request.url)

    @reglet.operation(description="List")
    def list_(self, ctx: Context, request: ListInput) -> ListOutput:
        """Answer with the request id."""
        return ListOutput([request.prefix, ctx.request_id or ""])


@several.service("status")
class StatusService:
    """No input, and a port."""

    @reglet.operation()
    def ping(self, ctx: Context, *, http: HTTPClient | None = None) -> reglet.Result:
        """Say whether there is a client."""
        return reglet.result_success("pong", {"client": http is not None, "cancelled": ctx.cancelled})
