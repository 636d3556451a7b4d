"""The sections of a module: where each lies, and how one is written (core specification, section 5.5)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm.binary import ModuleFormatError, Reader, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    Item = TypeVar("Item")

HEADER = b"\0asm\1\0\0\0"
"""The magic number and version of a core module."""

_COMPONENT_HEADER = b"\0asm\x0d\0\1\0"


class SectionId(IntEnum):
    """The number of each section."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12


_ORDER = {
    id_: place
    for place, id_ in enumerate(
        (
            SectionId.TYPE,
            SectionId.IMPORT,
            SectionId.FUNCTION,
            SectionId.TABLE,
            SectionId.MEMORY,
            SectionId.GLOBAL,
            SectionId.EXPORT,
            SectionId.START,
            SectionId.ELEMENT,
            SectionId.DATA_COUNT,
            SectionId.CODE,
            SectionId.DATA,
        )
    )
}


@frozen
class Section:
    """One section: `header` is where its number stands, `start` to `end` are its contents."""

    id: SectionId
    header: int
    start: int
    end: int


def read_sections(data: bytes) -> Iterator[Section]:
    """List the sections of a core module in their order.

    Raises:
        ModuleFormatError: not a core module; a section unknown, out of order, twice, or longer than the file.
    """
    if data.startswith(_COMPONENT_HEADER):
        raise ModuleFormatError("a component, not a core module", 0)
    if not data.startswith(HEADER):
        raise ModuleFormatError(f"begins with {data[:8].hex()} instead of {HEADER.hex()}", 0)
    reader = Reader(data, len(HEADER))
    place = -1
    while reader.at < reader.end:
        section = _read_section(reader)
        if section.id != SectionId.CUSTOM:
            if _ORDER[section.id] <= place:
                raise ModuleFormatError(f"the {section.id.name} section is out of order", section.header)
            place = _ORDER[section.id]
        yield section


def _read_section(reader: Reader) -> Section:
    header = reader.at
    number = reader.byte()
    try:
        id_ = SectionId(number)
    except ValueError:
        raise ModuleFormatError(f"section {number} is not understood", header) from None
    length = reader.u32()
    return Section(id_, header, reader.skip(length), reader.at)


def read_items(data: bytes, where: Section | None, item: Callable[[Reader], Item]) -> tuple[Item, ...]:
    """Read all items of a section, none where there is no such section.

    Raises:
        ModuleFormatError: an item is not understood, or the section has more than its items.
    """
    if where is None:
        return ()
    reader = Reader(data, where.start, where.end)
    items = reader.vector(item)
    reader.finish(f"the {where.id.name} section")
    return items


@frozen
class CustomSection:
    """A named section; its contents are bytes `start` to `end` of the file."""

    name: str
    start: int
    end: int


def read_custom_section(data: bytes, section: Section) -> CustomSection:
    """Read the name of a custom section."""
    reader = Reader(data, section.start, section.end)
    name = reader.name()
    return CustomSection(name, reader.at, section.end)


def vector(items: Iterable[bytes]) -> bytes:
    """Write a count and the items."""
    listed = list(items)
    return unsigned(len(listed)) + b"".join(listed)


def name(text: str) -> bytes:
    """Write a name."""
    encoded = text.encode()
    return unsigned(len(encoded)) + encoded


def section(id_: SectionId, contents: bytes) -> bytes:
    """Write a section."""
    return bytes([id_]) + unsigned(len(contents)) + contents


def custom_section(title: str, contents: bytes) -> bytes:
    """Write a custom section."""
    return section(SectionId.CUSTOM, name(title) + contents)
