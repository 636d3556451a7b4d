"""Whom TLS connections trust, and how they start."""

from __future__ import annotations

import socket
import ssl
import sys
from functools import lru_cache
from pathlib import Path

from attrs import frozen

from reglet.domain.policy.network import canonical_host
from reglet.infrastructure.native.dialer import Deadline


@frozen
class Trust:
    """The certificate authorities to trust: those of the system, or only those of a PEM file."""

    ca_file: str | None = None

    def context(self, *, verify: bool = True, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return a client context that offers these application protocols (ALPN).

        With `verify` off it takes any certificate. Contexts are shared, since reading the authorities takes
        many milliseconds: do not change them. Raises `OSError` where the authorities cannot be read.
        """
        path = self.ca_file or system_roots(ssl.get_default_verify_paths())
        changed = Path(path).stat().st_mtime_ns if path else 0
        return _context(path, changed, verify, protocols)


@lru_cache(maxsize=16)
def _context(path: str | None, _changed: int, verify: bool, protocols: tuple[str, ...]) -> ssl.SSLContext:
    if verify:
        context = ssl.create_default_context(cafile=path)
    else:  # whom to trust is not asked, and is long to read
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
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
