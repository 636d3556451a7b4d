"""TLS handshakes, and what they show."""

from __future__ import annotations

import re
import socket
import ssl

from reglet.domain.entities.records import TLSFacts
from reglet.domain.policy import canonical_host, parse_address
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import Deadline

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
