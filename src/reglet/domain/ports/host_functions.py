"""The one seam between plugin and host: named functions from bytes to bytes."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

HOST_FUNCTIONS = ("http_request", "dns_lookup", "tcp_connect", "smtp_connect", "exec_command", "log_message")
"""The host functions of ABI section 1, by name."""


@runtime_checkable
class HostFunctions(Protocol):
    """Answers host calls: the module's imports, an in-process host, a fake, a recording."""

    def call(self, name: str, request: bytes) -> bytes:
        """Call a host function with a JSON request and return its JSON answer.

        Empty bytes mean that the host answered nothing (a packed 0), as `log_message` always does.
        Raises `CapabilityError` when the function is not there because no capability declares it.
        """
        ...
