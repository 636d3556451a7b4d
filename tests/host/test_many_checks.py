"""Many checks over threads, processes and executors that break: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

import pytest

from reglet.domain.entities.grants import EnvironmentCapability, GrantSet
from reglet.infrastructure.host.many_checks import Work, remember, run_batch
from reglet.infrastructure.host.worker_processes import WorkerProcesses
from reglet.sandbox import (
    CheckOutcome,
    GuestTrapError,
    LimitExceededError,
    Limits,
    Progress,
    Sandbox,
    SandboxClosedError,
    WorkerLostError,
)
from tests.host.modules import DIAL, HOSTILE, LOG, plugin
from tests.host.requests import network
from tests.host.test_sandbox import COUNTER
from tests.host.wishes import Host, wishes
from tests.patience import PATIENCE, comes_true

ASK = "(return (call $tcp (call $pack (local.get $p) (local.get $n))))"
ASKING = plugin(ASK)
"""Asks the host what its config says, and answers with what the host answered."""


def names(outcomes):
    """Return the names in the messages of Results."""
    return [each.result.message.split()[0] for each in outcomes]


@pytest.fixture(scope="module")
def one():
    """One process, for tests that do without one of their own."""
    with WorkerProcesses(1) as executor:
        yield executor


@pytest.fixture
def sandbox(tmp_path):
    """A sandbox with the host of these tests."""
    with Sandbox(functions=Host(tmp_path)) as sandbox:
        yield sandbox


def test_outcomes_come_in_the_order_of_the_configs(sandbox):
    """From as many processes as are asked for, none of them this one."""
    configs = wishes(40)
    configs[0]["seconds"] = 0.3
    outcomes = list(sandbox.check_many(ASKING, configs, processes=2))
    assert names(outcomes) == [str(index) for index in range(40)]
    assert [each.config for each in outcomes] == configs
    assert [(each.index, each.error, each.runs) for each in outcomes] == [(n, None, 1) for n in range(40)]
    processes = {each.result.message.split()[2] for each in outcomes}
    assert len(processes) <= 2
    assert str(os.getpid()) not in processes


def test_outcomes_may_come_as_the_checks_end(sandbox):
    """Then none waits for a slow one."""
    configs = wishes(20)
    configs[0]["after"] = "19"  # which is given out when some others have come back
    outcomes = list(sandbox.check_many(ASKING, configs, processes=2, ordered=False))
    assert outcomes[0].index != 0
    assert sorted(each.index for each in outcomes) == list(range(20))
    assert all(names([each]) == [str(each.index)] for each in outcomes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ThreadPoolExecutor(4),
        lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")),
        lambda: WorkerProcesses(1),
    ],
    ids=["threads", "processes", "one"],
)
def test_any_executor_will_do(sandbox, make):
    """It is not shut down: whoever made it goes on with it."""
    with make() as executor:
        for _ in range(2):
            outcomes = list(sandbox.check_many(ASKING, wishes(30), executor=executor))
            assert names(outcomes) == [str(index) for index in range(30)]
        assert executor.submit(abs, -1).result() == 1


def test_a_check_whose_worker_died_is_made_again(sandbox, tmp_path):
    """It alone: the checks that went with it are made again too, and each has one outcome."""
    configs = wishes(60)
    for index in (3, 17, 40):
        configs[index]["deaths"] = 1
    outcomes = list(sandbox.check_many(ASKING, configs, processes=2))
    assert names(outcomes) == [str(index) for index in range(60)]
    assert all(each.error is None for each in outcomes)
    assert [outcomes[index].runs for index in (3, 17, 40)] == [2, 2, 2]
    runs = {path.name: len(path.read_text().splitlines()) for path in tmp_path.iterdir()}
    assert max(runs.values()) == 2


@pytest.mark.parametrize("retries", [0, 2])
def test_a_check_that_ends_every_worker_is_run_so_often_and_no_more(sandbox, tmp_path, retries):
    """Then it is an error, and the others have their Results."""
    configs = wishes(5)
    configs[2]["deaths"] = 99
    outcomes = list(sandbox.check_many(ASKING, configs, processes=1, retries=retries))
    lost = outcomes.pop(2)
    assert isinstance(lost.error, WorkerLostError)
    assert lost.result.is_error
    assert lost.result.error is not None
    assert (lost.result.error.code, lost.runs) == ("worker_lost", retries + 1)
    assert "signal 9" in lost.result.message
    assert len((tmp_path / "2").read_text().splitlines()) == retries + 1
    assert names(outcomes) == ["0", "1", "3", "4"]


def test_processes_take_the_place_of_an_executor_that_broke(sandbox):
    """A process pool that lost one process does nothing any more; what remains is done all the same."""
    configs = wishes(50)
    configs[9]["deaths"] = 1
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        outcomes = list(sandbox.check_many(ASKING, configs, executor=executor))
    assert names(outcomes) == [str(index) for index in range(50)]
    assert max(each.runs for each in outcomes) == 2


def test_what_is_wrong_with_a_config_is_its_own_error(sandbox, one):
    """Not JSON, not an object, nested too deeply, too large: the others go on."""
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    configs = [{"name": "a"}, {"name": object()}, ["name"], deep, b" " * 2_000_000, b'{"name":"b"}']
    outcomes = list(sandbox.check_many(ASKING, configs, executor=one))
    codes = [each.result.error.type if each.result.error else "" for each in outcomes]
    assert codes == ["", "config", "config", "config", "internal", ""]
    assert isinstance(outcomes[4].error, LimitExceededError)
    assert "object is not a JSON value" in outcomes[1].result.message
    assert [outcomes[index].config for index in (1, 3)] == [configs[1], configs[3]]


def test_what_a_guest_does_wrong_is_told_as_for_one_check(one):
    """The errors travel whole, and the limits have travelled."""
    with Sandbox(limits=Limits(wall_time=timedelta(minutes=5))) as sandbox:
        (trapped,) = sandbox.check_many(plugin(HOSTILE["trap"]), [{}], executor=one)
    with Sandbox(limits=Limits(wall_time=timedelta(milliseconds=300))) as sandbox:
        (late,) = sandbox.check_many(plugin(HOSTILE["loop"]), [{}], executor=one)
    assert isinstance(trapped.error, GuestTrapError)
    assert trapped.error.call == "_observe"
    assert isinstance(late.error, LimitExceededError)
    assert (late.error.limit, late.error.is_timeout, late.result.error.is_timeout) == (
        "wall_time",
        True,
        True,
    )


def test_configs_are_taken_as_they_are_needed(sandbox):
    """However many there are: at most `window` are taken whose outcome is not yielded."""
    taken = count()
    configs = ({"name": str(next(taken))} for _ in count())
    with closing(sandbox.check_many(ASKING, configs, processes=1, window=7)) as outcomes:
        for outcome in islice(outcomes, 30):
            assert next(taken) - outcome.index <= 7 + outcome.index + 1  # this line takes one each time
    assert outcome.index == 29


def test_what_taking_a_config_raises_comes_after_the_outcomes(sandbox, one):
    """What was taken before is not lost."""

    def configs():
        yield from wishes(5)
        raise OSError("the list ends here")

    outcomes = sandbox.check_many(ASKING, configs(), executor=one)
    assert names(islice(outcomes, 5)) == ["0", "1", "2", "3", "4"]
    with pytest.raises(OSError, match="the list ends here"):
        next(outcomes)


def test_there_may_be_no_config_at_all(sandbox):
    """Then no process is started."""
    assert list(sandbox.check_many(ASKING, [])) == []


def test_progress_is_called_after_each_check(sandbox, one):
    """From the thread that asks, with how many are done and how many there are."""
    seen: list[tuple[Progress, bool]] = []

    def progress(far: Progress) -> None:
        seen.append((far, threading.current_thread() is threading.main_thread()))

    outcomes = list(sandbox.check_many(ASKING, wishes(6), executor=one, progress=progress))
    assert [(far.done, far.total, here) for far, here in seen] == [(n, 6, True) for n in range(1, 7)]
    assert [far.latest for far, _ in seen] == outcomes
    assert seen[-1][0].rate > 0
    list(sandbox.check_many(ASKING, iter(wishes(1)), executor=one, progress=progress))
    assert seen[-1][0].total is None


def test_each_worker_keeps_one_guest_if_asked(one):
    """As `check` does: what a plugin carries over shows."""
    with Sandbox() as sandbox:
        kept = [
            each.result.message for each in sandbox.check_many(COUNTER, [{}] * 5, executor=one, fresh=False)
        ]
        fresh = [each.result.message for each in sandbox.check_many(COUNTER, [{}] * 5, executor=one)]
    assert kept == ["1", "2", "3", "4", "5"]
    assert fresh == ["1"] * 5


def test_sinks_and_observers_stay_here(one):
    """They are called from this thread before an outcome is yielded; grants were judged where the check ran."""
    calls, messages, written, heard = [], [], [], []

    class Log:
        def write(self, message):
            messages.append(message.message)
            heard.append(threading.current_thread() is threading.main_thread())

    dials = plugin(
        f"(drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)}))))"
        f"(call $log (call $pack (i32.const 4096) (i32.const {len(LOG)})))"
        "(i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 5))"
        "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
    )
    grants = network("other.test")
    with Sandbox(grants, observer=calls.append, log=Log(), stdout=written.append) as sandbox:
        outcomes = list(sandbox.check_many(dials, [{}] * 3, executor=one))
    assert len(outcomes) == 3
    connects = [call for call in calls if call.name == "tcp_connect"]
    assert [(call.target, call.allowed, call.decision) for call in connects] == [
        ("h.test:22", False, "network:h.test:22")
    ] * 3
    assert messages == ["again"] * 3
    assert written == [b'{"lev'] * 3
    assert all(heard)


def test_what_cannot_go_to_another_process_is_refused():
    """At once, with what to do; threads need no copy."""
    lock = threading.Lock()

    class Local:
        def call(self, _name, _request):
            with lock:
                return b'{"status":"success"}'

    with Sandbox(functions=Local()) as sandbox:
        with pytest.raises(TypeError, match=r"functions= cannot go to another process.*executor of threads"):
            sandbox.check_many(ASKING, [{}])
        with ThreadPoolExecutor(1) as executor:
            (outcome,) = sandbox.check_many(ASKING, [{}], executor=executor)
    assert outcome.result.is_success


def test_what_the_program_itself_defines_is_refused(tmp_path):
    """Its processes do not import it; the message has the way out."""
    program = (
        "from reglet.sandbox import Sandbox\n"
        "class Host:\n"
        "    def call(self, name, request): return b''\n"
        "try:\n"
        f"    Sandbox(functions=Host()).check_many({plugin()!r}, [])\n"
        "except TypeError as error:\n"
        "    print(error)\n"
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert "defined in the program itself: move it to a module of its own" in done.stdout


def test_the_granted_variables_and_the_folder_travel(tmp_path):
    """And no others: a cluster is not told what a plugin may not see."""
    grants = GrantSet(env=EnvironmentCapability(["SEEN"]))
    variables = {"SEEN": "1", "SECRET": "2"}
    with Sandbox(grants, environment=variables, directory=tmp_path, dialect="hostlib") as sandbox:
        loader = pickle.loads(pickle.dumps(sandbox._loader("a plugin", None)))
    assert loader.environment == {"SEEN": "1"}
    assert (loader.grants, loader.directory, loader.dialect) == (grants, str(tmp_path), "hostlib")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retries": -1}, "retries must be at least 0"),
        ({"window": 0}, "window must be at least 1"),
        ({"processes": 0}, "processes must be at least 1"),
        ({"processes": 1, "executor": Executor()}, "leave one of the two out"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(sandbox, arguments, message):
    """When it is called, not when the first outcome is asked for."""
    with pytest.raises(ValueError, match=message):
        sandbox.check_many(ASKING, [], **arguments)


def test_closing_ends_the_processes_at_once(sandbox, tmp_path):
    """The iterator's own `close`, and the sandbox's; what is asked for after that is refused."""
    configs = wishes(9, seconds=600)
    configs[0]["seconds"] = 0
    started = time.monotonic()
    with closing(sandbox.check_many(ASKING, configs, processes=2)) as outcomes:
        next(outcomes)
    again = sandbox.check_many(ASKING, configs, processes=2)
    next(again)
    sandbox.close()
    with pytest.raises(SandboxClosedError):
        list(again)
    assert time.monotonic() - started < 300
    assert not any(is_running(int(pid)) for path in tmp_path.iterdir() for pid in path.read_text().split())


def test_a_call_that_is_asked_for_twice_is_run_once(sandbox, tmp_path):
    """A cluster may have lost the first answer."""
    work = Work("digest", sandbox._loader("asking", None), fresh=True, release=True)
    remember("digest", ASKING)
    first = run_batch(work, [b'{"name":"a"}'], None, 1)
    assert first is not None
    assert run_batch(work, [b'{"name":"a"}'], None, 1) is first
    assert run_batch(work, [b'{"name":"a"}'], None, 2) != first
    assert len((tmp_path / "a").read_text().splitlines()) == 2


def test_a_closed_sandbox_goes_on_with_no_executor(sandbox):
    """Threads of the user's own are left alone, but get no more of it."""
    with ThreadPoolExecutor(1) as executor:
        outcomes = sandbox.check_many(ASKING, ({"name": str(index)} for index in count()), executor=executor)
        next(outcomes)
        sandbox.close()
        with pytest.raises(SandboxClosedError):
            list(outcomes)


