"""Programs run by subprocess (POSIX): no shell, an empty environment, bounded output, nothing left over.

Windows has no groups of processes to end, and hands a program one line, which `.bat` files parse as a shell.
"""

from __future__ import annotations

import os
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import IO, Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MAX_BODY_BYTES, CommandRequest, CommandResult, Program
from reglet.domain.errors import CancelledError, ExecError
from reglet.infrastructure.native.dialer import READ_SIZE, Deadline

if sys.platform == "linux":
    from resource import RLIMIT_RTTIME, prlimit

_LOOK_UP = 0.1
"""How often, in seconds, to look whether the check was cancelled; and without pidfds, the program ended."""
_LAST_WORDS = 1024 * 1024
"""How much is read of a pipe once its program has ended, the most that it holds: children may go on."""
_PATIENCE = 1.0
"""How long, in seconds, to wait for the end of a program that was killed."""
_ROUNDS = 10
_SOON = 10_000
"""How many processes can be made in the microseconds in which a program has no mark yet, and many more."""
_SMALLEST_LIMIT = 2**61
_LOST = -(2**31)
"""Stands for an exit code that nobody knows; no signal has this number."""

if sys.platform == "win32":
    _KILL_GROUP: Callable[[int, int], object] | None = None
    _KILL = signal.SIGTERM
else:
    _KILL_GROUP = os.killpg
    _KILL = signal.SIGKILL


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
        """The standard output; what is not UTF-8 is replaced."""
        return self._text(self._process.stdout)

    @property
    def stderr(self) -> str:
        """The standard error; what is not UTF-8 is replaced."""
        return self._text(self._process.stderr)

    def collect(self, deadline: Deadline, ctx: Context) -> bool:
        """Read until the process ends, whoever holds its pipes. Returns False when the deadline came first.

        Raises `CancelledError` when the check is cancelled meanwhile.
        """
        with selectors.DefaultSelector() as selector, _end_of(self._process) as end:
            for stream in self._kept:
                selector.register(stream, selectors.EVENT_READ, stream)
            if end is not None:
                selector.register(end, selectors.EVENT_READ)
            in_time = True
            while not _has_ended(self._process) and (in_time := not deadline.expired):
                if ctx.cancellation is not None and ctx.cancellation.is_cancelled:
                    raise CancelledError("exec")
                for key, _ in selector.select(min(deadline.left(), _LOOK_UP)):
                    if key.data is not None:
                        self._read(key.data, selector)
            # what it left in its pipes, and no more than they can hold
            left = dict.fromkeys(self._kept, _LAST_WORDS)
            while last := [key.data for key, _ in selector.select(0) if left.get(key.data, 0) > 0]:
                for stream in last:
                    left[stream] -= READ_SIZE
                    self._read(stream, selector)
        return in_time

    def _read(self, stream: IO[bytes], selector: selectors.BaseSelector) -> None:
        """Read what is there; at its end the stream is waited for no more."""
        chunk = os.read(stream.fileno(), READ_SIZE)
        kept = self._kept[stream]
        room = self._limit - len(kept)
        kept += chunk[:room]
        self.truncated = self.truncated or len(chunk) > room
        if not chunk:
            selector.unregister(stream)

    def close(self) -> None:
        """Close the pipes."""
        for stream in self._kept:
            stream.close()

    def _text(self, stream: IO[bytes] | None) -> str:
        return self._kept[stream].decode("utf-8", "replace") if stream is not None else ""


