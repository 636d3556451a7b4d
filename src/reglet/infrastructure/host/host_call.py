"""One host call, told to whoever watches: `--explain`, recordings, audits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen


@frozen
class HostCall:
    """One host call, after it was answered.

    Attributes:
        name: the host function.
        request: the request as it came, JSON.
        answer: the answer as it went, JSON; empty for the log.
        target: what it was about, fit to be shown: a URL without user and password, a name, `host:port`,
            a command without its arguments; empty when the request has none.
        allowed: whether the policy allowed it; None where it was not asked.
        decision: the rule that allowed it, or the grant that is missing; empty where it was not asked.
        seconds: from the request to the answer.
    """

    name: str
    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    target: str
    allowed: bool | None
    decision: str
    seconds: float


Observer: TypeAlias = Callable[[HostCall], None]
"""Is told each host call, from the thread that made it."""
