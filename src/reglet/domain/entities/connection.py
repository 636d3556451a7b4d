"""A TCP connection as what is known of it: the one implementation of the `TCPConnection` port."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from attrs import define, field

from reglet.domain.entities.requests import TLSFacts


def _hold_nothing() -> None:
    """Let go of nothing."""


@define
class ObservedConnection:
    """What a connection told, and what holds it open if anything does.

    Attributes:
        remote_addr: the far end, `address:port`.
        local_addr: the near end, `address:port`.
        is_tls: whether TLS was negotiated.
        tls: what the handshake told.
    """

    remote_addr: str = ""
    local_addr: str = ""
    is_tls: bool = False
    tls: TLSFacts = field(factory=TLSFacts, repr=False)
    _let_go: Callable[[], object] = field(default=_hold_nothing, repr=False, eq=False)
    _is_open: bool = field(default=True, init=False, repr=False, eq=False)

    @property
    def is_connected(self) -> bool:
        """Whether it was made and not yet closed here."""
        return self._is_open

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        return self.tls.version

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        return self.tls.cipher_suite

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI); empty for an address."""
        return self.tls.server_name

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, RFC 4514."""
        return self.tls.cert_subject

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, RFC 4514."""
        return self.tls.cert_issuer

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        return self.tls.cert_not_after

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        if self._is_open:
            self._is_open = False
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
