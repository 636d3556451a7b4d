"""AWS's XML, read by path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree as ET

from attrs import frozen


@frozen
class Answer:
    """An element of an answer; namespaces are gone."""

    _element: ET.Element

    def text(self, path: str, default: str = "") -> str:
        """Return the text at a path, wherever it begins in the answer."""
        return (self._element.findtext(f".//{path}") or default).strip()

    def number(self, path: str) -> int | None:
        """Return the number at a path, None if there is none."""
        text = self.text(path)
        return int(text) if text else None

    def flag(self, path: str) -> bool:
        """Whether `true` stands at a path."""
        return self.text(path) == "true"

    def moment(self, path: str) -> datetime | None:
        """Return the time at a path, None if there is none (`N/A`)."""
        text = self.text(path)
        return datetime.fromisoformat(text) if text and text != "N/A" else None

    def each(self, path: str) -> Iterator[Answer]:
        """Yield the elements at a path from here."""
        return map(Answer, self._element.findall(path))

    def tags(self) -> dict[str, str]:
        """Return the tags of a thing."""
        return {tag.text("key"): tag.text("value") for tag in self.each("tagSet/item")}

    def error(self) -> tuple[str, str]:
        """Return the code and message of an error answer."""
        return self.text("Error/Code", "UnknownError"), self.text("Error/Message")


def parse_answer(body: bytes) -> Answer:
    """Return an answer as it was sent.

    Raises:
        ValueError: it brings a document type, which AWS never does.
        ET.ParseError: it is no XML.
    """
    if b"<!DOCTYPE" in body:
        raise ValueError("the answer brings a document type")
    root = ET.fromstring(body)  # noqa: S314 - without a document type there is nothing to expand
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return Answer(root)
