"""`new`, `dev` and `doctor`: a project that starts, one that is worked on, and what it needs."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click
from attrs import frozen

from reglet.application.version import __version__
from reglet.cli.command import FILE, Command, ExitStatus, UsageError, project_argument, require_extra
from reglet.cli.console import write_line, write_message
from reglet.cli.targets import require_project
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import EXTRAS, add_with

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHORTEST_NAME = 2


@click.command(cls=Command)
@click.argument("name", metavar="NAME")
@click.option("--into", type=FILE, metavar="FOLDER", help="Where to make it (default: ./NAME).")
def new(name: str, into: Path | None) -> int:
    """Make a plugin project.

    NAME is the plugin's name: lower-case letters, digits and single dashes.
    """
    if len(name) < _SHORTEST_NAME or not _NAME.fullmatch(name):
        wanted = "at least two lower-case letters, digits and single dashes, starting with a letter"
        raise UsageError(f"{name!r} cannot be a plugin's name: use {wanted}, such as web-check")
    folder = into or Path(name)
    if folder.exists():
        raise UsageError(f"{folder} is there already: choose another name, or another place with --into")
    words = {"name": name, "package": f"{name.replace('-', '_')}_plugin", "service": name.replace("-", "_")}
    try:
        _write(folder, words)
    except OSError as error:
        raise UsageError(
            f"cannot make {folder}: {error.strerror}; choose another place with --into"
        ) from error
    for line in (f"made {folder}", "", f"  cd {folder}", "  reglet-plugin test", "  reglet-plugin build"):
        write_message(line)
    return ExitStatus.SUCCESS


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
            target.write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")
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


_WATCHED = {".py", ".toml", ".json"}
_LEFT_OUT = {".venv", "__pycache__", ".git", "dist", "build", "node_modules"}
_PAUSE_SECONDS = 0.25


@click.command(cls=Command)
@project_argument
def dev(path: Path) -> int:
    """Run a project's tests again on every change."""
    require_extra("test", "dev")
    require_project(path)
    from reglet.cli.verify import run_tests

    before: dict[Path, int] = {}
    while True:
        now: dict[Path, int] = {}
        for each in path.rglob("*"):
            if each.suffix in _WATCHED and _LEFT_OUT.isdisjoint(each.parts):
                with suppress(FileNotFoundError):  # deleted between the listing and the look
                    now[each] = each.stat().st_mtime_ns
        if now != before:
            before = now
            run_tests(path, "fakes", ("-q",))
            write_message("waiting for a change; Ctrl-C ends", dim=True)
        else:
            time.sleep(_PAUSE_SECONDS)


@frozen
class Finding:
    """One line of the report; `missing` says that something a user may need is not there."""

    subject: str
    found: str
    missing: bool = False


@click.command(cls=Command)
def doctor() -> int:
    """Show versions and what is missing."""
    findings = list(_findings())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        write_line(f"{finding.subject:<{width}}  {finding.found}", " " * (width + 2))
    return ExitStatus.FAILURE if any(finding.missing for finding in findings) else ExitStatus.SUCCESS


def _findings() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    from reglet.infrastructure.runtime import load_product

    yield Finding("reglet", __version__)
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for extra, modules in EXTRAS.items():
        for package in modules.values():
            name = package.partition("[")[0]
            try:
                yield Finding(name, version(name))
            except PackageNotFoundError:
                yield Finding(name, f"not installed; {add_with(extra)}", missing=True)
    try:
        product = load_product()
    except RegletError as error:
        yield Finding("runtime", str(error), missing=True)
    else:
        yield Finding("runtime", f"{product.key[:16]}, {len(product.module.wasm) / 1e6:.1f} MB")
    if find_spec("platformdirs") is not None:  # of the build extra, without which there is no compiled code
        from reglet.infrastructure.engine.cache import cache_folder

        yield Finding("cache", str(cache_folder()))
