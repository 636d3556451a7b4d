"""A built plugin's first call: what its memory remembers of the build is renewed."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable

_SEED_BYTES = 32
"""As much as a key has. `random.seed()` would take 2,500, which cost a quarter of a module's first call."""


def on_first_call(
    handler: Callable[[str, bytes], bytes], environ: Callable[[], list[bytes]]
) -> Callable[[str, bytes], bytes]:
    """Return a handler that resumes the interpreter before its first call of `handler`."""
    resumed = False

    def answer(entry: str, payload: bytes) -> bytes:
        nonlocal resumed
        if not resumed:
            resumed = True
            resume(environ())
        return handler(entry, payload)

    return answer


def resume(environ: list[bytes]) -> None:
    """Take the environment, the seed and the start of the clock from the host that runs the plugin."""
    pairs = (os.fsdecode(each).partition("=") for each in environ)
    os.environ.clear()
    os.environ.update({name: value for name, _, value in pairs if name})
    reseed()


def reseed() -> None:
    """Take the random seed, and when logging began, from the host that runs the plugin."""
    random.seed(int.from_bytes(os.urandom(_SEED_BYTES)))
    logging.__dict__["_startTime"] = time.time_ns()  # LogRecord.relativeCreated counts from here
