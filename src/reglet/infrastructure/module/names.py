"""The `name` section: functions' names, for traces and debuggers (core specification, section 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.infrastructure.module.leb128 import unsigned
from reglet.infrastructure.module.reader import Reader
from reglet.infrastructure.module.sections import custom_section, vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.module.parse import Module

_SECTION = "name"
_FUNCTIONS = 1


def function_names(module: Module) -> dict[int, str]:
    """Read the names of a module's functions by their index; empty without a `name` section."""
    names: dict[int, str] = {}
    for section in module.custom:
        if section.name == _SECTION:
            names.update(_read_subsections(Reader(module.data, section.start, section.end)))
    return names


def _read_subsections(reader: Reader) -> dict[int, str]:
    names: dict[int, str] = {}
    for kind, part in reader.parts():
        if kind == _FUNCTIONS:
            for _ in range(part.count()):
                index = part.u32()
                names[index] = part.name()
    return names


def name_section(functions: Mapping[int, str]) -> bytes:
    """Write a `name` section of functions' names."""
    entries: list[bytes] = []
    for index in sorted(functions):
        encoded = functions[index].encode()
        entries.append(unsigned(index) + unsigned(len(encoded)) + encoded)
    contents = vector(entries)
    return custom_section(_SECTION, bytes([_FUNCTIONS]) + unsigned(len(contents)) + contents)
