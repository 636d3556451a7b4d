"""Which `pyproject.toml` belongs to a plugin: the one whose `[tool.reglet]` names it."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT_FILE = "pyproject.toml"


def names_a_plugin(path: Path) -> bool:
    """Whether a file is there, can be read, and has `[tool.reglet] plugin`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    if "tool.reglet" not in text:
        return False
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return "plugin" in tables.get("tool", {}).get("reglet", {})


def project_folder(path: Path) -> Path | None:
    """Return the nearest folder above a file, or the folder itself, that is a plugin's project."""
    return next((each for each in (path, *path.parents) if names_a_plugin(each / PROJECT_FILE)), None)
