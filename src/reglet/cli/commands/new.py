"""`new NAME`: a project that builds, runs and passes its tests."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHORTEST_NAME = 2


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", help="the plugin's name: lower-case letters, digits and single dashes"
    )
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="where to make it (default: ./NAME)")


def _run(options: argparse.Namespace) -> int:
    name: str = options.name
    _check_name(name)
    folder: Path = options.into or Path(name)
    if folder.exists():
        raise UsageError(f"{folder} is there already: choose another name, or another place with --into")
    words = {"name": name, "package": f"{name.replace('-', '_')}_plugin", "service": name.replace("-", "_")}
    try:
        _write(folder, words)
    except OSError as error:
        raise UsageError(
            f"cannot make {folder}: {error.strerror}; choose another place with --into"
        ) from error
    sys.stderr.write(f"made {folder}\n\n  cd {folder}\n  reglet-plugin test\n  reglet-plugin build\n")
    return ExitStatus.SUCCESS


def _check_name(name: str) -> None:
    if len(name) < _SHORTEST_NAME or not _NAME.fullmatch(name):
        wanted = "at least two lower-case letters, digits and single dashes, starting with a letter"
        raise UsageError(f"{name!r} cannot be a plugin's name: use {wanted}, such as web-check")


def _write(folder: Path, words: dict[str, str]) -> None:
    """Write the project beside its place and rename it there, so that it is whole or not there."""
    import shutil
    import tempfile
    from importlib.resources import files

    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for path, text in _templates(files("reglet.cli") / "templates"):
            target = beside / path.replace("gitignore", ".gitignore").replace("package", words["package"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(text).substitute(words), encoding="utf-8")
        beside.chmod(0o755)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside)
        raise


def _templates(root: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in root.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _templates(entry, f"{path}/")
        elif path.endswith(".in"):
            yield path.removesuffix(".in"), entry.read_text(encoding="utf-8")


COMMAND = Command("new", "make a plugin project", _configure, _run)
