"""Outside of the guest: any Reglet module run in wasmtime, its host functions guarded by the policy.

Importing this package imports no wasmtime: the dispatcher serves plugins in this process too.
"""

from reglet.infrastructure.host.errors import (
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
    Limits,
    NotAPluginError,
    SandboxClosedError,
    SandboxError,
    WorkerLostError,
)

__all__ = [
    "GuestAnswerError",
    "GuestTrapError",
    "LimitExceededError",
    "Limits",
    "NotAPluginError",
    "SandboxClosedError",
    "SandboxError",
    "WorkerLostError",
]
