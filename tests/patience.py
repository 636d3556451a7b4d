"""Patience with machines that stand still at times: events are awaited, and limits are tried again with more time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

PATIENCE = 60.0
"""Seconds for what takes milliseconds: when they are over it is not going to happen any more."""
_PAUSE = 0.002


def comes_true(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until something is so; report whether it is."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return condition()


def longer_each_time(first: timedelta) -> Iterator[timedelta]:
    """Yield limits, each ten times the one before: for what must have happened when the limit is reached.

    A machine that stood still meanwhile is given the next.
    """
    for power in range(4):
        yield first * 10**power


def _send_interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def interrupted(when: Callable[[], object], send: Callable[[], None] = _send_interrupt) -> Iterator[None]:
    """Send Ctrl-C to this process once `when` returns: at the latest at the end, and never behind it."""

    def run() -> None:
        when()
        send()

    sender = threading.Thread(target=run)
    sender.start()
    try:
        yield
    finally:
        sender.join()
