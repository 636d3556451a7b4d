"""`new` and `doctor`: a project that starts, and what it needs."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click
from attrs import frozen

from reglet.application import __version__
from reglet.cli.arguments import manifest_of
from reglet.cli.command import FILE, Command, ExitStatus, UsageError
from reglet.cli.console import write_line, write_message
from reglet.cli.docs import SECTIONS_BEGIN, SECTIONS_END, with_sections
from reglet.domain.errors import RegletError
from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.extras import EXTRAS, add_with

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from reglet.domain.entities.manifest import Manifest

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHORTEST_NAME = 2
_KINDS = ("network", "fs", "env", "exec")
_EXAMPLES = ("http", "dns", "tcp", "smtp", "file", "command", "aws")


def _kinds(_context: click.Context, _parameter: click.Parameter, given: str | None) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(kind.strip() for kind in (given or "").split(",") if kind.strip()))
    for kind in kinds:
        if kind not in _KINDS:
            rules = "; which hosts, paths or programs it may reach stands in plugin.py" if ":" in kind else ""
            raise UsageError(f"--capabilities {kind}: use some of {', '.join(_KINDS)}{rules}")
    return kinds


@click.command(cls=Command)
@click.argument("name", metavar="NAME|.")
@click.option("--into", type=FILE, metavar="FOLDER", help="Where to make it (default: ./NAME).")
@click.option(
    "--capabilities",
    "kinds",
    callback=_kinds,
    metavar="KIND,...",
    help=f"What it checks with, a check for each: {', '.join(_KINDS)} (default: network).",
)
@click.option(
    "--from-example", "example", type=click.Choice(_EXAMPLES), help="Start with one of Reglet's own plugins."
)
@click.option("--keep", is_flag=True, help="Leave the files as they are that are there already.")
@click.option("--force", is_flag=True, help="Replace the files that are there already.")
def new(
    name: str, into: Path | None, kinds: tuple[str, ...], example: str | None, keep: bool, force: bool
) -> int:
    """Make a plugin project.

    NAME is the plugin's name: lower-case letters, digits and single dashes. With . the project is made in the
    working directory and has its name.
    """
    if example is not None and kinds:
        raise UsageError("--from-example brings its own capabilities: leave out --capabilities")
    if keep and force:
        raise UsageError("--keep and --force exclude each other: leave out one")
    folder = into or Path(name)
    if name == ".":
        name = folder.resolve().name
    if len(name) < _SHORTEST_NAME or not _NAME.fullmatch(name):
        wanted = "at least two lower-case letters, digits and single dashes, starting with a letter"
        raise UsageError(f"{name!r} cannot be a plugin's name: use {wanted}, such as web-check")
    made = _project_files(name, kinds or ("network",), example)
    try:
        there = sorted(
            path
            for path, content in made.items()
            if (present := folder / path).exists()
            and not (present.is_file() and present.read_bytes() == content.encode())
        )
        if there and not (keep or force):
            raise UsageError(
                f"{folder} has what would be lost: {', '.join(there)}; nothing was written: --keep leaves "
                "these files as they are, --force replaces them"
            )
        for path in made.keys() - (there if keep else ()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / path, made[path].encode())
    except OSError as error:
        raise UsageError(
            f"cannot make {folder}: {error.strerror}; choose another place with --into"
        ) from error
    write_message(f"made {folder.resolve().name if folder == Path() else folder}")
    for path in there:
        write_message(f"{'kept' if keep else 'replaced'} {path}")
    write_message()
    for line in (f"cd {folder}", "reglet-plugin test", "reglet-plugin build")[folder == Path() :]:
        write_message(f"  {line}")
    return ExitStatus.SUCCESS


def _project_files(name: str, kinds: Sequence[str], example: str | None) -> dict[str, str]:
    """Return the files of a new project by their paths: the plugin's code, what is around it, the README."""
    templates = files("reglet.cli") / "templates"
    words = {"name": name, "package": f"{name.replace('-', '_')}_plugin"}
    if example is None:
        made = _code_for(templates / "capabilities", kinds, words)
    else:
        # A wheel holds the examples as templates; a checkout has them at its root.
        packaged = templates / "examples"
        root = packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples"
        named = re.compile(rf'(define_plugin\(\s*name=)"{example}"(,\s*description="([^"]*)")')
        package = re.compile(rf"\b{example}_plugin\b")
        made = {}
        for path, text in _texts(root / example):
            if path.startswith(("src/", "tests/", "conftest.py")):
                if found := named.search(text):
                    words["description"] = found[3]
                renamed = named.sub(rf'\1"{name}"\2', text)
                made[package.sub(words["package"], path)] = package.sub(words["package"], renamed)
    frame = {
        re.sub(
            "^git(hub|ignore)", r".git\1", path.removesuffix(".in").replace("package", words["package"])
        ): text
        for path, text in _texts(templates / "project")
    }
    readme = frame.pop("README.md")
    made = {path: Template(text).substitute(words) for path, text in frame.items()} | made
    manifest = _manifest_of(made, words["package"])
    examples = (each for s in manifest.services.values() for o in s.operations for each in o.examples)
    words |= {"example": next(examples).name, "reference": f"{SECTIONS_BEGIN}\n{SECTIONS_END}"}
    made["README.md"] = with_sections(Template(readme).substitute(words), manifest, "README.md")
    return made


