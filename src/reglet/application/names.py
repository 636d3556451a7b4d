"""Names and versions: how those of plugins and operations are made, and how others stand in messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from reglet.domain.errors import DefinitionError

_VERSION = re.compile(r"v?[0-9][0-9A-Za-z.!+_-]*\Z")
_CAPITALISED = re.compile("(.)([A-Z][a-z]+)")
_NEXT_WORD = re.compile("([a-z0-9])([A-Z])")
PROJECT_FILE = "pyproject.toml"
"""The file of a project whose `[tool.reglet]` names the plugin."""

ROUTING = ("service", "operation")
"""The keys by which a config names its operation."""

_NAME = re.compile(r"[^\W_][\w.-]*\Z")


def snake_case(name: str) -> str:
    """Return a name as the Go SDK makes operation names: `URLCheck` becomes `url_check`.

    As in Go, A to Z alone begin words, and each letter becomes one lower-case letter.
    """
    parted = _NEXT_WORD.sub(r"\1_\2", _CAPITALISED.sub(r"\1_\2", name))
    return "".join(letter.lower()[0] for letter in parted)


def check_name(kind: str, name: object) -> str:
    """Return `name` if it may name a plugin, a service or an operation (`kind`).

    Raises:
        DefinitionError: it is no string, empty, or holds more than letters, digits, `_`, `-` and `.`.
    """
    if not isinstance(name, str) or _NAME.match(name) is None:
        raise DefinitionError(
            f"{kind} name {name!r}: begin with a letter or digit; use letters, digits, '_', '-' and '.' only"
        )
    return name


def check_version(version: object) -> str:
    """Return `version` if it may be a plugin's: one of Go, Semantic Versioning or PEP 440.

    Raises:
        DefinitionError: it is no string, or does not look like a version; an empty one stands for none.
    """
    if not isinstance(version, str) or (version and _VERSION.match(version) is None):
        raise DefinitionError(f'version {version!r}: write it like "1.2.3"')
    return version


def path_step(member: str | int) -> str:
    """Return the step of a path to a member of an object or an item of a list."""
    if isinstance(member, str) and member.isidentifier():
        return f".{member}"
    return f"[{json.dumps(member, ensure_ascii=False)}]"


def quoted(names: Sequence[str]) -> str:
    """Return names as a list for a message, `none` if there are none."""
    return ", ".join(f'"{name}"' for name in names) or "none"


def suggestion(wrong: str, names: Iterable[str]) -> str:
    """Return `; did you mean "…"?` if one of `names` is close to `wrong`, else nothing."""
    closest = closest_name(wrong, names)
    return f'; did you mean "{closest}"?' if closest else ""


def closest_name(wrong: str, names: Iterable[str]) -> str:
    """Return the name that changing two fifths of the letters of `wrong` gives, in any case; else nothing.

    `difflib` would do, for 80 KB in every plugin.
    """
    word, most = wrong.lower(), len(wrong) * 2 // 5
    nearest = most + 1, ""
    for name in names:
        if abs(len(word) - len(name)) > most:
            continue
        other = name.lower()
        # the letters to put in, leave out, replace or swap with the next, from each start of one to the other
        before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
        for index, letter in enumerate(word, 1):
            earlier, before, row = before, row, [index]
            for column, target in enumerate(other, 1):
                edits = min(before[column] + 1, row[column - 1] + 1, before[column - 1] + (letter != target))
                is_swap = (
                    index > 1 and column > 1 and (word[index - 2], letter) == (target, other[column - 2])
                )
                row.append(min(edits, earlier[column - 2] + 1) if is_swap else edits)
        nearest = min(nearest, (row[-1], name))
    return nearest[1]
