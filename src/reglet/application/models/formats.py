"""The formats of strings that are checked here; hosts hear of them and check nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address

from reglet.domain.errors import DefinitionError
from reglet.domain.time import is_date_time, is_full_date, is_full_time

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?\Z"
_EMAIL = r"[^@\s]+@[^@\s]+\Z"
_SAFE = "A-Za-z0-9._~!$&'()*+,;="
"""The characters that may stand for themselves in every part of a URI, but for the `-`."""


def _part(more: str) -> str:
    """Return an expression for a part of a URI in which some characters more stand for themselves."""
    return rf"(?:[{_SAFE}{more}-]|%[0-9A-Fa-f]{{2}})*"


_AUTHORITY = rf"(?:{_part(':')}@)?(?:\[(?P<literal>[^\]]*)\]|{_part('')})(?::[0-9]*)?(?=[/?#]|\Z)"
_URI = (
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}|(?!//))"
    rf"{_part(':@/')}(?:\?{_part(':@/?')})?(?:#{_part(':@/?')})?\Z"
)
_FUTURE_ADDRESS = rf"v[0-9A-Fa-f]+\.[{_SAFE}:-]+\Z"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z"


def _matches(expression: str) -> Callable[[str], bool]:
    return lambda text: re.match(expression, text) is not None


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(  # noqa: PLR2004 - the parts of an address
        part.isascii() and part.isdigit() and str(int(part)) == part and int(part) < 256  # noqa: PLR2004 - a byte
        for part in parts
    )


def _is_ipv6(text: str) -> bool:
    if "%" in text:  # a zone, which the format does not have
        return False
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_uri(text: str) -> bool:
    """Return whether a string is a URI of RFC 3986: with a scheme, and escaped where it must be."""
    found = re.match(_URI, text)
    if found is None:
        return False
    literal = found["literal"]
    return literal is None or _is_ipv6(literal) or re.match(_FUTURE_ADDRESS, literal) is not None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "date": is_full_date,
    "date-time": is_date_time,
    "email": _matches(_EMAIL),
    "hostname": _matches(_HOSTNAME),
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "time": is_full_time,
    "uri": _is_uri,
    "uuid": _matches(_UUID),
}

FORMATS = tuple(_CHECKS)
"""The formats that are checked here."""


def format_check(name: str) -> Callable[[str], bool]:
    """Return what checks a format.

    Raises:
        DefinitionError: it is not one that is checked here.
    """
    check = _CHECKS.get(name)
    if check is None:
        raise DefinitionError(f"format {name!r} is not known; there are {', '.join(FORMATS)}")
    return check
