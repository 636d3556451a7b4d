"""What a snapshot remembers of its build and a run must not: the random seed, and when logging began."""

from __future__ import annotations

import logging
import os
import random
import time

_SEED_BYTES = 32
"""As much as a key has. `random.seed()` would take 2,500, which cost a quarter of a module's first call."""


def renew() -> None:
    """Take both from the host that runs the plugin."""
    random.seed(int.from_bytes(os.urandom(_SEED_BYTES)))
    logging.__dict__["_startTime"] = time.time_ns()  # LogRecord.relativeCreated counts from here
