"""The port for TCP and TLS connections."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class TCPConnection(Protocol):
    """A connection that was made, and what it told; a context manager that closes it.

    Hosts connect, look and close: nothing can be sent. Texts are empty where nothing is known.
    """

    @property
    def is_connected(self) -> bool:
        """Whether it was made and not yet closed here."""
        ...

    @property
    def remote_addr(self) -> str:
        """The far end, `address:port`."""
        ...

    @property
    def local_addr(self) -> str:
        """The near end, `address:port`."""
        ...

    @property
    def is_tls(self) -> bool:
        """Whether TLS was negotiated."""
        ...

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        ...

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        ...

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI)."""
        ...

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, RFC 4514."""
        ...

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, RFC 4514."""
        ...

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        ...

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class TCPDialer(Protocol):
    """Makes TCP connections to `host:port` (`[host]:port` for IPv6).

    Every method raises `TCPError`, `TimeoutError` or `CapabilityError`.
    """

    def dial(self, address: str) -> TCPConnection:
        """Connect without TLS, within the host's own time limit."""
        ...

    def dial_with_timeout(self, address: str, timeout: timedelta) -> TCPConnection:
        """Connect without TLS within `timeout`."""
        ...

    def dial_secure(self, address: str, timeout: timedelta, tls: bool) -> TCPConnection:
        """Connect within `timeout`, with TLS if `tls`."""
        ...
