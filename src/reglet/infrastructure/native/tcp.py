"""TCP and TLS connections, and what their handshakes show."""

from __future__ import annotations

import builtins
import re
import ssl
import time
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT, ObservedConnection, TLSFacts
from reglet.domain.errors import DNSError, TCPError
from reglet.domain.policy.network import InvalidHostError, canonical_host, parse_address
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.certificate import Certificate
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, split_address, system_lookup
from reglet.infrastructure.native.trust import Trust, in_words, secure

_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_SUITE = re.compile(
    r"(?:(ECDHE|DHE)-)?(?:(ECDSA|RSA|DSS)-)?(?:(AES|ARIA|CAMELLIA)(128|256)-(.+)|(CHACHA20-POLY1305))"
)


def tls_facts(connection: ssl.SSLSocket, host: str) -> TLSFacts:
    """Return what a handshake showed; `ValueError` if the certificate cannot be read."""
    name = canonical_host(host)
    encoded = connection.getpeercert(binary_form=True)
    certificate = Certificate.parse(encoded) if encoded else None
    version = connection.version() or ""
    suite = connection.cipher()
    return TLSFacts(
        version=_VERSIONS.get(version, version),
        cipher_suite=iana_name(suite[0]) if suite else "",
        server_name="" if parse_address(name) is not None else name,
        cert_subject=certificate.subject if certificate else "",
        cert_issuer=certificate.issuer if certificate else "",
        cert_not_after=certificate.not_after if certificate else None,
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
        try:
            host, port = split_address(address)
            context = self.trust.context(verify=not insecure_skip_verify) if tls else None
            began = time.perf_counter()
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            try:
                remote = join_host_port(*connection.getpeername()[:2])
            except OSError:
                remote = address  # the server has hung up already
            local = join_host_port(*connection.getsockname()[:2])
            if context is not None:
                connection = secure(connection, host, context, deadline)
            took = timedelta(seconds=time.perf_counter() - began)
            try:
                facts = tls_facts(connection, host) if isinstance(connection, ssl.SSLSocket) else None
            except BaseException:
                connection.close()
                raise
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except (OSError, ValueError, DNSError, InvalidHostError) as error:
            raise TCPError(address, in_words(error)) from error
        is_tls = facts is not None
        return ObservedConnection(
            remote, local, is_tls, facts or TLSFacts(), connection.close, response_time=took
        )
