"""What the policy answers."""

from __future__ import annotations

from attrs import frozen

from reglet.domain.errors import CapabilityError


@frozen
class Decision:
    """Allowed or not, and why.

    Attributes:
        allowed: the answer.
        rule: the rule that allowed it, or the grant that is missing, such as `network:example.com:443`.
        hint: for a refusal, what to add to the grants.
    """

    allowed: bool
    rule: str
    hint: str = ""

    def __bool__(self) -> bool:
        return self.allowed

    def require(self) -> None:
        """Raise `CapabilityError` unless allowed."""
        if not self.allowed:
            raise CapabilityError(self.rule, hint=self.hint)
