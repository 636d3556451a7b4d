"""Programs, run for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from select import select
from threading import Timer

import pytest

from reglet.domain.context import Cancellation, Context, ContextBound
from reglet.domain.entities.records import CommandRequest, Program
from reglet.domain.errors import CancelledError, ExecError, TimeoutError  # noqa: A004 - our own family
from reglet.domain.ports import CommandRunner
from reglet.infrastructure.native.commands import NativeCommandRunner, ProcessOutput, which_program
from reglet.infrastructure.native.dialer import Deadline
from tests.patience import comes_true, longer_each_time

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands are run on POSIX alone")

RUNNER = NativeCommandRunner()
SHORT = timedelta(milliseconds=200)
LONG = timedelta(minutes=10)
UNTIL_MARKED = "while grep -q 'timeout *unlimited' /proc/$$/limits; do :; done"
"""What has sent its output elsewhere before that is not found."""


def shell(script, **options):
    """Run a shell script."""
    return RUNNER.run(CommandRequest("/bin/sh", ("-c", script), **options))


def shell_that_told(script, first=SHORT):
    """Run a shell script that takes too long, with time enough to say something before."""
    return next(
        result for limit in longer_each_time(first) if (result := shell(script, timeout=limit)).stdout
    )


def is_gone(pid):
    """Whether there is no such process; one that only waits to be collected is none."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return True


def dies(pid):
    """Whether a process is gone soon."""
    return comes_true(lambda: is_gone(pid))


def test_the_runner_is_the_port():
    """It can be bound to a context as the port."""
    assert isinstance(RUNNER, CommandRunner)
    assert isinstance(RUNNER, ContextBound)


def test_a_program_runs_to_its_end():
    """Both outputs, the exit code, the time it took."""
    result = shell("echo out; echo err >&2; exit 3")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 3)
    assert result.duration > timedelta()
    assert (result.is_timeout, result.truncated) == (False, False)


def test_without_groups_of_processes_no_program_is_started(tmp_path: Path):
    """As on Windows: the message names the system, and where the plugin can run."""
    made = tmp_path / "made"
    runner = NativeCommandRunner(kill_group=None)
    with pytest.raises(ExecError, match=f"POSIX system, and this is {sys.platform}: run the plugin in WSL"):
        runner.run(CommandRequest("/bin/touch", (str(made),)))
    assert not made.exists()


def test_there_is_no_shell():
    """Arguments arrive as they are."""
    assert (
        RUNNER.run(CommandRequest("/bin/echo", ("$HOME", "*", "; id", "a  b"))).stdout
        == "$HOME * ; id a  b\n"
    )


def test_the_environment_is_empty_by_default():
    """Nothing of ours leaks; what is given is all there is."""
    script = "import os; print(sorted(set(os.environ) - {'LC_CTYPE', 'PWD'}))"
    bare = CommandRequest(sys.executable, ("-I", "-c", script))
    assert RUNNER.run(bare).stdout == "[]\n"
    given = CommandRequest(sys.executable, ("-I", "-c", script), env={"A": "1", "B": "2"})
    assert RUNNER.run(given).stdout == "['A', 'B']\n"


def test_the_directory_is_the_given_one(tmp_path):
    """A directory that is not there is an error."""
    assert shell("pwd -P", dir=str(tmp_path)).stdout == f"{tmp_path.resolve()}\n"
    with pytest.raises(ExecError, match="No such file or directory"):
        shell("pwd", dir=str(tmp_path / "missing"))


def test_standard_input_is_empty():
    """A program that reads does not hang."""
    assert RUNNER.run(CommandRequest("/bin/cat")).stdout == ""


def test_output_that_is_no_text_is_replaced():
    """Byte by byte."""
    assert shell(r"printf 'a\377b'").stdout == "a\ufffdb"


def test_output_beyond_the_limit_is_dropped_and_marked():
    """The program goes on to its end."""
    runner = NativeCommandRunner(max_output_bytes=1000)
    script = "head -c 1000 /dev/zero; head -c 500000 /dev/zero >&2; exit 7"
    result = runner.run(CommandRequest("/bin/sh", ("-c", script)))
    assert (len(result.stdout), len(result.stderr), result.exit_code) == (1000, 1000, 7)
    assert result.truncated
    whole = runner.run(CommandRequest("/bin/sh", ("-c", "head -c 1000 /dev/zero")))
    assert (len(whole.stdout), whole.truncated) == (1000, False)


def test_a_program_that_takes_too_long_is_killed_with_all_that_it_started():
    """The result has what it wrote so far."""
    result = shell_that_told("sleep 600 & echo $!; exec sleep 600")
    assert result.is_timeout
    assert result.exit_code == -1
    assert dies(int(result.stdout))
    assert SHORT <= result.duration < LONG


