"""The port for mail servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, runtime_checkable

from reglet.domain.entities.requests import SMTPConnectResult


@runtime_checkable
class SMTPClient(Protocol):
    """Greets mail servers."""

    def connect(
        self, host: str, port: int, timeout: timedelta, use_tls: bool, use_starttls: bool
    ) -> SMTPConnectResult:
        """Connect, read the banner, negotiate TLS as asked, and say goodbye.

        Raises `NetworkError`, `TimeoutError` or `CapabilityError`.
        """
        ...
