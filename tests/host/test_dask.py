"""`check_many` on a Dask cluster: a scheduler and two workers as processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

import pytest
from distributed import Client

from reglet.sandbox import GrantSet, Limits, Sandbox
from tests.host.modules import plugin
from tests.host.wishes import Host, wishes

ASKING = plugin("(return (call $tcp (call $pack (local.get $p) (local.get $n))))")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    """A client of a scheduler with two workers of one thread, all on this machine alone."""
    found = tmp_path / "scheduler.json"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",  # whether to run again is decided here
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",  # to a worker that is gone
    }
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(found)]
    commands = [
        ["scheduler", "--port", "0", *common],
        *[["worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path), *common]] * 2,
    ]
    with ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        client = stack.enter_context(Client(scheduler_file=str(found), timeout=60))
        client.wait_for_workers(2, timeout=60)
        yield client


def executor_of(client: Client) -> Executor:
    """Return the executor that a user gets."""
    executor: Executor = client.get_executor()
    return executor


def test_a_cluster_makes_the_checks_though_a_worker_is_killed(cluster: Client, tmp_path: Path) -> None:
    """Nothing is lost, nothing comes twice, and no check is run more often than it may be."""
    notes = tmp_path / "notes"
    notes.mkdir()
    configs = wishes(150, seconds=0.02)
    killed = None
    outcomes = []
    with Sandbox(GrantSet(), Limits(host_calls=5), functions=Host(notes)) as sandbox:
        for outcome in sandbox.check_many(ASKING, configs, executor=executor_of(cluster), ordered=False):
            outcomes.append(outcome)
            if len(outcomes) == 40:
                killed = int(outcome.result.message.split()[2])
                os.kill(killed, signal.SIGKILL)
    assert [each for each in outcomes if each.error] == []
    assert Counter(each.index for each in outcomes) == Counter(range(150))
    assert all(each.result.message.split()[0] == str(each.index) for each in outcomes)
    workers = Counter(int(each.result.message.split()[2]) for each in outcomes)
    assert len(workers) == 2
    assert killed in workers
    assert os.getpid() not in workers
    runs = [len(path.read_text().splitlines()) for path in notes.iterdir()]
    assert (len(runs), max(runs) <= 2) == (150, True)
    equal = [{"name": "equal"}] * 3
    with Sandbox(functions=Host(notes)) as sandbox:
        list(sandbox.check_many(ASKING, equal, executor=executor_of(cluster)))
    assert len((notes / "equal").read_text().splitlines()) == 3
