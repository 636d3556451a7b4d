"""Runs a program with defaults for where, with what environment and how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from attrs import evolve

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT, CommandRequest, CommandResult
from reglet.domain.ports import CommandRunner


def run(
    ctx: Context,
    request: CommandRequest,
    *,
    runner: CommandRunner | None = None,
    workdir: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: timedelta | None = None,
) -> CommandResult:
    """Run a program to its end and return what it wrote and how it ended; a non-zero exit code is a result.

    What the request leaves open is filled from `workdir`, `env` and `timeout` (30 seconds; a timeout that
    is not positive counts as none given). An environment that the request gives stays, an empty one too.
    `runner` is used instead of the context's.

    Raises:
        ExecError: the program could not be started.
        CapabilityError: no grant covers the program.
        MissingClientError: the context has no `CommandRunner` and none was given.
    """
    if runner is not None:
        ctx = ctx.with_client(CommandRunner, runner)
    if timeout is None or timeout <= timedelta():
        timeout = DEFAULT_TIMEOUT
    return ctx.client(CommandRunner).run(
        evolve(
            request,
            dir=request.dir or workdir or None,
            env=env if request.env is None else request.env,
            timeout=request.timeout or timeout,
        )
    )
