"""What the command plugin takes and what it answers."""

from __future__ import annotations

import reglet


@reglet.model
class ExecuteInput:
    """A program, or a line for the shell, and what to expect of it."""

    run: str = reglet.field(default="", description="Line for `/bin/sh -c`; give this or `command`")
    command: str = reglet.field(default="", description="Program to run without a shell; give this or `run`")
    args: list[str] = reglet.field(factory=list, description="Arguments of `command`")
    dir: str = reglet.field(default="", description="Directory to run in; the host's own if empty")
    env: list[str] = reglet.field(factory=list, description="Environment, each `NAME=value`; none if empty")
    timeout_seconds: int = reglet.field(default=30, ge=1, le=3600, description="Time limit, in seconds")
    expected_exit: int = reglet.field(default=0, description="Fail on any other exit code")
    expected_output: str = reglet.field(default="", description="Fail if stdout lacks this string")


@reglet.model
class ExecuteOutput:
    """How the program ended. Every field is always there."""

    command: str = reglet.field(description="The program that was run")
    exit_code: int = reglet.field(description="Its exit code")
    stdout: str = reglet.field(default="", description="What it wrote to stdout")
    stderr: str = reglet.field(default="", description="What it wrote to stderr")
    truncated: bool = reglet.field(default=False, description="Whether it wrote more than the host passes on")
    is_timeout: bool = reglet.field(default=False, description="Whether it was ended because time ran out")
    duration_ms: int = reglet.field(default=0, description="How long it ran, in milliseconds")
    expectation_failed: bool = reglet.field(default=False, description="Whether an expectation was not met")
    expectation_error: str = reglet.field(default="", description="Which ones, empty if none")
