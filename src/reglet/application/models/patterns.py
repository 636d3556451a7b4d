"""Which regular expressions Python, Go (RE2) and ECMAScript read alike, and how they are run here."""

from __future__ import annotations

import re

from reglet.domain.errors import DefinitionError

_MOST_REPEATS = 1000
"""RE2 refuses a counted repetition beyond this."""

_CLASS = re.compile(
    r"\[\^?"
    r"(?:\\[dDwW\\\]\[^\-tnrfv.$*+?(){}|/]|\\x[0-9a-fA-F]{2}|[^\\\[\]&~|-]|-(?!-)|[&~|](?![&~|]))+"
    r"\]"
)
_TOKEN = re.compile(
    r"\\[dDwWbB]|\\[tnrfv]|\\[\^$\\.*+?()\[\]{}|/]|\\x[0-9a-fA-F]{2}"
    r"|\((?:\?:)?(?!\?)|\)|\|"
    r"|(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??(?![*+?{])"
    r"|[\^$.]"
    r"|[^\\()\[\]{}|*+?^$.]"
)


def check_pattern(pattern: str) -> None:
    """Raise `DefinitionError` unless all three read `pattern` alike."""
    place = 0
    while place < len(pattern):
        token = _CLASS.match(pattern, place) or _TOKEN.match(pattern, place)
        if token is None or _too_many(token.group()):
            raise DefinitionError(
                f"pattern {pattern!r}: Python, Go (RE2) and ECMAScript do not all read "
                f"{pattern[place : place + 4]!r} at {place} alike; keep to literals, [classes], \\d \\w \\b, "
                f"groups and * + ? {{n,m}}"
            )
        place = token.end()
    try:
        compile_pattern(pattern)
    except re.error as error:
        raise DefinitionError(f"pattern {pattern!r}: {error}") from error


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a checked pattern so that it means here what it means there.

    Classes are ASCII, as in RE2, and `$` is the very end, where Python's would match before a newline.
    """
    return re.compile("".join(_translate(pattern)), re.ASCII)


def _translate(pattern: str) -> list[str]:
    parts, place = [], 0
    while place < len(pattern):
        token = _CLASS.match(pattern, place) or _TOKEN.match(pattern, place)
        assert token is not None
        parts.append(r"\Z" if token.group() == "$" else token.group())
        place = token.end()
    return parts


def _too_many(token: str) -> bool:
    if not token.startswith("{"):
        return False
    return any(int(count) > _MOST_REPEATS for count in re.findall(r"\d+", token))
