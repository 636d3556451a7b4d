"""What builds the documentation site beside MkDocs: the script for diagrams, constructors, the README's picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import griffe
import pytest
from mkdocs.exceptions import PluginError

from tools.site.constructors import AttrsConstructors
from tools.site.hooks import mermaid_script
from tools.site.terminal import COMMANDS, PICTURE

CLASSES = '''
from typing import ClassVar

from attrs import field, frozen

@frozen
class Page:
    """A page."""

    url: str
    headers: dict[str, str] = field(factory=dict)
    limit: int = field(default=3)
    kept: list[str] = field(init=False, factory=list)
    kind: ClassVar[str] = "page"

    @property
    def size(self) -> int:
        """Its size."""

class Plain:
    url: str
'''


def test_a_script_that_was_not_pinned_is_refused(tmp_path: Path) -> None:
    """Whoever changed the kept script changes no page."""
    (tmp_path / "mermaid@11.16.0.min.js").write_text("alert(1)")
    with pytest.raises(PluginError, match="is not the pinned script"):
        mermaid_script(tmp_path)


def test_an_attrs_class_shows_the_constructor_that_its_fields_make(tmp_path: Path) -> None:
    """With their defaults; what is no argument, and classes of another kind, are left alone."""
    (tmp_path / "pages.py").write_text(CLASSES)
    loaded = griffe.load("pages", search_paths=[tmp_path], extensions=griffe.Extensions(AttrsConstructors()))
    made = {each.name: each.default and str(each.default) for each in loaded["Page"].parameters}
    assert made == {"self": None, "url": None, "headers": "dict()", "limit": "3"}
    assert "__init__" not in loaded["Plain"].members


def test_the_picture_shows_the_commands_and_loads_nothing() -> None:
    """It was drawn by the commands that stand in its source, and brings no font from elsewhere."""
    picture = ET.parse(PICTURE).getroot()
    text = "".join(picture.itertext()).replace("\xa0", " ")
    assert [command for command in COMMANDS if command not in text] == []
    assert "url(http" not in PICTURE.read_text(encoding="utf-8")
