"""Guest threads: kept, interrupted, and no more at work at one time than there are cores for."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
import wasmtime

from reglet.infrastructure.engine import (
    engine,
    outside_guests,
    run_in_guest_thread,
    start_in_guest_thread,
)
from reglet.infrastructure.engine.threads import _threads
from reglet.infrastructure.process import available_cores
from tests.patience import PATIENCE, comes_true, interrupted

CORES = available_cores()


def test_work_in_a_guest_thread_returns_and_raises() -> None:
    """Results and exceptions come back to the caller; a guest thread does not start another."""
    inner = run_in_guest_thread(lambda: run_in_guest_thread(threading.current_thread))

    assert inner is not threading.current_thread()
    with pytest.raises(ValueError, match="from the work"):
        run_in_guest_thread(_fail)


def _fail() -> None:
    raise ValueError("from the work")


class Endless:
    """A guest in a loop."""

    def __init__(self) -> None:
        self.running, self.ended = threading.Event(), threading.Event()
        self._module = wasmtime.Module(engine(), '(module (func (export "spin") (loop br 0)))')

    def __call__(self) -> object:
        self.running.set()
        try:
            with wasmtime.Store(engine()) as store:
                store.set_epoch_deadline(1)
                spinning = wasmtime.Instance(store, self._module, []).exports(store)["spin"]
                assert isinstance(spinning, wasmtime.Func)
                return spinning(store)
        finally:
            self.ended.set()


def test_an_interrupt_stops_an_endless_guest() -> None:
    """Ctrl-C reaches the caller while the guest is in a loop, and the guest has ended."""
    endless = Endless()
    with pytest.raises(KeyboardInterrupt), interrupted(endless.running.wait, _thread.interrupt_main):
        run_in_guest_thread(endless)

    assert endless.ended.is_set()


def test_a_guest_is_stopped_when_its_time_is_over() -> None:
    """Its end is awaited all the same."""
    endless = Endless()
    with pytest.raises(TimeoutError):
        run_in_guest_thread(endless, 0.1)
    assert endless.ended.is_set()


def test_a_guests_thread_is_kept_for_the_next() -> None:
    """To start one, with a stack so large, takes longer than a small guest runs."""
    threads = [run_in_guest_thread(threading.current_thread) for _ in range(20)]

    assert any(first is second for first, second in pairwise(threads))  # none that stood still for seconds


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """What the work of a test waits for; it ends with the test."""
    event = threading.Event()
    yield event
    event.set()


def test_work_beyond_the_cores_waits_for_a_thread_that_is_done(ended: threading.Event) -> None:
    """The threads take it one after the other: none is started for it, and nobody has to wait for its end."""
    running = [start_in_guest_thread(ended.wait) for _ in range(CORES)]
    threads: list[threading.Thread] = []
    further = [start_in_guest_thread(lambda: threads.append(threading.current_thread())) for _ in range(3)]
    assert not comes_true(lambda: bool(threads), 0.1)
    ended.set()
    assert comes_true(lambda: len(threads) == 3)
    assert all(each.wait(PATIENCE) for each in running + further)
    assert len(set(threads)) <= CORES


def test_whoever_waits_does_so_for_a_few_milliseconds_at_most(ended: threading.Event) -> None:
    """Work that never ends holds up nobody, however much of it there is."""
    endless = [start_in_guest_thread(ended.wait) for _ in range(2 * CORES)]
    assert run_in_guest_thread(lambda: "done") == "done"
    assert not any(each.wait(0) for each in endless)


def test_what_waits_in_a_call_of_the_host_leaves_its_core_to_others(ended: threading.Event) -> None:
    """They begin at once, though nobody waits for them; it goes on afterwards without waiting for its turn."""

    def call_the_host() -> bool:
        return outside_guests(ended.wait, PATIENCE)

    calling = [start_in_guest_thread(call_the_host) for _ in range(4 * CORES)]
    begun = threading.Event()
    start_in_guest_thread(begun.set)
    assert begun.wait(PATIENCE)
    busy = threading.Event()
    blocking = [start_in_guest_thread(lambda: busy.wait(PATIENCE)) for _ in range(CORES)]
    ended.set()
    assert all(each.wait(PATIENCE) and each.result() for each in calling)
    busy.set()
    assert all(each.wait(PATIENCE) for each in blocking)


_WITHOUT_ROOM = """
import resource, threading
from reglet.infrastructure.engine import outside_guests, start_in_guest_thread
from reglet.infrastructure.process import available_cores

called, full, left = threading.Event(), threading.Event(), threading.Event()

def call_the_host():
    called.wait()
    outside_guests(full.wait)
    return "answered"

calling = [start_in_guest_thread(call_the_host) for _ in range(available_cores())]
further = start_in_guest_thread(lambda: "done")
before = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (1, before[1]))
called.set()
left.wait(0.2)
resource.setrlimit(resource.RLIMIT_AS, before)
assert further.wait(60) and further.result() == "done", "the work was lost"
full.set()
assert all(each.wait(60) and each.result() == "answered" for each in calling)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space has a limit of its own on Linux only")
def test_work_waits_on_where_no_thread_can_be_started_for_it() -> None:
    """The guest that leaves its core to it goes on, and the work begins as soon as there is room."""
    subprocess.run([sys.executable, "-c", _WITHOUT_ROOM], check=True, timeout=300)


def test_a_call_of_the_host_may_run_a_guest_itself() -> None:
    """As deep as it likes, on every thread at once: none waits for another that waits for it."""

    def nested(depth: int) -> int:
        if depth == 0:
            return 1

        def call() -> int:
            inner = start_in_guest_thread(lambda: nested(depth - 1))
            assert inner.wait(PATIENCE)
            return 1 + inner.result()

        return outside_guests(call)

    started = [start_in_guest_thread(lambda: nested(5)) for _ in range(2 * CORES)]
    assert all(each.wait(PATIENCE) for each in started)
    assert {each.result() for each in started} == {6}


def test_the_end_of_work_is_awaited_as_long_as_is_asked(ended: threading.Event) -> None:
    """And by as many as like."""
    started = start_in_guest_thread(ended.wait)
    assert not started.wait(0)
    assert not started.wait(0.3)
    ended.set()
    assert started.wait(PATIENCE)
    assert started.wait()
    assert started.result() is True


def test_where_no_thread_can_be_started_work_waits_for_one_that_is_done(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system has no more of them, or no more memory: what is queued is not lost."""
    running = [start_in_guest_thread(ended.wait) for _ in range(CORES)]
    queued = start_in_guest_thread(lambda: "done")

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert comes_true(lambda: not _threads()._idle)  # those of other tests have ended, or are at work
        assert not queued.wait(0.1)
        ended.set()
        assert queued.wait(PATIENCE)
    assert queued.result() == "done"
    assert all(each.wait(PATIENCE) for each in running)
