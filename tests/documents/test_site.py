"""The documentation site: it builds strictly, has every public name, and is complete without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import click
import pytest

from reglet.cli import commands
from tests.documents.console import ROOT

FACES = [
    "reglet",
    "reglet.answers",
    "reglet.config",
    "reglet.errors",
    "reglet.exec",
    "reglet.log",
    "reglet.policy",
    "reglet.sandbox",
    "reglet.testing",
]
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src"}
"""What a browser loads by itself, and the attribute that says from where."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def documented(site: Path) -> set[str]:
    """Return the names that the site's inventory has."""
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_in_the_reference(site: Path, face: str) -> None:
    """A reader finds each name that a face exports, under the name of that face or of another."""
    there = {name.rpartition(".")[2] for name in documented(site) if name.rpartition(".")[0] in FACES}
    assert set(import_module(face).__all__) - there - {face.rpartition(".")[2] for face in FACES} == set()


class Loads(HTMLParser):
    """Collects the addresses that a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag loads; a link to another page loads nothing."""
        values = dict(attrs)
        if tag in LOADED and values.get("rel") not in ("canonical", "prev", "next"):
            self.addresses.append(values.get(LOADED[tag]) or "")


def pages(site: Path) -> Iterator[Path]:
    """Yield the site's pages."""
    return site.rglob("*.html")


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and images lie in the site, and no script asks the repository's host for facts."""
    for page in pages(site):
        text = page.read_text(encoding="utf-8")
        assert 'data-md-component="source"' not in text, page
        loads = Loads()
        loads.feed(text)
        assert [address for address in loads.addresses if re.match(r"(https?:)?//", address)] == [], page


def test_a_page_with_diagrams_brings_the_script_that_draws_them(site: Path) -> None:
    """The theme would fetch it from elsewhere; pages without diagrams are spared it."""
    for page in pages(site):
        text = page.read_text(encoding="utf-8")
        assert ('class="mermaid"' in text) == ("assets/mermaid.min.js" in text), page


def test_every_page_can_be_edited(site: Path) -> None:
    """Each page but the one for wrong addresses links to its source."""
    for page in pages(site):
        if page.name == "index.html":
            assert 'rel="edit"' in page.read_text(encoding="utf-8"), page


def test_every_command_is_in_the_reference(site: Path) -> None:
    """With its options, as the parser has them."""
    page = (site / "reference" / "commands" / "index.html").read_text(encoding="utf-8")
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        assert f'<h2 id="{name}">' in page
        options = [each.opts[-1] for each in command.params if isinstance(each, click.Option)]
        assert [each for each in options if each not in page] == []


def test_every_lint_code_is_explained() -> None:
    """The page of codes has a row for each code in the sources."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    codes = {code for source in sources for code in re.findall(r'"(R\d{3})"', source)}
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert codes == set(re.findall(r"^\| \[(R\d{3})\]", page, re.MULTILINE))
