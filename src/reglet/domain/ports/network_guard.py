"""The port through which adapters ask whether a connection may be made."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class NetworkGuard(Protocol):
    """Decides about connections; adapters ask before each one, redirects included."""

    def check_target(self, host: str, port: int) -> None:
        """Raise `CapabilityError` unless a grant covers this name or address with this port."""
        ...

    def check_address(self, host: str, port: int, address: str) -> None:
        """Raise `CapabilityError` unless `address`, which `host` resolved to, may be dialled."""
        ...
