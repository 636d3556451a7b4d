"""Programs run by subprocess (POSIX): no shell, an empty environment, bounded output, nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, CommandRequest, CommandResult
from reglet.domain.errors import ExecError
from reglet.infrastructure.native.deadline import Deadline
from reglet.infrastructure.native.process_output import ProcessOutput


@frozen
class NativeCommandRunner:
    """The `CommandRunner` port over real processes."""

    max_output_bytes: int = MAX_BODY_BYTES
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the runner for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end; a non-zero exit code is a result, and so is a timeout.

        When time runs out the whole process group is killed. A program ended by a signal has exit code -1,
        as on Go's side. Raises `ExecError` if the program could not be started.
        """
        deadline = Deadline.start("exec", request.command, request.timeout, self._ctx)
        began = time.monotonic()
        with _started(request) as process:
            output = ProcessOutput(process, self.max_output_bytes)
            try:
                in_time = output.collect(deadline, self._ctx)
            finally:
                _kill_group(process)
        return CommandResult(
            stdout=output.stdout,
            stderr=output.stderr,
            exit_code=max(process.returncode, -1),
            duration=timedelta(seconds=time.monotonic() - began),
            is_timeout=not in_time,
            truncated=output.truncated,
        )


def _started(request: CommandRequest) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - what may run is the policy's business
            [request.command, *request.args],
            cwd=request.dir,
            env=dict(request.env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ExecError(request.command, error) from error


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started and left in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
