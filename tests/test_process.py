"""What a process knows of itself: its cores, the last few of what it made, and that it was forked off."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from reglet.infrastructure.process import available_cores, keep_last, renewed_after_fork
from tests.patience import PATIENCE


def test_there_are_cores_and_no_more_than_the_machine_has() -> None:
    """A process may be held to some of them."""
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_what_was_used_last_is_kept() -> None:
    """To keep something again makes it the last; of too many the first goes."""
    kept: dict[str, int] = {}
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        keep_last(kept, key, value, 2)
    assert list(kept.items()) == [("a", 3), ("c", 4)]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked there")
def test_a_forked_process_has_a_lock_of_its_own() -> None:
    """Though a thread that stayed behind held that of its parent."""
    lock = renewed_after_fork(threading.Lock)
    with lock():
        child = os.fork()
        if child == 0:
            os._exit(0 if lock().acquire(timeout=PATIENCE) else 1)
        _, status = os.waitpid(child, 0)
    assert status == 0
