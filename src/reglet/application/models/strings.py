"""What a string may be held to: patterns that Python, Go (RE2) and ECMAScript read alike, and formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from reglet.domain.errors import DefinitionError
from reglet.domain.time import is_date_time, is_full_date, is_full_time

_MOST_REPEATS = 1000
"""RE2 refuses a counted repetition beyond this."""

_IN_CLASS = r"\\[dwtnrfv\\\]\[^$.*+?(){}|/-]|\\x[0-7][0-9a-fA-F]|[^\\\[\]&~|-]|-(?!-)|[&~|](?![&~|])"
_PIECE = (
    rf"\[\^?(?:{_IN_CLASS})+\]"
    r"|\\[dDwWtnrfv]|\\[\^$\\.*+?()\[\]{}|/]|\\x[0-7][0-9a-fA-F]"
    r"|\((?:\?:)?(?!\?)|\)|\|"
    r"|(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??(?![*+?{])"
    r"|[\^$.]"
    r"|[^\\()\[\]{}|*+?^$.]"
)
_SETS = {r"\d": "0-9", r"\w": "0-9A-Za-z_"}
_SPELLED = {r"\d": "[0-9]", r"\w": "[0-9A-Za-z_]", r"\D": "[^0-9]", r"\W": "[^0-9A-Za-z_]"}


def spelled_out(pattern: str) -> str:
    r"""Return a pattern as schemas carry it: `\d` and `\w`, which are not ASCII everywhere, as sets.

    Raises:
        DefinitionError: something in it is not read alike by all three.
    """
    spelled = "".join(_spelled(piece) for piece in _pieces(pattern))
    try:
        re.compile(spelled)
    except re.error as error:
        raise DefinitionError(f"pattern {pattern!r}: {error}") from error
    return spelled


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern so that it means here what it means there.

    `$` is the very end, where Python's own would also match before a last newline.
    """
    return re.compile("".join(r"\Z" if piece == "$" else piece for piece in map(_spelled, _pieces(pattern))))


def _pieces(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        piece = re.match(_PIECE, pattern[position:])
        counts = re.findall(r"\d+", piece.group()) if piece and piece.group().startswith("{") else []
        if piece is None or any(int(count) > _MOST_REPEATS for count in counts):
            raise DefinitionError(
                f"pattern {pattern!r}: Python, Go (RE2) and ECMAScript do not all read "
                f"{pattern[position : position + 4]!r} at {position} alike; keep to literals, [classes], "
                f"\\d \\w, groups and * + ? {{n,m}}"
            )
        yield piece.group()
        position += piece.end()


def _spelled(piece: str) -> str:
    if piece.startswith("["):
        return re.sub(r"\\[dw]|\\.", lambda found: _SETS.get(found.group(), found.group()), piece)
    return _SPELLED.get(piece, piece)


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LABELS = rf"{_LABEL}(?:\.{_LABEL})*"
_HOSTNAME = rf"(?=.{{1,253}}\.?\Z){_LABELS}\.?\Z"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_EMAIL = rf"(?P<local>{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:{_LABELS}|\[(?P<literal>[^\]]*)\])\Z"
_MOST_IN_EMAIL, _MOST_IN_LOCAL_PART = 254, 64
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
    return lambda string: re.match(expression, string) is not None


def _is_address(kind: type[IPv4Address | IPv6Address]) -> Callable[[str], bool]:
    def is_one(string: str) -> bool:
        if "%" in string:  # a zone, which the formats do not have
            return False
        try:
            kind(string)
        except ValueError:
            return False
        return True

    return is_one


_is_ipv4, _is_ipv6 = _is_address(IPv4Address), _is_address(IPv6Address)


def _is_email(string: str) -> bool:
    """Return whether a string is a mailbox of RFC 5321: `user@example.com`, `user@[192.0.2.1]`."""
    found = re.match(_EMAIL, string)
    if found is None or len(string) > _MOST_IN_EMAIL or len(found["local"]) > _MOST_IN_LOCAL_PART:
        return False
    literal = found["literal"]
    if literal is None:
        return True
    return _is_ipv6(literal[len("IPv6:") :]) if literal[:5].lower() == "ipv6:" else _is_ipv4(literal)


def _is_uri(string: str) -> bool:
    """Return whether a string is a URI of RFC 3986: with a scheme, and escaped where it must be."""
    found = re.match(_URI, string)
    if found is None:
        return False
    literal = found["literal"]
    return literal is None or _is_ipv6(literal) or re.match(_FUTURE_ADDRESS, literal) is not None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "date": is_full_date,
    "date-time": is_date_time,
    "email": _is_email,
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
