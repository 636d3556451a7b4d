"""Paths and the patterns of paths, made absolute before they are compared."""

from __future__ import annotations

import re


def canonical_path(path: str, cwd: str | None) -> str | None:
    """Return the absolute path to judge, None if it is not one that can be judged.

    Symlinks must be resolved already; `.` and `..` can then only stand in a path that someone made up.
    """
    whole = path if path.startswith("/") or cwd is None else f"{cwd.rstrip('/')}/{path}"
    parts = whole.split("/")[1:]
    plain = whole == "/" or not {"", ".", ".."}.intersection(parts)
    return whole if whole.startswith("/") and plain and "\0" not in whole else None


def path_pattern(pattern: str, cwd: str | None) -> str:
    """Return a pattern of paths as an absolute one; without a `cwd` a relative one stays as it is."""
    if cwd is None or pattern.startswith(("/", "**")):
        return pattern
    escaped = re.sub(r"([*?\[\]{}\\])", r"\\\1", cwd.rstrip("/"))
    return f"{escaped}/{pattern.removeprefix('./')}"
