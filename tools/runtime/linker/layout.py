"""Stages 3 and 4, lay out and relocate: everything gets its address, and pointers in data their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm import read_signed, read_unsigned
from reglet.infrastructure.wasm.sections import PAGE_SIZE, ExternKind
from tools.runtime.linker.instructions import LEB
from tools.runtime.linker.read import LinkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reglet.infrastructure.wasm.sections import ConstantExpression
    from tools.runtime.linker.read import Library
    from tools.runtime.linker.resolve import Resolver, Target


_STACK_ALIGNMENT = 16
_FIRST_SLOT = 1  # slot 0 stays empty: it is C's null pointer

STACK_POINTER = "__stack_pointer"


@frozen
class Layout:
    """Addresses in bytes. The stack is lowest and grows down to 0; then come data, the room and the heap."""

    stack_size: int
    memory_bases: tuple[int, ...]
    table_bases: tuple[int, ...]
    heap_base: int
    table_size: int

    @property
    def pages(self) -> int:
        """How many pages of memory the module begins with."""
        return -(-self.heap_base // PAGE_SIZE)


def lay_out(libraries: Sequence[Library], stack_size: int, room_size: int) -> Layout:
    """Place the libraries one behind the other, and behind them the room."""
    address, slot = stack_size, _FIRST_SLOT
    memory_bases: list[int] = []
    table_bases: list[int] = []
    for library in libraries:
        address = _align(address, max(library.dylink.memory_alignment, _STACK_ALIGNMENT))
        memory_bases.append(address)
        table_bases.append(slot)
        address += library.dylink.memory_size
        slot += library.dylink.table_size
    heap_base = _align(address, _STACK_ALIGNMENT) + room_size
    return Layout(stack_size, tuple(memory_bases), tuple(table_bases), heap_base, slot)


def _align(address: int, alignment: int) -> int:
    return -(-address // alignment) * alignment


class Addresses:
    """Gives every global of every library its value, and builds the table of function pointers."""

    def __init__(
        self,
        libraries: Sequence[Library],
        layout: Layout,
        resolver: Resolver,
        unused: tuple[int, int] = (0, 0),
    ) -> None:
        self._libraries = libraries
        self._unused = unused
        self._layout = layout
        self._resolver = resolver
        self._values: dict[tuple[int, int], int | None] = {}
        self._slots: dict[Target, int] = {}
        self.table: dict[int, Target] = {}
        self._fill_table()
        for library, each in enumerate(libraries):  # all of them, in a fixed order: each may take a slot
            for index in range(len(each.module.global_imports)):
                self.global_value(library, index)

    @property
    def table_size(self) -> int:
        """How many entries the table has, the empty first one included."""
        return self._layout.table_size + len(self._slots)

    def global_value(self, library: int, index: int) -> int | None:
        """Return the constant that a global holds, or None for the stack pointer.

        Raises:
            LinkError: the global is none that a shared library has.
        """
        key = (library, index)
        if key not in self._values:
            self._values[key] = self._value_of(library, index)
        return self._values[key]

    def _value_of(self, library: int, index: int) -> int | None:
        module = self._libraries[library].module
        if index < len(module.global_imports):
            wanted = module.global_imports[index]
            return self._imported(library, wanted.module, wanted.name)
        if index >= len(module.global_imports) + len(module.globals):
            raise LinkError(f"{self._libraries[library].name}: global {index} does not exist")
        initial = module.defined_global(index).initial
        if initial.global_index is not None and initial.global_index >= index:
            raise LinkError(f"{self._libraries[library].name}: global {index} depends on a later one")
        return self.evaluate(library, initial)

    def evaluate(self, library: int, expression: ConstantExpression) -> int:
        """Return the value of a constant expression.

        Raises:
            LinkError: it reads the stack pointer, which is not constant.
        """
        if expression.global_index is None:
            return expression.offset
        base = self.global_value(library, expression.global_index)
        if base is None:
            raise LinkError(f"{self._libraries[library].name}: the stack pointer in a constant expression")
        return base + expression.offset

    def _imported(self, library: int, module: str, name: str) -> int | None:
        layout = self._layout
        if (module, name) == ("env", STACK_POINTER):
            return None
        if (module, name) == ("env", "__memory_base"):
            return layout.memory_bases[library]
        if (module, name) == ("env", "__table_base"):
            return layout.table_bases[library]
        if module == "GOT.mem":
            return self._data_address(library, name)
        if module == "GOT.func":
            return self._slot(self._resolver.function_named(library, name))
        raise LinkError(f"{self._libraries[library].name}: imports the global {name!r} of {module!r}")

    def _data_address(self, library: int, name: str) -> int:
        layout = self._layout
        boundaries = {
            "__heap_base": layout.heap_base,
            "__heap_end": layout.pages * PAGE_SIZE,
            "__stack_high": layout.stack_size,
            "__stack_low": 0,
            "__unused_start": self._unused[0],
            "__unused_end": self._unused[1],
        }
        if name in boundaries:
            return boundaries[name]
        symbol = self._resolver.data_named(library, name)
        return layout.memory_bases[symbol.library] + symbol.offset

    def _slot(self, target: Target) -> int:
        slot = self._slots.get(target)
        if slot is None:
            slot = self._slots[target] = self.table_size
            self.table[slot] = target
        return slot

    def _fill_table(self) -> None:
        for library, each in enumerate(self._libraries):
            for segment in each.module.elements:
                first = self.evaluate(library, segment.offset)
                for place, index in enumerate(segment.functions):
                    self.table[first + place] = self._resolver.function(library, index)


APPLY_RELOCATIONS = "__wasm_apply_data_relocs"

_NO_LOCALS = b"\0"
_END = b"\x0b"
_CONSTANT = rb"\x41(" + LEB + rb")"
_GLOBAL = rb"\x23(" + LEB + rb")"
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
    """Return the libraries' data with all pointers in place, in the order of their addresses.

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
