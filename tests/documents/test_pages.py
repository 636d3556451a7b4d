"""What pages name in the tree is there."""

from __future__ import annotations

import re

from tests.documents.console import ROOT


def test_every_promise_names_tests_that_are_there():
    """A promise whose test has moved is found here."""
    rows = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if "`tests/" in line]
    named = {path for row in rows for path in re.findall(r"`(tests/[^`]*)`", row)}
    assert len(named) > len(rows) > 10
    assert [path for path in sorted(named) if not list(ROOT.glob(path))] == []


def test_the_architecture_is_that_of_the_tree():
    """Rooms and files that the page names are there, in its text, its tables and its diagrams."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [each.replace(".", "/") for each in re.findall(r"`((?:reglet|tools)\.[\w.]+)`", page)]
    files = re.findall(r"`([\w/]+)(?:\.py|/)`", page)
    in_diagrams = re.findall(r"\w+/\w+(?=<br/>)|(?<= as )\w+/\w+", page)
    assert min(map(len, (rooms, files, in_diagrams))) > 5
    tree = [path for top in ("src", "tools") for path in (ROOT / top).rglob("*")]
    there = ["/" + path.relative_to(ROOT).with_suffix("").as_posix() for path in tree]
    named = {f"/{each}" for each in (*rooms, *files, *in_diagrams)}
    assert [each for each in sorted(named) if not any(path.endswith(each) for path in there)] == []
