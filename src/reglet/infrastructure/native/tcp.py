"""TCP and TLS connections over ssl and cryptography, and what their handshakes show."""

from __future__ import annotations

import builtins
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT, ObservedConnection, TLSFacts
from reglet.domain.errors import DNSError, TCPError
from reglet.domain.policy import InvalidHostError, canonical_host, parse_address
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, split_address, system_lookup
from reglet.infrastructure.native.trust import Trust

try:
    from cryptography import x509
except ImportError as error:
    raise MissingPackageError("cryptography") from error

_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_SUITE = re.compile(
    r"(?:(ECDHE|DHE)-)?(?:(ECDSA|RSA|DSS)-)?(?:(AES|ARIA|CAMELLIA)(128|256)-(.+)|(CHACHA20-POLY1305))"
)


def secure(plain: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Start TLS on a connection, asking for `host`. The connection is closed if that fails."""
    try:
        plain.settimeout(deadline.seconds())
        return context.wrap_socket(plain, server_hostname=canonical_host(host))
    except OSError:
        plain.close()
        raise


def tls_facts(connection: ssl.SSLSocket, host: str) -> TLSFacts:
    """Return what a handshake showed; `ValueError` if the certificate cannot be read."""
    name = canonical_host(host)
    encoded = connection.getpeercert(binary_form=True)
    certificate = x509.load_der_x509_certificate(encoded) if encoded else None
    version = connection.version() or ""
    suite = connection.cipher()
    return TLSFacts(
        version=_VERSIONS.get(version, version),
        cipher_suite=iana_name(suite[0]) if suite else "",
        server_name="" if parse_address(name) is not None else name,
        cert_subject=certificate.subject.rfc4514_string() if certificate else "",
        cert_issuer=certificate.issuer.rfc4514_string() if certificate else "",
        cert_not_after=certificate.not_valid_after_utc if certificate else None,
    )


def iana_name(openssl_name: str) -> str:
    """Return a cipher suite's IANA name for OpenSSL's (`ECDHE-RSA-AES128-GCM-SHA256`)."""
    if openssl_name.startswith("TLS_"):
        return openssl_name
    match = _SUITE.fullmatch(openssl_name)
    if match is None:
        return openssl_name
    exchange, signature, cipher, bits, mode, _ = match.groups()
    agreement = f"{exchange}_{signature or 'RSA'}" if exchange else "RSA"
    if cipher is None:
        return f"TLS_{agreement}_WITH_CHACHA20_POLY1305_SHA256"
    hashed = f"CBC_{mode}" if mode.startswith("SHA") else mode.replace("CCM8", "CCM_8").replace("-", "_")
    return f"TLS_{agreement}_WITH_{cipher}_{bits}_{hashed}"


@frozen
class NativeTCPDialer:
    """The `TCPDialer` port over the real network."""

    guard: NetworkGuard | None = None
    trust: Trust = field(factory=Trust)
    lookup: Lookup = system_lookup
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the dialer for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def dial(self, address: str) -> ObservedConnection:
        """Connect without TLS, within 30 seconds."""
        return self.dial_secure(address, DEFAULT_TIMEOUT, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> ObservedConnection:
        """Connect without TLS within `timeout`."""
        return self.dial_secure(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> ObservedConnection:
        """Connect within `timeout`, with TLS if `tls`.

        With `insecure_skip_verify` any certificate is taken, and its facts can be read all the same.
        Raises `TCPError`, `TimeoutError` or `CapabilityError`.
        """
        deadline = Deadline.start("tcp connect", address, timeout, self._ctx)
        with _errors_mapped(deadline):
            host, port = split_address(address)
            plain = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if not tls:
                return _connection(plain)
            context = self.trust.context(verify=not insecure_skip_verify)
            connection = secure(plain, host, context, deadline)
            return _with_facts(connection, host)


def _connection(connection: socket.socket, facts: TLSFacts | None = None) -> ObservedConnection:
    remote, local = (
        join_host_port(*name[:2]) for name in (connection.getpeername(), connection.getsockname())
    )
    return ObservedConnection(remote, local, facts is not None, facts or TLSFacts(), connection.close)


def _with_facts(connection: ssl.SSLSocket, host: str) -> ObservedConnection:
    try:
        return _connection(connection, tls_facts(connection, host))
    except BaseException:
        connection.close()
        raise


@contextmanager
def _errors_mapped(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except builtins.TimeoutError as error:
        raise deadline.error() from error
    except (OSError, ValueError, DNSError, InvalidHostError) as error:
        raise TCPError(deadline.target, error) from error
