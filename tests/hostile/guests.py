"""Hostile guests, and their limits."""

from __future__ import annotations

import time
from datetime import timedelta

from reglet.domain.entities.result import Result
from reglet.sandbox import LimitExceededError, Limits
from tests.host.modules import plugin

LIMIT = timedelta(milliseconds=300)
ALLOWANCE = 20.0
"""Seconds: machines stand still, and none of these guests would ever end. `python -m bench overshoot` measures."""
SMALL = Limits(memory=4 << 20, wall_time=LIMIT, log_messages=5, host_calls=5, output_bytes=1000)
PATIENT = Limits(memory=4 << 20, wall_time=timedelta(minutes=5), log_messages=5, host_calls=5)
"""For what ends by itself: the limit of time is not the first to end it."""


def check(module, config=b"{}"):
    """Run a check; return its Result or error, and the seconds it took."""
    started = time.perf_counter()
    try:
        outcome = module.check(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
        outcome = error
    return outcome, time.perf_counter() - started


def goes_on(sandbox):
    """Whether a guest that means no harm is checked; while the machine stands still its time may be over too."""
    harmless = sandbox.load(plugin())
    for _ in range(10):
        outcome, _ = check(harmless)
        if not isinstance(outcome, LimitExceededError):
            break
    return isinstance(outcome, Result) and outcome.is_success


def hostile(sandbox, observe="", **parts):
    """Return a loaded module that does this when it is asked to check."""
    return sandbox.load(plugin(observe, **parts))
