"""The facts of a certificate, read from its DER and written as Go's `crypto/x509` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from attrs import frozen

_VERSION, _UTC_TIME = 0xA0, 0x17
_UTF8_STRING, _PRINTABLE_STRING, _BMP_STRING = 0x0C, 0x13, 0x1E
_CHARACTER_SETS = {0x14: "latin-1", 0x1C: "utf-32-be", _BMP_STRING: "utf-16-be"}
"""Of T61String (by common use), UniversalString and BMPString."""
_STRINGS = frozenset({_UTF8_STRING, _PRINTABLE_STRING, 0x12, 0x16, 0x1A, 0x1B, *_CHARACTER_SETS})
_LONG_FORM = 0x80
_TIME = re.compile(r"([0-9]{2}|[0-9]{4})([0-9]{8})([0-9]{2})?(?:Z|([+-][0-9]{2})([0-9]{2}))")
_CENTURY_TURNS = 50
"""Two digits of a year are of the 20th century from here on (RFC 5280 section 4.1.2.5.1)."""

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


@frozen
class Certificate:
    """Whose a certificate is, who says so, and until when."""

    subject: str
    issuer: str
    not_after: datetime

    @classmethod
    def parse(cls, der: bytes) -> Certificate:
        """Read the beginning of a certificate (RFC 5280 section 4.1); `ValueError` if it has none."""
        try:
            ((_, certificate),) = _elements(der)
            fields = list(_elements(next(_elements(certificate))[1]))
            if fields[0][0] == _VERSION:
                del fields[0]
            _, _, (_, issuer), (_, validity), (_, subject) = fields[:5]
            _, (kind, not_after) = _elements(validity)
            return cls(go_name(subject), go_name(issuer), _time(kind, not_after))
        except (ValueError, LookupError, OverflowError, StopIteration) as error:
            raise ValueError(f"the server's certificate cannot be read: {error}") from error


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the elements that stand side by side, each as its tag and content."""
    at = 0
    while at < len(der):
        tag, size, begin = der[at], der[at + 1], at + 2
        if size >= _LONG_FORM:
            begin += size - _LONG_FORM
            size = int.from_bytes(der[at + 2 : begin])
        at = begin + size
        if at > len(der):
            raise ValueError(f"an element has {len(der) - begin} of {size} bytes")
        yield tag, der[begin:at]


def go_name(der: bytes) -> str:
    """Return a subject or issuer, given as the content of its element, as Go's `pkix.Name` writes it.

    The order is Go's own, whatever that of the certificate; attributes that Go does not know come last, as
    `oid=#` and the hex of their DER, encoded again.
    """
    known: dict[str, list[str]] = {each: [] for each in _NAMED.values()}
    parts: list[str] = []
    for _, members in _elements(der):
        for _, attribute in _elements(members):
            (_, encoded_oid), (tag, content) = _elements(attribute)
            oid = _dotted(encoded_oid)
            named = _NAMED.get(oid)
            value = _string(tag, content)
            if named is not None and value is not None:
                known[named] = [value] if named in _SINGLE else [*known[named], value]
                continue
            if value is not None:
                tag = _PRINTABLE_STRING if _PRINTABLE.fullmatch(value) else _UTF8_STRING
                content = value.encode()
            size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1)
            form = bytes([_LONG_FORM | len(size)]) if len(content) >= _LONG_FORM else b""
            parts.append(f"{oid}=#{(bytes([tag]) + form + size + content).hex()}")
    for named, values in known.items():
        if values and (named not in _SINGLE or values[0]):
            parts.append("+".join(f"{named}={_SPECIAL.sub(_ESCAPED, value)}" for value in values))
    return ",".join(reversed(parts))


def _dotted(encoded: bytes) -> str:
    """Return an object identifier as its numbers with dots."""
    numbers, number = [], 0
    for byte in encoded:
        number = number << 7 | byte & 0x7F
        if byte < _LONG_FORM:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def _string(tag: int, content: bytes) -> str | None:
    """Return what a string says, whatever characters its type allows; None for what is no string."""
    if tag not in _STRINGS:
        return None
    try:
        text = content.decode(_CHARACTER_SETS.get(tag, "utf-8"))
    except UnicodeDecodeError:
        return content.decode("latin-1")
    return text.removesuffix("\0") if tag == _BMP_STRING else text


def _time(tag: int, content: bytes) -> datetime:
    match = _TIME.fullmatch(content.decode("ascii"))
    if match is None:
        raise ValueError(f"{content[:40]!r} is no time")
    year, rest, seconds, hours, minutes = match.groups()
    number = int(year)
    if tag == _UTC_TIME:
        number += 1900 if number >= _CENTURY_TURNS else 2000
    local = datetime.strptime(f"{number:04}{rest}{seconds or '00'}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if hours is None:
        return local
    return local - timedelta(hours=int(hours), minutes=int(hours[0] + minutes))
