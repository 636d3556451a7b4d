"""`check_many` on a Dask cluster, one of whose two workers is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.sandbox import Sandbox
from tests.host.modules import plugin
from tests.host.wishes import Host, wishes

if TYPE_CHECKING:
    from distributed import Client

ASKING = plugin("(return (call $tcp (call $pack (local.get $p) (local.get $n))))")


def test_a_cluster_makes_the_checks_though_a_worker_is_killed(cluster: Client, tmp_path: Path) -> None:
    """Nothing is lost, nothing comes twice, and no check is run more often than it may be."""
    notes = tmp_path / "notes"
    notes.mkdir()
    configs = wishes(150, seconds=0.02)
    configs[90:93] = [{"name": "equal"}] * 3
    killed = None
    outcomes = []
    with Sandbox(functions=Host(notes)) as sandbox:
        for outcome in sandbox.check_many(ASKING, configs, executor=cluster.get_executor(), ordered=False):
            outcomes.append(outcome)
            if len(outcomes) == 40:
                killed = int(outcome.result.message.split()[2])
                os.kill(killed, signal.SIGKILL)
    assert [each for each in outcomes if each.error] == []
    assert Counter(each.index for each in outcomes) == Counter(range(150))
    assert all(each.result.message.split()[0] == configs[each.index]["name"] for each in outcomes)
    workers = Counter(int(each.result.message.split()[2]) for each in outcomes)
    assert len(workers) == 2
    assert killed in workers
    assert os.getpid() not in workers
    runs = {path.name: len(path.read_text().splitlines()) for path in notes.iterdir()}
    assert 3 <= runs.pop("equal") <= 6, "Dask takes equal calls for one: these are not"
    assert (len(runs), max(runs.values()) <= 2) == (147, True)
