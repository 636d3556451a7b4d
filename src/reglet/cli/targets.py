"""What TARGET names: a built module, or a plugin to run in process."""

from __future__ import annotations

import argparse
from pathlib import Path

from reglet.cli.errors import UsageError


def is_module(target: str) -> bool:
    """Whether TARGET is a WebAssembly file, by its name."""
    return target.endswith(".wasm")


def module_path(target: str) -> Path:
    """Return the path of a `.wasm` TARGET.

    Raises:
        UsageError: there is no such file.
    """
    path = Path(target)
    if not path.is_file():
        raise UsageError(f"{target} is not there: build it with `reglet-plugin build PROJECT -o {target}`")
    return path


def require_project(path: Path) -> None:
    """Raise `UsageError` unless a path is a project's folder, which is what has tests."""
    if path.suffix == ".py" and path.is_file():
        raise UsageError(
            f"{path} is one file, and tests belong to a project: make one with `reglet-plugin new`"
        )
    if not (path / "pyproject.toml").is_file():
        raise UsageError(
            f"{path} is no project: it has no pyproject.toml; name the project's folder, or make one "
            "with `reglet-plugin new`"
        )


def add_target_argument(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add TARGET to a command; with a default it may be left out."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?" if default else None,
        default=default,
        help="a .wasm file, a project folder, a .py file or module:attribute; "
        "what is not .wasm runs in process",
    )
