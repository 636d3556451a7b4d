"""One guest call at a time, in a thread that can be waited for, interrupted and given up."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING, TypeVar

from reglet.infrastructure.engine import start_guest_thread
from reglet.infrastructure.host.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import timedelta
    from threading import Semaphore

    from reglet.infrastructure.host.stopping import StopSwitch

T = TypeVar("T")

_STOPS = 4
_STOP_SECONDS = 0.02
"""How often and how long a guest is told to stop; a host call that takes longer is left behind."""


def run_guest(work: Callable[[], T], switch: StopSwitch, wall_time: timedelta, slots: Semaphore) -> T:
    """Run `work`, which calls into a guest, and return its result or raise what it raised.

    The guest is stopped when `wall_time` is over, and when the caller is interrupted. An epoch stops no
    host call: one that outlasts the deadline is left behind in its thread, which cleans up when it ends.

    It waits for one of `slots` first, and gives it back when the thread ends.

    Raises:
        LimitExceededError: time ran out.
    """
    late = LimitExceededError(
        "wall_time", f"{wall_time.total_seconds():g} s", "the plugin did not answer in time", is_timeout=True
    )
    outcome = _start(work, slots)
    try:
        wait([outcome], wall_time.total_seconds())
        if not outcome.done():
            _stop(outcome, switch, late)
    except BaseException as interrupt:
        _stop(outcome, switch, interrupt)
        raise
    if outcome.done():
        return outcome.result()
    raise late


def _stop(outcome: Future[T], switch: StopSwitch, reason: BaseException) -> None:
    for _ in range(_STOPS):
        switch.stop(reason)
        wait([outcome], _STOP_SECONDS)
        if outcome.done():
            return


def _start(work: Callable[[], T], slots: Semaphore) -> Future[T]:
    slots.acquire()
    try:
        outcome = start_guest_thread(work)
    except BaseException:
        slots.release()
        raise
    outcome.add_done_callback(lambda _: slots.release())
    return outcome
