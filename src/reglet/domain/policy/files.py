"""Paths and the patterns of paths: made absolute before they are compared, and which are of special use."""

from __future__ import annotations

import re

_SPECIAL_FOLDERS = {
    "/proc": "of the kernel",
    "/sys": "of the kernel",
    "/dev": "of devices",
    "/run": "of running services",
    "/var/run": "of running services",
}


def special_folder(path: str) -> str:
    """Return which folder of special use a canonical path lies in, such as `/proc`; an empty string for none.

    It holds the memory, variables and sockets of processes, the host's own too: no wildcard reaches it.
    """
    return next((each for each in _SPECIAL_FOLDERS if path == each or path.startswith(each + "/")), "")


def special_folder_hint(folder: str) -> str:
    """Return why no wildcard reaches what lies in a folder of special use."""
    return f"{folder} is {_SPECIAL_FOLDERS[folder]}, which no pattern with wildcards allows"


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
