"""The tables in the README of an example are those of its plugin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.test_projects import EXAMPLES, PROJECTS


def documented(readme: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the meaning of each field in a README."""
    for line in readme.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield cells[0].strip("`"), cells[-1]


def declared(snapshot: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the description of each field of each operation in a manifest."""
    manifest = json.loads(snapshot.read_text(encoding="utf-8"))
    inputs = manifest["config_schema"]["properties"]
    for service in manifest["services"].values():
        for operation in service["operations"]:
            outputs = operation["output_schema"]["properties"]
            yield from ((name, inputs[name]["description"]) for name in operation["input_fields"])
            yield from ((name, schema["description"]) for name, schema in outputs.items())


@pytest.mark.parametrize("project", PROJECTS)
def test_the_readme_lists_every_field(project: str) -> None:
    """In the manifest's order and words."""
    folder = EXAMPLES / project
    assert list(documented(folder / "README.md")) == list(declared(folder / "manifest.json"))
