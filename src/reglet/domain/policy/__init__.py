"""Does a `GrantSet` allow what a plugin asks for? Deny by default; patterns are those of ABI section 3."""

from reglet.domain.policy.globs import Glob, PatternError
from reglet.domain.policy.network import (
    PRIVATE_BLOCKS,
    InvalidHostError,
    Target,
    canonical_host,
    parse_address,
    special_use,
)
from reglet.domain.policy.policy import Decision, Policy, PolicyGuard

__all__ = [
    "PRIVATE_BLOCKS",
    "Decision",
    "Glob",
    "InvalidHostError",
    "PatternError",
    "Policy",
    "PolicyGuard",
    "Target",
    "canonical_host",
    "parse_address",
    "special_use",
]
