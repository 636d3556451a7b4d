"""A Dask cluster on this machine: a scheduler and two workers, each a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from distributed import Client


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    """A client of a scheduler with two workers of one thread, all on loopback alone."""
    from distributed import Client  # takes long, and few tests need it

    found = tmp_path / "scheduler.json"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",  # whether to run again is not its business
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
