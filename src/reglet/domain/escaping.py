"""Strings of guests, registries and files, safe to print: what is not printed as itself becomes an escape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from attrs import evolve, fields, has

_T = TypeVar("_T")

_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Unicode calls printable and that show nothing; emoji forms stay."""

_BARE = re.compile(r"[A-Za-z0-9_./*:@%+~?!^$\[\]-]+")


def escape(text: str) -> str:
    r"""Return a string in one line, with what is not printed as itself as an escape: `\n`, `\x1b`, `\u202e`.

    That is every control character, C1 and line ends included, everything invisible or bidirectional, every
    space but the plain one, and what is no character at all.
    """
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(
        each
        if each.isprintable() and not _BLANK.match(each)
        else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def escape_lines(text: str) -> str:
    """Return a string whose line ends are meant, each of its lines escaped."""
    return "\n".join(map(escape, text.split("\n")))


def quoted(text: str) -> str:
    """Return a string as one word: as it is if it is plain, else in quotes, escaped."""
    if _BARE.fullmatch(text):
        return text
    within = escape(text.replace("\\", "\\\\").replace('"', '\\"'))
    return '"' + re.sub(" {2,}", lambda spaces: r"\x20" * len(spaces[0]), within) + '"'


def escaped(value: _T) -> _T:
    """Return a record, or anything that JSON has, with every string in it escaped, names included."""
    changed: Any = value
    match changed:
        case Enum():
            return value
        case str():
            changed = escape(changed)
        case Mapping():
            changed = {escaped(key): escaped(item) for key, item in changed.items()}
        case list() | tuple():
            changed = type(changed)(map(escaped, changed))
        case _ if has(type(changed)):
            names = [field.name for field in fields(type(changed)) if field.init]
            changed = evolve(changed, **{name: escaped(getattr(changed, name)) for name in names})
    result: _T = changed
    return result
