"""Whom TLS connections trust, how they start, and how they fail."""

from __future__ import annotations

import re
import socket
import ssl
import sys
from functools import lru_cache
from pathlib import Path

from attrs import frozen

from reglet.domain.policy.network import canonical_host
from reglet.infrastructure.native.dialer import Deadline

_CIPHERS = "@SECLEVEL=1:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!AESCCM"
"""Python's own, and what Go takes of older servers: CBC with SHA-1, and RSA keys from 1024 bits on."""


@frozen
class Trust:
    """The certificate authorities to trust: those of the system, or only those of a PEM file."""

    ca_file: str | None = None

    def context(self, *, verify: bool = True, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return a client context that offers these application protocols (ALPN).

        With `verify` off it takes any certificate. Contexts are shared, since reading the authorities takes
        many milliseconds: do not change them. Raises `OSError` where the authorities cannot be read.
        """
        path = (self.ca_file or system_roots(ssl.get_default_verify_paths())) if verify else None
        changed = Path(path).stat().st_mtime_ns if path else 0
        return _context(path, changed, protocols, verify=verify)


@lru_cache(maxsize=16)
def _context(path: str | None, _changed: int, protocols: tuple[str, ...], *, verify: bool) -> ssl.SSLContext:
    if verify:
        try:
            context = ssl.create_default_context(cafile=path)
        except ssl.SSLError as error:
            raise OSError(f"{path} holds no certificate authorities in PEM: {in_words(error)}") from error
        context.hostname_checks_common_name = False  # RFC 9525, as Go: names are alternative names alone
        # as Go, and as Python before 3.13: what is trusted need be no root, and need not be perfect
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    else:  # it takes any certificate, and so reads no authorities
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_CIPHERS)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def system_roots(paths: ssl.DefaultVerifyPaths, platform: str = sys.platform) -> str | None:
    """Return the file of the system's authorities, certifi's where OpenSSL knows of none (macOS).

    None stands for those that `ssl` finds itself: in a folder, on Windows in the system's store.
    """
    if paths.cafile:
        return paths.cafile
    if platform == "win32":
        return None
    if paths.capath and any(Path(paths.capath).iterdir()):
        return None
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()


def secure(plain: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Start TLS on a connection, asking for `host`. The connection is closed if that fails.

    Raises:
        InvalidHostError: `host` is neither a name nor an address.
        TimeoutError: time ran out.
        OSError: the handshake failed, or the certificate is not to be trusted.
    """
    try:
        plain.settimeout(deadline.seconds())
        return context.wrap_socket(plain, server_hostname=canonical_host(host))
    except BaseException:
        plain.close()
        raise


_ALERT = re.compile(r"(?:sslv3|tlsv1|tlsv13) (?:alert )?(.+)")
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""What OpenSSL says of bytes that are no TLS record."""


def in_words(error: Exception) -> Exception | str:
    """Return an error of TLS in words that do not take OpenSSL's sources to read, any other as it is."""
    if not isinstance(error, ssl.SSLError):
        return error
    words = re.sub(r" \(_ssl\.c:[0-9]+\)$", "", str(error.strerror or error))
    alert = _ALERT.fullmatch(words.rpartition("] ")[2])
    if isinstance(error, ssl.SSLEOFError):
        return "the server closed the connection within the TLS handshake (EOF)"
    if alert is not None:
        return f"the server refused the TLS handshake: {alert[1]} (a TLS alert)"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{words.removesuffix('.')}; insecure_skip_verify takes any certificate, and shows its facts"
    if error.reason in _NO_TLS:
        return f"the server does not speak TLS on this port ({words})"
    return words
