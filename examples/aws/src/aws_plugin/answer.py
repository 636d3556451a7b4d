"""AWS's XML, read by path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree as ET

from attrs import frozen

from aws_plugin.errors import MalformedAnswerError


@frozen
class Answer:
    """An element of an answer; namespaces are gone.

    What is at a path and is not what it must be raises `MalformedAnswerError`.
    """

    _element: ET.Element

    @property
    def name(self) -> str:
        """The element's own name."""
        return self._element.tag

    def string(self, path: str) -> str:
        """Return the string at a path, wherever it begins in the answer; an empty one if there is none."""
        return (self._element.findtext(f".//{path}") or "").strip()

    def needed(self, path: str) -> str:
        """Return the string at a path, which AWS never leaves out."""
        found = self.string(path)
        if not found:
            raise MalformedAnswerError(f"{self.name} has no {path}")
        return found

    def number(self, path: str) -> int | None:
        """Return the number at a path, None if there is none."""
        found = self.string(path)
        try:
            return int(found) if found else None
        except ValueError as error:
            raise MalformedAnswerError(f"{path} is {found!r}, no number") from error

    def flag(self, path: str) -> bool:
        """Whether `true` is at a path."""
        found = self.string(path)
        if found not in ("", "true", "false"):
            raise MalformedAnswerError(f"{path} is {found!r}, no boolean")
        return found == "true"

    def timestamp(self, path: str) -> datetime | None:
        """Return the time at a path, None if there is none (`N/A`)."""
        found = self.string(path)
        try:
            return datetime.fromisoformat(found) if found and found != "N/A" else None
        except ValueError as error:
            raise MalformedAnswerError(f"{path} is {found!r}, no timestamp") from error

    def each(self, path: str) -> Iterator[Answer]:
        """Yield the elements at a path from here."""
        return map(Answer, self._element.findall(path))

    def listed(self, path: str) -> Iterator[Answer]:
        """Yield the elements at a path from here, in a list that AWS shows also where it is empty."""
        container = path.rpartition("/")[0]
        if self._element.find(container) is None:
            raise MalformedAnswerError(f"{self.name} has no {container}")
        return self.each(path)

    def tags(self) -> dict[str, str]:
        """Return the tags of a thing."""
        return {tag.string("key"): tag.string("value") for tag in self.each("tagSet/item")}

    def error(self) -> tuple[str, str]:
        """Return the code and message of an error answer."""
        return self.string("Error/Code") or "UnknownError", self.string("Error/Message")


def parse_answer(body: bytes) -> Answer:
    """Return an answer as it was sent.

    Raises:
        MalformedAnswerError: it is no XML, or brings a document type, which AWS never does.
    """
    if b"<!DOCTYPE" in body:
        raise MalformedAnswerError("the answer brings a document type")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without a document type there is nothing to expand
    except (ET.ParseError, ValueError) as error:
        raise MalformedAnswerError(str(error)) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return Answer(root)