def test_what_a_program_wrote_in_time_is_in_the_result_however_late_it_is_read():
    """A machine that stands still may see first that the time is over."""
    with subprocess.Popen(["/bin/sh", "-c", "echo hi; exec sleep 600"], stdout=subprocess.PIPE) as process:
        select([process.stdout], [], [])
        output = ProcessOutput(process, 1000)
        deadline = Deadline.start("exec", "sh", timedelta(microseconds=1), Context())
        assert not output.collect(deadline, Context())
        process.kill()
    assert output.stdout == "hi\n"


def test_a_program_that_closes_its_output_is_timed_all_the_same():
    """The end of the output is not the end of the program."""
    assert shell("exec >&- 2>&-; sleep 600", timeout=SHORT).is_timeout


def test_what_a_program_leaves_running_is_ended_with_it():
    """It holds the output open, and does not hold us up."""
    result = shell("sleep 600 & echo $!; exit 4", timeout=LONG)
    assert (result.exit_code, result.is_timeout) == (4, False)
    assert dies(int(result.stdout))
    quiet = shell("sleep 600 >/dev/null 2>&1 & echo $!", timeout=LONG)
    assert dies(int(quiet.stdout))


@pytest.mark.parametrize(
    "script", ["(while :; do echo x; done) & echo hi", "(while :; do echo x >&2; sleep 0.01; done) & echo hi"]
)
def test_a_child_that_writes_on_and_on_is_not_waited_for(script):
    """The program has ended: its exit code and its own words are the result, and no timeout."""
    result = shell(script, timeout=LONG)
    assert (result.exit_code, result.is_timeout) == (0, False)
    assert "hi\n" in result.stdout


def test_last_words_are_read_whole():
    """What a program wrote just before its end is in the pipe when it is found to have ended."""
    result = shell("head -c 60000 /dev/zero | tr '\\0' a; sleep 600 & exit 5", timeout=LONG)
    assert (len(result.stdout), result.exit_code, result.is_timeout) == (60_000, 5, False)


def test_a_program_that_ended_in_time_is_no_timeout_whatever_holds_its_pipes():
    """However long they do."""
    for _ in range(20):
        result = shell("sleep 600 & exit 0", timeout=timedelta(minutes=5))
        assert (result.exit_code, result.is_timeout) == (0, False)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what left the process group stays")
@pytest.mark.parametrize(
    "script",
    [
        "setsid sleep 600 & echo $!; sleep 0.1",
        f"{UNTIL_MARKED}; setsid sleep 600 >/dev/null 2>&1 & echo $!; sleep 0.1",
        "setsid sh -c '(setsid sleep 600 & echo $!) ' ; sleep 0.1",
        "setsid sleep 600 & echo $!; exec sleep 600",
    ],
)
def test_what_left_the_process_group_is_ended_too(script):
    """In a session of its own, or a daemon whose parent has ended."""
    assert dies(int(shell_that_told(script, timedelta(seconds=1)).stdout))


def test_a_program_that_cannot_be_killed_is_not_waited_for_for_ever(tmp_path):
    """It became another user, say; somebody collects it when it ends."""
    refused, escaped = [], tmp_path / "escaped"

    def kill_group(pid, sent):
        refused.append(pid)
        assert comes_true(escaped.exists)
        raise PermissionError(1, "Operation not permitted")

    runner = NativeCommandRunner(kill_group=kill_group)
    script = (
        "import os, resource as r, sys, time\n"
        "while r.getrlimit(r.RLIMIT_RTTIME)[0] == -1: time.sleep(0.001)\n"  # it has its mark
        "r.setrlimit(r.RLIMIT_RTTIME, (5, -1))\n"
        "nowhere = os.open(os.devnull, os.O_WRONLY); os.dup2(nowhere, 1); os.dup2(nowhere, 2)\n"
        "open(sys.argv[1], 'w').close(); time.sleep(600)"
    )
    result = runner.run(CommandRequest(sys.executable, ("-I", "-c", script, str(escaped)), timeout=SHORT))
    assert (result.is_timeout, result.exit_code) == (True, -1)
    (pid,) = refused
    assert not is_gone(pid)
    os.kill(pid, signal.SIGKILL)
    assert dies(pid)


