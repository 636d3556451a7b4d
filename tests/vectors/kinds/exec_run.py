"""`exec.run`: what a runner is given, and what comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reglet.domain.context import Context
from reglet.domain.entities.records import CommandRequest, CommandResult
from reglet.domain.errors import RegletError
from reglet.exec import run as run_command
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_SECOND_NS = 1_000_000_000
_DEFAULT_SECONDS = 30


class _Runner:
    """Keeps the request and answers as the vector says."""

    def __init__(self, fake: Given) -> None:
        self._fake = fake
        self.request: CommandRequest | None = None

    def run(self, request: CommandRequest) -> CommandResult:
        self.request = request
        if self._fake["error"] is not None:
            raise RegletError(self._fake["error"])
        result = self._fake["result"]
        return CommandResult(
            go.text(result["Stdout"]),
            go.text(result["Stderr"]),
            result["ExitCode"],
            timedelta(milliseconds=result["DurationMs"]),
            result["IsTimeout"],
        )


def run(vector: Vector) -> Rule | None:
    """Compare the request that arrives and the answer; durations are exact where Go's are whole numbers."""
    given, expected = vector["input"], vector["expected"]
    must_equal(expected, _go_answer(given))
    runner = _Runner(given["fake"])
    if given["fake"]["result"] is None and given["fake"]["error"] is None:
        return Rule.PORTS_ANSWER
    error, result = _run(given, runner)
    must_equal(error, expected["error"])
    must_equal(result, expected["result"])
    return _compare_request(runner.request, expected["request"], given["options"])


def _go_answer(given: Given) -> Given:
    """Return what a runner in Go is given, and what comes back."""
    options, fake, request = given["options"], given["fake"], dict(given["request"])
    request["Dir"] = request["Dir"] or options.get("workdir", "")
    request["Env"] = options.get("env") if request["Env"] is None else request["Env"]
    timeout = options.get("timeout_ns", 0)
    seconds = timeout // _SECOND_NS if timeout > 0 else _DEFAULT_SECONDS
    request["Timeout"] = request["Timeout"] or seconds
    error, result = fake["error"], None if fake["error"] is not None else fake["result"]
    if result is not None:
        texts = {name: go.as_written(go.text(result[name])) for name in ("Stdout", "Stderr")}
        result = result | texts
    return {"error": error, "request": request, "result": result}


def _run(given: Given, runner: _Runner) -> tuple[str | None, Given | None]:
    options = given["options"]
    timeout_ns = options.get("timeout_ns")
    try:
        result = run_command(
            Context(),
            _request(given["request"]),
            runner=runner,
            workdir=options.get("workdir"),
            env=_environment(options.get("env")),
            timeout=None if timeout_ns is None else timedelta(microseconds=timeout_ns / 1000),
        )
    except RegletError as failed:
        return str(failed), None
    return None, {
        "DurationMs": result.duration // timedelta(milliseconds=1),
        "ExitCode": result.exit_code,
        "IsTimeout": result.is_timeout,
        "Stderr": go.as_written(result.stderr),
        "Stdout": go.as_written(result.stdout),
    }


def _request(given: Given) -> CommandRequest:
    return CommandRequest(
        given["Command"],
        tuple(given["Args"] or ()),
        given["Dir"] or None,
        _environment(given["Env"]),
        timedelta(seconds=given["Timeout"]) if given["Timeout"] else None,
    )


def _environment(variables: list[str] | None) -> dict[str, str] | None:
    if variables is None:
        return None
    return {name: value for name, _, value in (each.partition("=") for each in variables)}


def _compare_request(request: CommandRequest | None, expected: Given, options: Given) -> Rule | None:
    assert request is not None, "the runner was not asked"
    must_equal(
        [list(request.args), request.command, request.dir or "", request.env],
        [expected["Args"] or [], expected["Command"], expected["Dir"], _environment(expected["Env"])],
    )
    assert request.timeout is not None, "no timeout reached the runner"
    variables = expected["Env"] or []
    unusual = len(_environment(variables) or {}) < len(variables) or any(
        "=" not in each for each in variables
    )
    rule = Rule.ENVIRONMENT if unusual else None
    if request.timeout == timedelta(seconds=expected["Timeout"]):
        return rule
    exact = timedelta(microseconds=options.get("timeout_ns", 0) / 1000)
    must_equal(request.timeout, exact or timedelta(seconds=_DEFAULT_SECONDS))
    return Rule.TIMEDELTA