@frozen
class NativeCommandRunner:
    """The `CommandRunner` port over real processes.

    `kill_group` ends a process group (`os.killpg`); where there are none, None, no program is run.
    """

    max_output_bytes: int = MAX_BODY_BYTES
    kill_group: Callable[[int, int], object] | None = _KILL_GROUP
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the runner for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end; a non-zero exit code is a result, and so is a timeout.

        However it ends, what it started is ended with it: its process group, and on Linux what left that
        group or became a daemon too. A program that became another user cannot be: it is waited for a second.
        A program ended by a signal, or for want of time, has exit code -1, as on Go's side.

        Raises `ExecError` if the program could not be started, its exit code is lost, or this is not POSIX.
        """
        if self.kill_group is None:
            raise ExecError(
                request.command,
                f"commands need a POSIX system, and this is {sys.platform}: run the plugin in WSL, in a "
                "container or on a Go host",
            )
        began = time.monotonic()
        deadline = Deadline.start("exec", request.command, request.timeout, self._ctx)
        process = _started(request)
        mark = Mark.put_on(process)
        output = ProcessOutput(process, self.max_output_bytes)
        try:
            in_time = output.collect(deadline, self._ctx)
        finally:
            took = timedelta(seconds=time.monotonic() - began)
            with suppress(ProcessLookupError, PermissionError):
                self.kill_group(process.pid, _KILL)
            if mark is not None:
                mark.end_bearers()
            _wait_for_end(process, _PATIENCE)
            if not _has_ended(process):  # it may not be killed by us; somebody must collect it
                threading.Thread(target=process.wait, name=f"wait {process.pid}", daemon=True).start()
            output.close()
        if process.returncode == _LOST:
            reason = "its exit code is lost, since this process ignores SIGCHLD or collects all children"
            raise ExecError(request.command, f"{reason}; set SIGCHLD to SIG_DFL")
        return CommandResult(
            stdout=output.stdout,
            stderr=output.stderr,
            exit_code=-1 if process.returncode is None or not in_time else max(process.returncode, -1),
            duration=took,
            is_timeout=not in_time,
            truncated=output.truncated,
        )


@frozen
class Mark:
    """What a program hands down to all that it starts, by which they are found again (Linux).

    Children that call `setsid` leave the process group, and those that become daemons the family: no parent
    leads to them. They inherit two things: the pipes, unless they were sent elsewhere, and the limit on the
    time of real-time threads, which is set to a value of its own here, far above any use. What has sent its
    output elsewhere in the microseconds before the limit was set is not found.
    """

    pid: int
    limit: int
    pipes: frozenset[str]

    @classmethod
    def put_on(cls, process: subprocess.Popen[bytes]) -> Self | None:
        """Mark a process and what it has started already; None without Linux's `/proc`."""
        if sys.platform == "linux" and os.path.exists("/proc/self"):  # noqa: PTH110 - paths are slow
            limit = _SMALLEST_LIMIT + secrets.randbelow(_SMALLEST_LIMIT)
            pids = [process.pid]
            while pids:
                pid = pids.pop()
                with suppress(OSError, ValueError):  # it has ended already, or is another user's
                    _, hard = prlimit(pid, RLIMIT_RTTIME)
                    prlimit(pid, RLIMIT_RTTIME, (limit, hard))
                    pids += map(int, _content(f"/proc/{pid}/task/{pid}/children").split())
            streams = (each for each in (process.stdout, process.stderr) if each is not None)
            pipes = frozenset(f"pipe:[{os.fstat(each.fileno()).st_ino}]" for each in streams)
            return cls(process.pid, limit, pipes)
        return None

    def end_bearers(self) -> None:
        """Kill every process with this mark, and what they start meanwhile."""
        with suppress(OSError, ValueError):
            # The last number given on this machine is its own: no process was made after it. No other gets it
            # before this one is collected, and numbers come round slowly after that.
            if int(_content("/proc/loadavg").split()[-1]) == self.pid:
                return
        for _ in range(_ROUNDS):
            found = self._bearers()
            for pid in found:
                with suppress(OSError):
                    os.kill(pid, _KILL)
            if not found:
                return
            time.sleep(0.001)

    def _bearers(self) -> list[int]:
        found: list[int] = []
        if sys.platform == "linux":
            own = os.getpid()
            for name in os.listdir("/proc"):  # noqa: PTH208 - once a command, and paths are ten times slower
                pid = int(name) if name.isdecimal() else own
                if pid == own:
                    continue
                with suppress(OSError, ValueError):
                    is_marked = prlimit(pid, RLIMIT_RTTIME)[0] == self.limit
                    if not is_marked and (pid - self.pid) % _most_processes() < _SOON:
                        # it may have been started before the limit was set: then it writes to the pipes
                        outputs = (os.readlink(f"/proc/{pid}/fd/{each}") for each in (1, 2))  # noqa: PTH115
                        is_marked = not self.pipes.isdisjoint(outputs)
                    # one that has ended, and waits to be collected, has its limits still
                    if is_marked and _content(f"/proc/{pid}/stat").rpartition(b") ")[2][:1] != b"Z":
                        found.append(pid)
        return found


