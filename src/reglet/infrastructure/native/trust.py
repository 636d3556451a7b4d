"""Whom TLS connections trust."""

from __future__ import annotations

import os
import ssl

from attrs import frozen


@frozen
class Trust:
    """The certificate authorities to trust: those of the system, or only those of a PEM file."""

    ca_file: str | None = None

    def context(self, *, verify: bool = True) -> ssl.SSLContext:
        """Return a fresh client context; with `verify` off it takes any certificate."""
        context = ssl.create_default_context(cafile=self.ca_file or _fallback_roots())
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _fallback_roots() -> str | None:
    """Return certifi's roots where the system has none that OpenSSL finds, as on some macOS builds."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):  # noqa: PTH208 - a text, only counted
        return None
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()
