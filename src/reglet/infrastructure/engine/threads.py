"""Guests run in threads with a stack of known size, so that Ctrl-C can stop them; the threads are kept."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from reglet.infrastructure.engine.compilation import MAX_WASM_STACK, engine, restore_trap_handlers
from reglet.infrastructure.forks import Renewed, renewed_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    _Job: TypeAlias = tuple[Callable[[], Any], Future[Any]]

T = TypeVar("T")

_STACK_SIZE = MAX_WASM_STACK + 6 * 1024 * 1024
"""Bytes: the guest's stack and ample room for host functions, which run above it."""

_LONGEST_WAIT = 0.2
"""Seconds: not everywhere does a signal end a wait for a lock."""

_EPOCH_PAUSE = 0.05
"""Seconds between two steps of the epoch while a guest is being stopped."""

_IDLE_SECONDS = 2.0
"""After so long without work a thread ends: it holds the pages of stack that its guests touched."""

_inside = threading.local()
_stack_size_lock = renewed_after_fork(threading.Lock)
_idle: Renewed[list[SimpleQueue[_Job]]] = renewed_after_fork(list)
"""The threads that wait for work; the one that waited the shortest is given the next."""


def run_in_guest_thread(work: Callable[[], T], most_seconds: float | None = None) -> T:
    """Run `work` in a thread with a guest's stack and return its result, or raise what it raised.

    Python delivers SIGINT only between its own instructions, never while a guest runs. So the caller waits
    here; on KeyboardInterrupt the engine's epoch is moved, which stops a guest whose store has an epoch
    deadline of 1, the work's end is awaited and the interrupt goes on. Within such a thread `work` is simply
    called.

    Raises:
        TimeoutError: `work` took longer than `most_seconds`; its guest was stopped in the same way.
    """
    if getattr(_inside, "guest", False):
        return work()
    outcome = start_in_guest_thread(work)
    try:
        _wait(outcome, most_seconds)
    except (KeyboardInterrupt, TimeoutError):
        while not outcome.done():  # a guest that has not begun yet would miss a single step
            engine().increment_epoch()
            wait([outcome], timeout=_EPOCH_PAUSE)
        raise
    return outcome.result()


def _wait(outcome: Future[T], most_seconds: float | None) -> None:
    deadline = math.inf if most_seconds is None else time.monotonic() + most_seconds
    while not outcome.done():
        wait([outcome], timeout=_LONGEST_WAIT)
        if time.monotonic() > deadline and not outcome.done():
            raise TimeoutError


def start_in_guest_thread(work: Callable[[], T]) -> Future[T]:
    """Run `work` in such a thread; whoever waits for the result decides for how long."""
    outcome: Future[T] = Future()
    try:
        jobs = _idle().pop()
    except IndexError:
        jobs = SimpleQueue()
        thread = threading.Thread(target=_serve, args=(jobs,), name="reglet-guest", daemon=True)
        with _stack_size_lock():  # the size is the process's: it is set for as long as a thread is started
            before = threading.stack_size(_STACK_SIZE)
            try:
                thread.start()
            finally:
                threading.stack_size(before)
    jobs.put((work, outcome))
    return outcome


def _serve(jobs: SimpleQueue[_Job]) -> None:
    """Do the work of one thread, until there has been none for a while."""
    _inside.guest = True
    job: _Job | None = jobs.get()
    while job is not None:
        work, outcome = job
        restore_trap_handlers()
        try:
            result, failure = work(), None
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            result, failure = None, error
        del job, work
        _idle().append(jobs)  # before the caller goes on: its next guest finds a thread
        if failure is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(failure)
        del outcome, result, failure
        job = _next(jobs)


def _next(jobs: SimpleQueue[_Job]) -> _Job | None:
    try:
        return jobs.get(timeout=_IDLE_SECONDS)
    except Empty:
        try:
            _idle().remove(jobs)
        except ValueError:  # somebody has just taken this thread for work
            return jobs.get()
        return None
