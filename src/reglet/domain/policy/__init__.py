"""Does a `GrantSet` allow what a plugin asks for? Deny by default; ABI section 3 says what patterns mean."""

from reglet.domain.policy.addresses import special_use
from reglet.domain.policy.decision import Decision
from reglet.domain.policy.glob import Glob, PatternError
from reglet.domain.policy.guard import PolicyGuard
from reglet.domain.policy.hosts import HostError, canonical_host, parse_address
from reglet.domain.policy.policy import Policy

__all__ = [
    "Decision",
    "Glob",
    "HostError",
    "PatternError",
    "Policy",
    "PolicyGuard",
    "canonical_host",
    "parse_address",
    "special_use",
]
