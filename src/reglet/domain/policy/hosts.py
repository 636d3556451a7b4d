"""Host names and addresses in one spelling, so that what is checked is what is dialled."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network

from reglet.domain.errors import RegletError
from reglet.domain.policy.addresses import Address, Network

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_MAX_NAME = 253
_OCTETS = 4
_OCTET = 256
_TWO_READINGS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")
"""Characters that IDNA 2003 and 2008 turn into different names."""


class HostError(RegletError):
    """A text that is neither a host name nor an address; the text says why."""

    error_type = "validation"

    def __init__(self, host: str, reason: str) -> None:
        """Name the host and what is wrong with it."""
        super().__init__(f"host {host!r} is neither a name nor an address: {reason}")
        self.host = host
        self.reason = reason


def canonical_host(text: str) -> str:
    """Return a host in the one spelling used here, or raise `HostError`.

    Names come back in lower case, in IDNA's ASCII form, without a trailing dot; addresses as `ipaddress`
    writes them, whatever their spelling was (`0x7f.1`, `[::ffff:127.0.0.1]`).
    """
    address = parse_address(text)
    return str(address) if address is not None else _name(text)


def parse_address(text: str) -> Address | None:
    """Return the address that a host text means, None if it is a name; `HostError` for neither.

    IPv4 inside IPv6 (mapped) is returned as IPv4. All spellings of `inet_aton` are read, as resolvers do.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in bare:
        raise HostError(text, "zone ids and percent-encoding are refused")
    if ":" in bare:
        return _ipv6(text, bare)
    if bare is not text:
        raise HostError(text, "only IPv6 addresses stand in brackets")
    return _ipv4(text)


def _ipv6(text: str, bare: str) -> Address:
    try:
        address = IPv6Address(bare)
    except AddressValueError as error:
        raise HostError(text, str(error)) from None
    return address.ipv4_mapped or address


def _ipv4(text: str) -> IPv4Address | None:
    parts = _ascii(text).removesuffix(".").split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    if len(parts) > _OCTETS or not all(_NUMBER.fullmatch(part) for part in parts):
        raise HostError(text, "it ends in a number and is no IPv4 address")
    *high, low = (_number(text, part) for part in parts)
    if any(value >= _OCTET for value in high) or low >= _OCTET ** (_OCTETS - len(high)):
        raise HostError(text, "a part of the IPv4 address is too large")
    value = sum(octet << (8 * (3 - place)) for place, octet in enumerate(high)) + low
    return IPv4Address(value)


def _number(text: str, part: str) -> int:
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16)
        return int(part, 8) if part.startswith("0") else int(part[:20])
    except ValueError:
        raise HostError(text, f"{part!r} is no octal number") from None


def _name(text: str) -> str:
    name = _ascii(text).removesuffix(".")
    if len(name) > _MAX_NAME:
        raise HostError(text[:80] + "…", f"it is longer than {_MAX_NAME} characters")
    for label in name.split("."):
        if not _NAME.fullmatch(label):
            reason = "a label is empty" if not label else f"{label[:80]!r} cannot be a label of a name"
            raise HostError(text, reason)
    return name


def _ascii(text: str) -> str:
    """Return the text in lower case and, if it is not ASCII, in IDNA's ASCII form."""
    if text.isascii():
        return text.lower()
    if not _TWO_READINGS.isdisjoint(text):
        raise HostError(
            text, "it has characters that IDNA 2003 and 2008 read differently; write its xn-- form"
        )
    return ".".join(ascii_label(text, label) for label in _DOTS.split(text))


def ascii_label(text: str, label: str) -> str:
    """Return one label in IDNA's ASCII form."""
    if label.isascii():
        return label.lower()
    try:
        return label.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise HostError(text, f"IDNA cannot write {label!r}: {error}") from None


def parse_network(text: str) -> Network | None:
    """Return the CIDR block that a pattern means, None if it is none; host bits must be zero."""
    address, slash, _ = text.partition("/")
    if not slash or not (":" in address or re.fullmatch(r"[0-9.]+", address)):
        return None
    try:
        return ip_network(text)
    except ValueError as error:
        raise HostError(text, str(error)) from None
