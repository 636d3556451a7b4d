"""URLs as errors and logs may show them."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?(//)?[^/?#]*@")


def without_credentials(url: str) -> str:
    """Return a URL without user name and password."""
    return _CREDENTIALS.sub(r"\1\2", url)
