"""Does a `GrantSet` allow what a plugin asks for? The questions that hosts ask, for tests and tools."""

from reglet.domain.policy import Decision, InvalidHostError, PatternError, Policy

__all__ = ["Decision", "InvalidHostError", "PatternError", "Policy"]
