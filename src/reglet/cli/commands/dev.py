"""`dev [PATH]`: the tests again on every change."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from reglet.cli.command import Command, require_extra
from reglet.cli.commands.test import run_tests
from reglet.cli.console import messages
from reglet.cli.targets import require_project

_WATCHED = {".py", ".toml", ".json"}
_LEFT_OUT = {".venv", "__pycache__", ".git", "dist", "build", "node_modules"}
_PAUSE_SECONDS = 0.25


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="the project (default: .)"
    )


def _run(options: argparse.Namespace) -> int:
    require_extra("test", "dev")
    require_project(options.path)
    for _ in _changes(options.path):
        run_tests(options.path, "fakes", ["-q"])
        messages().print("waiting for a change; Ctrl-C ends", style="dim")
    return 0


def _changes(project: Path) -> Iterator[None]:
    """Yield at once, and again whenever a file of the project is not as it was."""
    before: dict[Path, int] = {}
    while True:
        now = dict(_states(project))
        if now != before:
            before = now
            yield
        else:
            time.sleep(_PAUSE_SECONDS)


def _states(project: Path) -> Iterator[tuple[Path, int]]:
    for path in project.rglob("*"):
        if path.suffix in _WATCHED and _LEFT_OUT.isdisjoint(path.parts):
            try:
                yield path, path.stat().st_mtime_ns
            except FileNotFoundError:  # deleted between the listing and the look
                continue


COMMAND = Command("dev", "run a project's tests again on every change", _configure, _run)
