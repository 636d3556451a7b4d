"""Run any Reglet `.wasm` in this process, sandboxed: what is not granted is not there.

```python
from reglet.sandbox import GrantSet, NetworkCapability, NetworkRule, Sandbox

grants = GrantSet(network=NetworkCapability([NetworkRule(hosts=["example.com"], ports=["443"])]))
with Sandbox(grants) as sandbox:
    module = sandbox.load("http.wasm")
    result = module.check({"url": "https://example.com"})
```
"""

from typing import TYPE_CHECKING

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.host import (
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
    Limits,
    NotAPluginError,
    SandboxClosedError,
    SandboxError,
    WorkerLostError,
)
from reglet.infrastructure.sandbox import Sandbox, module_class, native_functions
from reglet.infrastructure.wire.record import Dialect

if TYPE_CHECKING:
    from reglet.infrastructure.host.dispatcher import HostCallEvent
    from reglet.infrastructure.host.many_checks import CheckOutcome, Progress
    from reglet.infrastructure.host.module import Module as Module  # noqa: PLC0414 - for annotations

__all__ = [
    "CheckOutcome",
    "Dialect",
    "EnvironmentCapability",
    "ExecCapability",
    "FileSystemCapability",
    "FileSystemRule",
    "GrantSet",
    "GuestAnswerError",
    "GuestTrapError",
    "HostCallEvent",
    "LimitExceededError",
    "Limits",
    "MissingPackageError",
    "NetworkCapability",
    "NetworkRule",
    "NotAPluginError",
    "Progress",
    "Sandbox",
    "SandboxClosedError",
    "SandboxError",
    "WorkerLostError",
    "native_functions",
]


def __getattr__(name: str) -> object:
    """Import what not everybody needs: `Module`, and with it wasmtime; what observers get; outcomes."""
    if name == "Module":
        return module_class()
    if name == "HostCallEvent":
        from reglet.infrastructure.host import dispatcher

        return dispatcher.HostCallEvent
    if name in ("CheckOutcome", "Progress"):
        from reglet.infrastructure.host import many_checks

        return getattr(many_checks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
