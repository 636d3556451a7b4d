"""The policy as a guard that network adapters ask."""

from __future__ import annotations

from attrs import frozen

from reglet.domain.policy.policy import Policy


@frozen
class PolicyGuard:
    """Implements the `NetworkGuard` port with a policy."""

    policy: Policy

    def check_target(self, host: str, port: int) -> None:
        """Raise `CapabilityError` unless a grant covers this name or address with this port."""
        self.policy.network(host, port).require()

    def check_address(self, host: str, port: int, address: str) -> None:
        """Raise `CapabilityError` unless `address`, which `host` resolved to, may be dialled."""
        self.policy.address(host, port, address).require()
