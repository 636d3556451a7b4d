"""The formats of texts that are checked here; hosts are told of them and check nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from ipaddress import IPv6Address

from reglet.application.models.text_forms import parse_moment
from reglet.domain.errors import DefinitionError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?\Z"
_EMAIL = r"[^@\s]+@[^@\s]+\Z"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z"


def _matches(expression: str) -> Callable[[str], bool]:
    return lambda text: re.match(expression, text) is not None


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(  # noqa: PLR2004 - the parts of an address
        part.isascii() and part.isdigit() and str(int(part)) == part and int(part) < 256  # noqa: PLR2004 - a byte
        for part in parts
    )


def _is_ipv6(text: str) -> bool:
    return "%" not in text and _reads(IPv6Address)(text)


def _is_date_time(text: str) -> bool:
    return parse_moment(text) is not None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "date": _reads(date.fromisoformat),
    "date-time": _is_date_time,
    "email": _matches(_EMAIL),
    "hostname": _matches(_HOSTNAME),
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "time": _reads(time.fromisoformat),
    "uri": _matches(_URI),
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