def is_running(pid: int) -> bool:
    """Whether a process is there, other than as a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


_PROGRAM = f"""
import sys
from pathlib import Path
from reglet.sandbox import Sandbox
from tests.host.modules import plugin
from tests.host.wishes import Host, wishes

with Sandbox(functions=Host(Path(sys.argv[1]))) as sandbox:
    for outcome in sandbox.check_many(plugin({ASK!r}), wishes(9, seconds=600), processes=2):
        print(outcome)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_no_process_is_left_behind(tmp_path, number):
    """When the program is interrupted, or killed so that it can do nothing about it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def noted() -> list[int]:
        texts = [path.read_text() for path in tmp_path.iterdir()]
        return [int(text) for text in texts if text.endswith("\n")]

    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], stderr=subprocess.PIPE, text=True, env=environment
    ) as program:
        assert program.stderr is not None
        assert comes_true(lambda: len(noted()) == 2)
        workers = noted()
        program.send_signal(number)
        said = program.communicate(timeout=PATIENCE)[1]
    assert comes_true(lambda: not any(map(is_running, workers)))
    assert program.returncode == -number
    if number == signal.SIGINT:
        assert said.count("Traceback") >= 1
        assert "KeyboardInterrupt" in said


def test_a_result_keeps_its_nanoseconds_on_the_way(one):
    """What a worker answers is what the plugin answered."""
    answer = b'{"status":"success","timestamp":"2026-01-01T00:00:00.123456789Z"}'
    with Sandbox() as sandbox:
        here = sandbox.load(plugin(answer=answer)).check({})
        (outcome,) = sandbox.check_many(plugin(answer=answer), [{}], executor=one)
    assert isinstance(outcome, CheckOutcome)
    assert outcome.result == here
    assert outcome.result.timestamp.nanosecond == 789
