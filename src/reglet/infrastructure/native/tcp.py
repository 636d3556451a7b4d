"""TCP and TLS connections over ssl and cryptography, and what their handshakes show."""

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
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, split_address, system_lookup
from reglet.infrastructure.native.trust import Trust, in_words, secure

try:
    from cryptography import x509
except ImportError as error:
    raise MissingPackageError("cryptography") from error

_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_SUITE = re.compile(
    r"(?:(ECDHE|DHE)-)?(?:(ECDSA|RSA|DSS)-)?(?:(AES|ARIA|CAMELLIA)(128|256)-(.+)|(CHACHA20-POLY1305))"
)


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
        cert_subject=go_name(certificate.subject) if certificate else "",
        cert_issuer=go_name(certificate.issuer) if certificate else "",
        cert_not_after=certificate.not_valid_after_utc if certificate else None,
    )


_NAMED = {
    "2.5.4.6": "C",
    "2.5.4.8": "ST",
    "2.5.4.7": "L",
    "2.5.4.9": "STREET",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
}
"""The attributes that Go knows, in the order in which it puts them; it writes a name from its end."""
_SINGLE = frozenset({"CN", "SERIALNUMBER"})
_SPECIAL = re.compile(r'[,+"\\<>;]|^[ #]| \Z')
_ESCAPED = r"\\\g<0>"
_PRINTABLE = re.compile(r"[A-Za-z0-9'()+,./:=? -]*")
_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C


def go_name(name: x509.Name) -> str:
    """Return a subject or issuer as Go's `pkix.Name` writes it.

    The order is Go's own, whatever that of the certificate; attributes that Go does not know come last, as
    `oid=#` and the hex of their DER, encoded again.
    """
    known: dict[str, list[str]] = {each: [] for each in _NAMED.values()}
    parts: list[str] = []
    for attribute in name:
        oid, value = attribute.oid.dotted_string, attribute.value
        named = _NAMED.get(oid)
        if named is None:
            is_printable = isinstance(value, str) and _PRINTABLE.fullmatch(value)
            content = value.encode() if isinstance(value, str) else value
            size = length = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1)
            if len(content) >= 0x80:  # noqa: PLR2004 - the short form of DER ends there
                length = bytes([0x80 | len(size)]) + size
            der = bytes([_PRINTABLE_STRING if is_printable else _UTF8_STRING]) + length + content
            parts.append(f"{oid}=#{der.hex()}")
        elif isinstance(value, str):
            known[named] = [value] if named in _SINGLE else [*known[named], value]
    for named, values in known.items():
        if values and (named not in _SINGLE or values[0]):
            parts.append("+".join(f"{named}={_SPECIAL.sub(_ESCAPED, value)}" for value in values))
    return ",".join(reversed(parts))


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
        began = time.perf_counter()
        deadline = Deadline.start("tcp connect", address, timeout, self._ctx)
        try:
            host, port = split_address(address)
            context = self.trust.context(verify=not insecure_skip_verify) if tls else None
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if context is not None:
                connection = secure(connection, host, context, deadline)
            took = timedelta(seconds=time.perf_counter() - began)
            try:
                facts = tls_facts(connection, host) if isinstance(connection, ssl.SSLSocket) else None
                remote, local = (
                    join_host_port(*name[:2]) for name in (connection.getpeername(), connection.getsockname())
                )
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
