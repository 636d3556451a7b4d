"""Stage 4, relocate: pointers in the libraries' data get their values now instead of when a guest starts.

A shared library has a function, `__wasm_apply_data_relocs`, that stores them one by one: CPython's has 25,000
stores and 427 KB. Here the stores are carried out on the data, and the function is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.module.leb128 import read_signed, read_unsigned
from reglet.infrastructure.module.types import ExternKind
from reglet.infrastructure.runtime.linker.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reglet.infrastructure.runtime.linker.layout import Addresses
    from reglet.infrastructure.runtime.linker.read import Library

APPLY_RELOCATIONS = "__wasm_apply_data_relocs"

_NO_LOCALS = b"\0"
_END = b"\x0b"
_LEB = rb"[\x80-\xff]*+[\x00-\x7f]"
_CONSTANT = rb"\x41(" + _LEB + rb")"
_GLOBAL = rb"\x23(" + _LEB + rb")"
_ADD = rb"\x6a"
_STORE = rb"\x36[\x00-\x02]\x00"
_store = re.compile(
    _CONSTANT + _GLOBAL + _ADD + _GLOBAL + rb"(?:" + _CONSTANT + _ADD + rb")?+" + _STORE, re.DOTALL
).match


@frozen
class Pointer:
    """A pointer in memory: where it stands and what it holds."""

    address: int
    value: int


def pointers(libraries: Sequence[Library], addresses: Addresses) -> Iterator[Pointer]:
    """List the pointers in the data of all libraries.

    Raises:
        LinkError: a library's relocations are more than stores of addresses; it has the offset.
    """
    for place, library in enumerate(libraries):
        yield from _pointers_of(place, library, addresses)


def _pointers_of(place: int, library: Library, addresses: Addresses) -> Iterator[Pointer]:
    export = library.module.exported.get(APPLY_RELOCATIONS)
    if export is None or export.kind is not ExternKind.FUNCTION:
        return
    body = library.module.body(export.index)
    code = library.module.data[body.start : body.end]
    at = len(_NO_LOCALS)
    while code[at:] != _END:
        match = _store(code, at)
        if match is None or not code.startswith(_NO_LOCALS):
            raise LinkError(
                f"{library.name}: a relocation at offset {body.start + at} that is not understood"
            )
        base, target = (_global(place, library, addresses, match[group]) for group in (2, 3))
        addend = read_signed(match[4], 0)[0] if match[4] is not None else 0
        yield Pointer((base + read_signed(match[1], 0)[0]) % (1 << 32), (target + addend) % (1 << 32))
        at = match.end()


def _global(place: int, library: Library, addresses: Addresses, encoded: bytes) -> int:
    value = addresses.global_value(place, read_unsigned(encoded, 0)[0])
    if value is None:
        raise LinkError(f"{library.name}: a relocation to the stack pointer")
    return value


@frozen
class PlacedData:
    """Bytes and their address."""

    address: int
    contents: bytearray

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + len(self.contents)


def placed_data(libraries: Sequence[Library], addresses: Addresses) -> list[PlacedData]:
    """Give the libraries' data with all pointers in place, in the order of their addresses.

    Raises:
        LinkError: a pointer lies where a library has no data, or relocations are not understood.
    """
    placed = [
        PlacedData(
            addresses.evaluate(place, segment.offset),
            bytearray(library.module.data[segment.start : segment.end]),
        )
        for place, library in enumerate(libraries)
        for segment in library.module.data_segments
    ]
    placed.sort(key=lambda each: each.address)
    _store_pointers(placed, sorted(pointers(libraries, addresses), key=lambda each: each.address))
    return placed


def _store_pointers(placed: list[PlacedData], ordered: list[Pointer]) -> None:
    remaining = iter(placed)
    data = next(remaining, PlacedData(0, bytearray()))
    for pointer in ordered:
        while pointer.address >= data.end:
            following = next(remaining, None)
            if following is None:
                raise LinkError(f"a pointer at address {pointer.address}, where no library has data")
            data = following
        at = pointer.address - data.address
        if at < 0 or at + 4 > len(data.contents):
            raise LinkError(f"a pointer at address {pointer.address}, where no library has data")
        data.contents[at : at + 4] = pointer.value.to_bytes(4, "little")
