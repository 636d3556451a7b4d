"""The README's tables are those of the plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reglet import Context, Plugin

README = Path(__file__).parent.parent / "README.md"


def documented() -> Iterator[tuple[str, str]]:
    """Yield the name and the meaning of each field in the README."""
    for line in README.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield cells[0].strip("`"), cells[-1]


def declared(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """Yield the name and the description of each field of each operation."""
    manifest = plugin.manifest(Context())
    inputs = (manifest.config_schema or {})["properties"]
    for service in manifest.services.values():
        for operation in service.operations:
            outputs = (operation.output_schema or {})["properties"]
            yield from ((name, inputs[name]["description"]) for name in operation.input_fields)
            yield from ((name, schema["description"]) for name, schema in outputs.items())


def test_the_readme_lists_every_field(plugin: Plugin) -> None:
    """In the manifest's order and words."""
    assert list(documented()) == list(declared(plugin))
