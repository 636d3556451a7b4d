"""Does a `GrantSet` allow what a plugin asks for? The questions that hosts ask, for tests and tools."""

from reglet.domain.policy import Decision, Policy
from reglet.domain.policy.globs import PatternError
from reglet.domain.policy.network import InvalidHostError

__all__ = ["Decision", "InvalidHostError", "PatternError", "Policy"]
