"""The formats of texts that are checked here; hosts are told of them and check nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time

from reglet.domain.errors import DefinitionError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)\Z")


def _matches(expression: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: expression.match(text) is not None


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
    from ipaddress import IPv6Address

    return "%" not in text and _reads(IPv6Address)(text)


def _is_date_time(text: str) -> bool:
    return _DATE_TIME.match(text) is not None and _reads(datetime.fromisoformat)(text.upper())


FORMATS: Mapping[str, Callable[[str], bool]] = {
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
"""What checks each format."""


def check_format_name(name: str) -> None:
    """Raise `DefinitionError` unless `name` is a format that is checked here."""
    if name not in FORMATS:
        raise DefinitionError(f"format {name!r} is not known; there are {', '.join(sorted(FORMATS))}")
