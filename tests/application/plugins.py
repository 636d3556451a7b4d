"""Plugins that the tests of this folder call."""

from __future__ import annotations

from enum import Enum

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
        match request.url:
            case "nothing":
                return None
            case "more than promised":
                return MoreOutput(1, "x", "more")
            case "own result with models":
                return reglet.result_success(
                    "mine", {"all": [CheckOutput(1, "x")], "kind": Kind.ONE, "n": None}
                )
            case "own result":
                return reglet.result_failure("mine", {"a": 1})
            case "failed":
                raise reglet.CheckFailed("not so", {"b": 2})
            case "failed with a model":
                raise reglet.CheckFailed("not so", CheckOutput(1, "x"))  # type: ignore[arg-type]
            case "broken":
                raise NetworkError("connect", "a.test:80", "down")
            case "bug":
                return CheckOutput(1 // 0, "x")
            case "exit":
                raise SystemExit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "wrong type":
                return "text"  # type: ignore[return-value]
        return CheckOutput(request.expected_status, request.url)


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
