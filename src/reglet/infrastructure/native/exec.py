"""Programs run by subprocess (POSIX): no shell, an empty environment, bounded output, nothing left over."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from typing import IO, Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, CommandRequest, CommandResult, Program
from reglet.domain.errors import CancelledError, ExecError
from reglet.infrastructure.native.dialer import Deadline

_CHUNK = 64 * 1024
_LOOK_UP = 0.1
"""How often, in seconds, to look whether a silent program ended or its check was cancelled."""


class ProcessOutput:
    """Standard output and standard error of one process."""

    def __init__(self, process: subprocess.Popen[bytes], limit: int) -> None:
        """Keep at most `limit` bytes of each; the rest is read and dropped, so that the program goes on."""
        self._process = process
        self._limit = limit
        self._kept = {
            stream: bytearray() for stream in (process.stdout, process.stderr) if stream is not None
        }
        self.truncated = False

    @property
    def stdout(self) -> str:
        """The standard output as text; what is not UTF-8 is replaced."""
        return self._text(self._process.stdout)

    @property
    def stderr(self) -> str:
        """The standard error as text; what is not UTF-8 is replaced."""
        return self._text(self._process.stderr)

    def collect(self, deadline: Deadline, ctx: Context) -> bool:
        """Read until the process ends. Returns False when the deadline came first.

        Raises `CancelledError` when the check is cancelled meanwhile.
        """
        with selectors.DefaultSelector() as selector:
            for stream in self._kept:
                selector.register(stream, selectors.EVENT_READ, stream)
            while selector.get_map():
                if deadline.expired:
                    return False
                ready = selector.select(min(deadline.left(), _LOOK_UP))
                for key, _ in ready:
                    if not self._read(key.data):
                        selector.unregister(key.data)
                if ctx.cancellation is not None and ctx.cancellation.is_cancelled:
                    raise CancelledError("exec")
                if not ready and self._process.poll() is not None:
                    return True  # its children may hold the pipes open, but it has ended
        return self._ended(deadline)

    def _ended(self, deadline: Deadline) -> bool:
        try:
            self._process.wait(deadline.left())
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read(self, stream: IO[bytes]) -> bool:
        chunk = os.read(stream.fileno(), _CHUNK)
        kept = self._kept[stream]
        room = self._limit - len(kept)
        kept += chunk[:room]
        self.truncated = self.truncated or len(chunk) > room
        return bool(chunk)

    def _text(self, stream: IO[bytes] | None) -> str:
        return self._kept[stream].decode("utf-8", "replace") if stream is not None else ""


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


def which_program(command: str, directory: str | None) -> Program:
    """Return the file that `command` means on this machine: a path, or a name in this process's `PATH`."""
    if "/" in command:
        path = os.path.abspath(os.path.join(directory or os.curdir, command))  # noqa: PTH100, PTH118 - no symlinks
    else:
        found = shutil.which(command)
        path = "" if found is None else os.path.abspath(found)  # noqa: PTH100
    return Program(path, os.path.realpath(path)) if path else Program()
