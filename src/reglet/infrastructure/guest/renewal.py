"""What a snapshot remembers of its build and a run must not: the random seed, and when logging began."""

from __future__ import annotations

import logging
import random
import time


def renew() -> None:
    """Take both from the host that runs the plugin."""
    random.seed()
    logging.__dict__["_startTime"] = time.time_ns()  # LogRecord.relativeCreated counts from here