def _content(path: str) -> bytes:
    """Return the first 4 KiB of a file of the kernel's."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


@cache
def _most_processes() -> int:
    """Return after how many processes their numbers come round."""
    return int(_content("/proc/sys/kernel/pid_max"))


@contextmanager
def _end_of(process: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """Open what is ready once a process has ended; None where there is no such thing, or no process."""
    try:
        descriptor = os.pidfd_open(process.pid)  # type: ignore[attr-defined,unused-ignore]  # Linux
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Report whether a process has ended, and collect it; `Popen` takes a lost exit code for 0."""
    if process.returncode is None and sys.platform == "linux":
        try:
            if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return False
        except ChildProcessError:
            process.returncode = _LOST
    return process.poll() is not None


def _wait_for_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for the end of a process. `Popen.wait` with a time looks every so often, which takes longer."""
    if _has_ended(process):
        return
    with _end_of(process) as end, selectors.DefaultSelector() as selector:
        if end is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        else:
            selector.register(end, selectors.EVENT_READ)
            selector.select(seconds)


def _started(request: CommandRequest) -> subprocess.Popen[bytes]:
    if not request.command:
        raise ExecError(request.command, "no command is given")
    try:
        return subprocess.Popen(  # noqa: S603 - what may run is the policy's business
            [request.command, *request.args],
            executable=request.executable or None,
            cwd=request.dir or None,
            env=dict(request.env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except ValueError as error:
        raise ExecError(request.command, _what_no_program_takes(request) or error) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise ExecError(request.command, error) from error


def _what_no_program_takes(request: CommandRequest) -> str:
    """Return which part of a request cannot be handed to a program, and why."""
    variables = request.env or {}
    for name in variables:
        if "=" in name:
            return f"the name of the variable {name!r} holds an equals sign"
    parts = {
        "the command": request.command,
        **{f"args[{index}]": argument for index, argument in enumerate(request.args)},
        "the directory": request.dir or "",
        **{f"the name of the variable {name!r}": name for name in variables},
        **{f"the value of the variable {name!r}": value for name, value in variables.items()},
    }
    for place, text in parts.items():
        if "\0" in text:
            return f"{place} holds a NUL character"
        try:
            os.fsencode(text)
        except UnicodeEncodeError as error:
            return f"{place} holds {text[error.start]!r}, which cannot be encoded"
    return ""


def which_program(command: str, directory: str | None) -> Program:
    """Return the file that `command` means on this machine: a path, or a name in this process's `PATH`.

    Entries of `PATH` that are relative, or empty, are passed over: where they lead depends on the directory.
    """
    if "\0" in command or "\0" in (directory or ""):
        return Program()
    if "/" in command:
        path = os.path.abspath(os.path.join(directory or os.curdir, command))  # noqa: PTH100, PTH118 - no symlinks
    else:
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        searched = os.pathsep.join(folder for folder in folders if folder.startswith("/"))
        path = (shutil.which(command, path=searched) if searched else None) or ""
    return Program(path, os.path.realpath(path)) if path else Program()
