"""Guests run in a thread with a stack of known size, so that Ctrl-C can stop them."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from reglet.infrastructure.engine.compilation import MAX_WASM_STACK, engine, restore_trap_handlers

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_STACK_SIZE = MAX_WASM_STACK + 6 * 1024 * 1024
"""Bytes: the guest's stack and ample room for host functions, which run above it."""

_LONGEST_WAIT = 0.2
"""Seconds: not everywhere does a signal end a wait for a lock."""

_EPOCH_PAUSE = 0.05
"""Seconds between two steps of the epoch while a guest is being stopped."""

_inside = threading.local()
_stack_size_lock = threading.Lock()


def run_in_guest_thread(work: Callable[[], T], most_seconds: float | None = None) -> T:
    """Run `work` in a thread of its own and return its result, or raise what it raised.

    Python delivers SIGINT only between its own instructions, never while a guest runs. So the caller waits
    here; on KeyboardInterrupt the engine's epoch is moved, which stops a guest whose store has an epoch
    deadline of 1, the thread is awaited and the interrupt goes on. Within such a thread `work` is simply
    called.

    Raises:
        TimeoutError: `work` took longer than `most_seconds`; its guest was stopped in the same way.
    """
    if getattr(_inside, "guest", False):
        return work()
    outcome: Future[T] = Future()
    thread = _thread_for(work, outcome)
    try:
        _start(thread)
        _wait(outcome, most_seconds)
    except (KeyboardInterrupt, TimeoutError):
        while thread.is_alive():  # a guest that has not begun yet would miss a single step
            engine().increment_epoch()
            thread.join(timeout=_EPOCH_PAUSE)
        raise
    thread.join()
    return outcome.result()


def _wait(outcome: Future[T], most_seconds: float | None) -> None:
    deadline = math.inf if most_seconds is None else time.monotonic() + most_seconds
    while not outcome.done():
        wait([outcome], timeout=_LONGEST_WAIT)
        if time.monotonic() > deadline and not outcome.done():
            raise TimeoutError


def start_guest_thread(work: Callable[[], T]) -> Future[T]:
    """Run `work` in a thread of its own; whoever waits for the result decides for how long."""
    outcome: Future[T] = Future()
    _start(_thread_for(work, outcome))
    return outcome


def _thread_for(work: Callable[[], T], outcome: Future[T]) -> threading.Thread:
    return threading.Thread(target=_run, args=(work, outcome), name="reglet-guest", daemon=True)


def _start(thread: threading.Thread) -> None:
    with _stack_size_lock:
        before = threading.stack_size(_STACK_SIZE)
        try:
            thread.start()
        finally:
            threading.stack_size(before)


def _run(work: Callable[[], T], outcome: Future[T]) -> None:
    _inside.guest = True
    restore_trap_handlers()
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
        outcome.set_exception(error)
