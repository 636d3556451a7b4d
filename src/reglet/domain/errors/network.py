"""What goes wrong on the network, and what takes too long."""

from __future__ import annotations

import builtins
from datetime import timedelta

from attrs import evolve

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.errors.base import Cause, CausedError, RegletError
from reglet.domain.go_duration import format_duration
from reglet.domain.urls import without_credentials


class ConnectionFailedError(CausedError):
    """A failure on the network, which counts as a timeout when its cause is one."""

    error_type = "network"

    def detail(self) -> ErrorDetail:
        """Return the error as data, of type `timeout` when its cause is one."""
        detail = super().detail()
        return evolve(detail, type="timeout") if detail.is_timeout else detail


class NetworkError(CausedError):
    """A network operation failed. `operation` is a verb such as `connect`; `target` says with what."""

    error_type = "network"

    def __init__(self, operation: str, target: str = "", cause: Cause = None) -> None:
        """Describe the failure of `operation` on `target`."""
        text = f"network {operation} failed for {target}" if target else f"network {operation} failed"
        super().__init__(text, cause)
        self.operation = operation
        self.target = target

    @property
    def code(self) -> str:
        """The operation."""
        return self.operation

    @property
    def is_timeout(self) -> bool:
        """False: a timeout is a `TimeoutError`."""
        return False


class TimeoutError(RegletError, builtins.TimeoutError):  # noqa: A001 - it is one, for whoever catches the builtin
    """An operation did not end within its time."""

    error_type = "timeout"

    def __init__(self, operation: str, duration: timedelta = timedelta(), target: str = "") -> None:
        """Describe what took longer than `duration`."""
        text = f"{operation} timeout after {format_duration(duration)}"
        super().__init__(f"{text} (target: {target})" if target else text)
        self.operation = operation
        self.duration = duration
        self.target = target

    @property
    def code(self) -> str:
        """The operation."""
        return self.operation

    @property
    def is_timeout(self) -> bool:
        """True."""
        return True


class DNSError(ConnectionFailedError):
    """A look-up failed; `is_not_found` says that the name does not exist."""

    def __init__(
        self,
        hostname: str,
        record_type: str,
        cause: Cause = None,
        nameserver: str = "",
        *,
        not_found: bool = False,
    ) -> None:
        """Describe the failed look-up."""
        via = f" via {nameserver}" if nameserver else ""
        super().__init__(f"dns lookup for {hostname} ({record_type}){via} failed", cause)
        self.hostname = hostname
        self.record_type = record_type
        self.nameserver = nameserver
        self._not_found = not_found

    @property
    def code(self) -> str:
        """`dns_` and the record type."""
        return f"dns_{self.record_type}"

    @property
    def is_not_found(self) -> bool:
        """Whether the name does not exist."""
        return self._not_found


class HTTPError(ConnectionFailedError):
    """A request got no usable answer. User name and password of the URL are left out of it."""

    def __init__(self, method: str, url: str, cause: Cause = None, status_code: int = 0) -> None:
        """Describe the failed request."""
        status = f" with status {status_code}" if status_code > 0 else ""
        shown = without_credentials(url)
        super().__init__(f"http {method} {shown} failed{status}", cause)
        self.method = method
        self.url = shown
        self.status_code = status_code

    @property
    def code(self) -> str:
        """`http_` and the status code, 0 where there was none."""
        return f"http_{self.status_code}"


class TCPError(ConnectionFailedError):
    """A connection could not be made."""

    def __init__(self, address: str, cause: Cause = None, network: str = "tcp") -> None:
        """Describe the failed connection."""
        super().__init__(f"tcp connect to {address} ({network}) failed", cause)
        self.address = address
        self.network = network

    @property
    def code(self) -> str:
        """`tcp_connect`."""
        return "tcp_connect"