def _code_for(templates: Traversable, kinds: Sequence[str], words: dict[str, str]) -> dict[str, str]:
    """Return a plugin's module, with a check for each kind of capability, and its tests."""
    parts = [(templates / f"{kind}.py.in").read_text("utf-8").split("# ---\n") for kind in kinds]
    abouts, imports, rules, services = (
        [text.strip() for text in texts] for texts in zip(*parts, strict=True)
    )
    *first, last = abouts
    words["description"] = f"Checks {', '.join(first)}{' and ' if first else ''}{last}"
    module = Template((templates / "plugin.py.in").read_text("utf-8")).substitute(
        words,
        imports="\n".join([*sorted(filter(None, imports), key=lambda line: line.startswith("from")), ""])
        + "\n" * any(imports),
        capabilities="\n".join(f"        {rule}," for rule in rules),
        services="\n\n\n".join(services),
    )
    made = {f"src/{words['package']}/plugin.py": module}
    for kind in kinds:
        test = "tests/test_plugin.py" if len(kinds) == 1 else f"tests/test_{kind}.py"
        made[test] = (templates / f"test_{kind}.py.in").read_text("utf-8")
    return made


def _texts(root: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in root.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".in", ".py")):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")


def _manifest_of(made: dict[str, str], package: str) -> Manifest:
    """Import the plugin of files that are not written yet, leave no trace of it, and return its manifest."""
    path, modules = list(sys.path), set(sys.modules)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        try:
            return manifest_of(folder)
        finally:
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if name.partition(".")[0] == package:
                    del sys.modules[name]


@frozen
class Finding:
    """One line of the report; `missing` says that something a user may need is not there."""

    subject: str
    found: str
    missing: bool = False


@click.command(cls=Command)
def doctor() -> int:
    """Show versions and what is missing."""
    from importlib.metadata import PackageNotFoundError, version

    from reglet.infrastructure.runtime import load_product

    findings = [
        Finding("reglet", __version__),
        Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    for extra, modules in EXTRAS.items():
        for package in modules.values():
            name = package.partition("[")[0]
            try:
                findings.append(Finding(name, version(name)))
            except PackageNotFoundError:
                findings.append(Finding(name, f"not installed; {add_with(extra)}", missing=True))
    try:
        product = load_product()
    except RegletError as error:
        findings.append(Finding("runtime", str(error), missing=True))
    else:
        size = f"{len(product.module.wasm) / 1e6:.1f} MB"
        findings.append(Finding("runtime", f"{product.key[:16]}, {size}"))
    if find_spec("platformdirs") is not None:  # of the build extra, without which there is no compiled code
        from reglet.infrastructure.engine.cache import cache_folder

        findings.append(Finding("cache", str(cache_folder())))
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        write_line(f"{finding.subject:<{width}}  {finding.found}", " " * (width + 2))
    return ExitStatus.FAILURE if any(finding.missing for finding in findings) else ExitStatus.SUCCESS
