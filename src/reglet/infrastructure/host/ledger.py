"""What is known of one host call while it is answered."""

from __future__ import annotations

from attrs import define

from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Decision


@define
class Ledger:
    """What the call is about and what the policy said, for whoever watches."""

    target: str = ""
    decision: Decision | None = None

    def require(self, target: str, decision: Decision) -> None:
        """Note the decision; raise `CapabilityError` when it is a refusal."""
        self.target = target
        self.decision = decision
        decision.require()

    def refuse(self, problem: CapabilityError) -> None:
        """Note a refusal by a guard below the port, which saw an address or a redirect."""
        self.decision = Decision(allowed=False, rule=problem.required, hint=problem.hint)
