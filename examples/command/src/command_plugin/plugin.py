"""The command plugin: one service, one operation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs

import reglet
import reglet.exec
from command_plugin.models import ExecuteInput, ExecuteOutput
from reglet import answers
from reglet.errors import ConfigError, ExecError

plugin = reglet.define_plugin(
    name="command",
    description="Execute commands and validate output",
    # What the system itself brings, a shell among it; a profile that runs something else grants it.
    capabilities=reglet.GrantSet(
        exec=reglet.ExecCapability(commands=["/bin/*", "/bin/sh", "/usr/bin/*", "/usr/bin/systemctl"])
    ),
)

EXAMPLES = [
    reglet.Example(
        "direct",
        ExecuteInput(command="/bin/echo", args=["hello"], expected_output="hello"),
        description="A program with arguments, no shell",
        expected_output=ExecuteOutput(command="/bin/echo", exit_code=0, stdout="hello\n"),
        answers=[answers.command("/bin/echo", ["hello"], stdout="hello\n")],
    ),
    reglet.Example(
        "shell",
        ExecuteInput(run="uname -s | tr A-Z a-z"),
        description="A line for the shell",
        expected_output=ExecuteOutput(command="/bin/sh", exit_code=0, stdout="linux\n"),
        answers=[answers.command("/bin/sh", ["-c", "uname -s | tr A-Z a-z"], stdout="linux\n")],
    ),
    reglet.Example(
        "expected_exit",
        ExecuteInput(command="/usr/bin/systemctl", args=["is-active", "telnet"], expected_exit=3),
        description="An exit code that is not 0 may be the right one",
        expected_output=ExecuteOutput(command="/usr/bin/systemctl", exit_code=3, stdout="inactive\n"),
        answers=[
            answers.command("/usr/bin/systemctl", ["is-active", "telnet"], stdout="inactive\n", exit_code=3)
        ],
    ),
    reglet.Example(
        "wrong_exit",
        ExecuteInput(command="/bin/false"),
        description="Another exit code than expected: the check fails, and its data is there",
        expected_error="Exit code mismatch: expected 0, got 1",
        answers=[answers.command("/bin/false", exit_code=1)],
    ),
    reglet.Example(
        "both",
        ExecuteInput(run="true", command="/bin/true"),
        description="A line for the shell or a program, not both",
        expected_error="cannot specify both 'run' and 'command'",
    ),
]


@plugin.service("execution", description="Running programs")
class ExecutionService:
    """Runs programs."""

    @reglet.operation(description="Run a program and report how it ended", examples=EXAMPLES)
    def execute(self, ctx: reglet.Context, request: ExecuteInput) -> ExecuteOutput | reglet.Result:
        """Run a program; an exit code is data, a program that cannot be started is an error."""
        command = _command(request)
        try:
            result = reglet.exec.run(ctx, command)
        except ExecError as error:
            return reglet.result_error(attrs.evolve(error.detail(), message=f"execution failed: {error}"))
        problems = list(_problems(request, result))
        output = _output(command, result, problems)
        if problems:
            raise reglet.CheckFailed("; ".join(problems), output)
        return output


def _command(request: ExecuteInput) -> reglet.CommandRequest:
    if not request.run and not request.command:
        raise ConfigError("command", "either 'run' or 'command' must be specified")
    if request.run and request.command:
        raise ConfigError("command", "cannot specify both 'run' and 'command'")
    if request.run and request.args:
        raise ConfigError("args", "they belong to 'command'; write them into the line of 'run'")
    return reglet.CommandRequest(
        command=request.command or "/bin/sh",
        args=["-c", request.run] if request.run else request.args,
        dir=request.dir or None,
        env=dict(_variable(index, entry) for index, entry in enumerate(request.env)),
        timeout=timedelta(seconds=request.timeout_seconds),
    )


def _variable(index: int, entry: str) -> tuple[str, str]:
    name, equals, value = entry.partition("=")
    if not name or not equals:
        raise ConfigError(f"env[{index}]", "expected NAME=value")  # what is there may be a secret
    return name, value


def _problems(request: ExecuteInput, result: reglet.CommandResult) -> Iterator[str]:
    if result.is_timeout:
        yield f"Timeout: still running after {request.timeout_seconds} s"
    elif result.exit_code != request.expected_exit:
        yield f"Exit code mismatch: expected {request.expected_exit}, got {result.exit_code}"
    if request.expected_output not in result.stdout:
        yield f"Output mismatch: expected '{request.expected_output}' in stdout"


def _output(
    command: reglet.CommandRequest, result: reglet.CommandResult, problems: list[str]
) -> ExecuteOutput:
    return ExecuteOutput(
        command=command.command,
        exit_code=result.exit_code,
        stdout=result.stdout,
        stderr=result.stderr,
        truncated=result.truncated,
        is_timeout=result.is_timeout,
        duration_ms=result.duration // timedelta(milliseconds=1),
        expectation_failed=bool(problems),
        expectation_error="; ".join(problems),
    )
