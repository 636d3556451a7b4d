"""Host calls as observers see them: `--explain`, recordings, audits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import define, field, frozen

from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Decision


@frozen
class HostCallEvent:
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


Observer: TypeAlias = Callable[[HostCallEvent], None]
"""Is given each host call, from the thread that made it."""


@define
class CallLog:
    """What is known of one host call while it is answered: its target, and what the policy decided."""

    target: str = ""
    decision: Decision | None = None

    def require(self, target: str, decision: Decision) -> None:
        """Note the decision; raise `CapabilityError` when it is a refusal."""
        self.target = target
        self.decision = decision
        decision.require()

    def refuse(self, error: CapabilityError) -> None:
        """Note a refusal by a guard below the port, which saw an address or a redirect."""
        self.decision = Decision(allowed=False, rule=error.required, hint=error.hint)
