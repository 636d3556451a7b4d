"""Which regular expressions Python, Go (RE2) and ECMAScript read alike, and how they are run here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reglet.domain.errors import DefinitionError

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
        if piece is None or _too_many(piece.group()):
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


def _too_many(piece: str) -> bool:
    counts = re.findall(r"\d+", piece) if piece.startswith("{") else []
    return any(int(count) > _MOST_REPEATS for count in counts)
