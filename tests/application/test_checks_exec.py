"""Running a program through a runner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglet.application.checks import run
from reglet.domain.context import Context
from reglet.domain.entities.records import CommandRequest, CommandResult
from reglet.domain.errors import ExecError, MissingClientError
from reglet.domain.ports import CommandRunner


class Runner:
    """Keeps the request and answers with exit code 3."""

    def __init__(self) -> None:
        self.request = CommandRequest("none")

    def run(self, request: CommandRequest) -> CommandResult:
        self.request = request
        return CommandResult(stderr="no", exit_code=3)


class Unstartable:
    """Cannot start anything."""

    def run(self, request: CommandRequest) -> CommandResult:
        raise ExecError(request.command, "denied")


def test_what_the_request_leaves_open_is_filled() -> None:
    """The caller's directory, environment and timeout are defaults."""
    runner = Runner()
    run(
        Context(),
        CommandRequest("ls"),
        runner=runner,
        workdir="/w",
        env={"A": "1"},
        timeout=timedelta(seconds=5),
    )
    assert runner.request == CommandRequest("ls", (), "/w", {"A": "1"}, timedelta(seconds=5))


def test_what_the_request_says_stays() -> None:
    """An empty environment is an environment."""
    runner = Runner()
    request = CommandRequest("ls", ("-l",), "/here", {}, timedelta(seconds=1))
    run(Context(), request, runner=runner, workdir="/w", env={"A": "1"}, timeout=timedelta(seconds=5))
    assert runner.request == request


@pytest.mark.parametrize("timeout", [None, timedelta(), timedelta(seconds=-1)])
def test_a_timeout_that_is_not_positive_is_30_seconds(timeout: timedelta | None) -> None:
    """There is always a limit."""
    runner = Runner()
    run(Context(), CommandRequest("ls"), runner=runner, timeout=timeout)
    assert runner.request.timeout == timedelta(seconds=30)


def test_a_short_timeout_is_kept_to_the_millisecond() -> None:
    """200 ms is not rounded to nothing."""
    runner = Runner()
    run(Context(), CommandRequest("ls"), runner=runner, timeout=timedelta(milliseconds=200))
    assert runner.request.timeout == timedelta(milliseconds=200)


def test_the_runner_of_the_context_is_used() -> None:
    """A non-zero exit code is a result."""
    result = run(Context().with_client(CommandRunner, Runner()), CommandRequest("ls"))
    assert (result.exit_code, result.stderr) == (3, "no")


def test_without_a_runner_the_error_says_so() -> None:
    """The port is named."""
    with pytest.raises(MissingClientError, match="CommandRunner"):
        run(Context(), CommandRequest("ls"))


def test_a_program_that_cannot_start_is_an_error() -> None:
    """The runner's error comes through."""
    with pytest.raises(ExecError, match="failed to execute 'ls': denied"):
        run(Context(), CommandRequest("ls"), runner=Unstartable())
