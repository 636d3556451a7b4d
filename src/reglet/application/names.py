"""The names of plugins, services and operations: how they are made, and which there may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from reglet.domain.errors import DefinitionError

_NAME = re.compile(r"[^\W_][\w.-]*\Z")


def snake_case(name: str) -> str:
    """Return a name as the Go SDK makes operation names: `URLCheck` becomes `url_check`."""
    words = []
    for place, letter in enumerate(name):
        if letter.isupper() and place > 0 and _begins_word(name, place):
            words.append("_")
        words.append(letter.lower())
    return "".join(words)


def _begins_word(name: str, place: int) -> bool:
    before, after = name[place - 1], name[place + 1 : place + 2]
    return after.islower() or not (before.isupper() or before == "_")


def check_name(kind: str, name: object) -> str:
    """Return `name` if it may name a plugin, a service or an operation (`kind`).

    Raises:
        DefinitionError: it is no text, empty, or holds more than letters, digits, `_`, `-` and `.`.
    """
    if not isinstance(name, str) or _NAME.match(name) is None:
        raise DefinitionError(
            f"{kind} name {name!r}: begin with a letter or digit; use letters, digits, '_', '-' and '.' only"
        )
    return name


def quoted(names: Sequence[str]) -> str:
    """Return names as a list for a message, `none` if there are none."""
    return ", ".join(f'"{name}"' for name in names) or "none"


def suggestion(wrong: str, names: Sequence[str]) -> str:
    """Return ` (did you mean "…"?)` if one of `names` is close to `wrong`, else nothing."""
    close = difflib.get_close_matches(wrong.lower(), names, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