def test_a_name_is_looked_up_on_absolute_entries_of_the_path_alone(tmp_path, monkeypatch):
    """A relative one leads into whatever directory a plugin runs in."""
    trap = tmp_path / "ls"
    trap.write_text("#!/bin/sh\necho trapped\n")
    trap.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".::bin/../")
    assert which_program("ls", None) == Program()
    monkeypatch.setenv("PATH", f".:{tmp_path}:/bin")
    assert which_program("ls", None).path == str(trap)
    monkeypatch.setenv("PATH", "")
    assert which_program("ls", str(tmp_path)) == Program()
    assert which_program("l\0s", None) == Program()
    assert which_program("./ls", "\0") == Program()


def test_the_given_file_is_run_under_the_name_of_the_command(tmp_path):
    """What was judged is what runs, whatever the path leads to by then; a program sees the name it was called by."""
    link = tmp_path / "tool"
    link.symlink_to("/bin/false")
    request = CommandRequest(str(link), ("-c", "echo $0"), executable=os.path.realpath("/bin/sh"))
    assert RUNNER.run(request).stdout == f"{link}\n"


def test_a_program_ended_by_a_signal_has_exit_code_minus_one():
    """As Go says it."""
    assert shell("kill -TERM $$").exit_code == -1


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="elsewhere a program is looked at every so often")
def test_the_duration_is_the_programs_own():
    """Not that of a child which holds its pipes."""
    durations = (shell("sleep 600 & exit 3").duration for _ in range(100))
    assert any(took < timedelta(milliseconds=80) for took in durations)


def test_a_program_has_a_time_that_no_clock_counts_to():
    """What may take for ever ends when it ends, with its output closed too."""
    result = shell("exec >&- 2>&-; exit 3", timeout=timedelta.max)
    assert (result.exit_code, result.is_timeout) == (3, False)


def test_a_timeout_has_no_exit_code():
    """However short the time: either the program ended, or it was ended."""
    for microseconds in (1, 500, 1_000, 2_000):
        result = shell("exit 3", timeout=timedelta(microseconds=microseconds))
        assert (result.exit_code, result.is_timeout) in [(3, False), (-1, True)]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can ask")
def test_an_exit_code_that_is_lost_is_not_0():
    """Where SIGCHLD is ignored, the system keeps no exit codes."""
    kept = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(ExecError, match=r"its exit code is lost.*; set SIGCHLD to SIG_DFL"):
            shell("exit 5")
    finally:
        signal.signal(signal.SIGCHLD, kept)


def test_an_empty_directory_is_that_of_this_process():
    """As in Go, and as on the wire."""
    assert RUNNER.run(CommandRequest("/bin/pwd", dir="")).stdout == f"{os.path.realpath('.')}\n"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (CommandRequest(""), "no command is given"),
        (CommandRequest("/bin/echo", ("a", "b\0")), "args[1] holds a NUL character"),
        (CommandRequest("/bin/echo", ("\ud800",)), "args[0] holds '\\ud800', which cannot be encoded"),
        (CommandRequest("/bin/echo", dir="/t\0"), "the directory holds a NUL character"),
        (CommandRequest("/bin/env", env={"A": "\0"}), "the value of the variable 'A' holds a NUL character"),
        (CommandRequest("/bin/env", env={"A=": ""}), "the name of the variable 'A=' holds an equals sign"),
    ],
)
def test_what_no_program_takes_is_named(request_, reason):
    """By its place in the request."""
    with pytest.raises(ExecError) as caught:
        RUNNER.run(request_)
    assert str(caught.value) == f"failed to execute '{request_.command}': {reason}"


@pytest.mark.parametrize(
    "request_",
    [
        CommandRequest("/no/such/program"),
        CommandRequest("/etc"),
        CommandRequest("/bin/ls", ("a\0b",)),
        CommandRequest(""),
    ],
)
def test_a_program_that_cannot_be_started_is_an_error(request_):
    """It names the command."""
    with pytest.raises(ExecError) as caught:
        RUNNER.run(request_)
    assert str(caught.value).startswith(f"failed to execute '{request_.command}': ")


def test_the_deadline_of_the_context_comes_first():
    """Past it nothing is started."""
    request = CommandRequest("/bin/sleep", ("600",), timeout=timedelta(hours=1))
    for limit in longer_each_time(SHORT):
        runner = RUNNER.in_context(Context().with_timeout(limit))
        try:
            assert runner.run(request).is_timeout
        except TimeoutError:  # the machine stood still before it was begun
            continue
        break
    with pytest.raises(TimeoutError):
        runner.run(request)


def test_a_cancelled_check_ends_its_program():
    """Cancelled meanwhile, from another thread."""
    cancellation = Cancellation()
    timer = Timer(0.1, cancellation.cancel)
    timer.start()
    with pytest.raises(CancelledError):
        RUNNER.in_context(Context(cancellation=cancellation)).run(CommandRequest("/bin/sleep", ("600",)))
    timer.join()
