"""What the code of a library can reach, so far as its bytes tell."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs

from reglet.infrastructure.wasm import read_signed, read_unsigned
from tools.runtime.linker.instructions import (
    Operation,
    called_function,
    global_plus_constant,
    scan_body,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.runtime.linker.layout import Addresses, Pointer
    from tools.runtime.linker.read import Library

_LEB = rb"[\x80-\xff]*[\x00-\x7f]"
_GETS = (Operation.GLOBAL_GET, Operation.CONSTANT_PLUS_GLOBAL)

# A base that is kept in a local gets its offset later: from a constant that is added, or from a load or store.
# Looked for at every byte, so that too much is found rather than too little.
_ADDED = re.compile(rb"(?=\x41(" + _LEB + rb")(?:\x20" + _LEB + rb")?\x6a)", re.DOTALL)
_MEMORY_OFFSET = re.compile(rb"(?=[\x28-\x3e][\x00-\x04](" + _LEB + rb"))", re.DOTALL)


@attrs.frozen
class References:
    """What one function names: functions that it calls, and addresses and table slots that it may compute."""

    calls: frozenset[int]
    addresses: frozenset[int]
    slots: frozenset[int]


class CodeReader:
    """Finds the references of a library's functions."""

    def __init__(self, library: Library, place: int, addresses: Addresses, table_size: int) -> None:
        self._library = library
        self._table_size = table_size
        self._imported = len(library.module.global_imports)
        count = self._imported + len(library.module.globals)
        self._values = [addresses.global_value(place, index) for index in range(count)]

    def references(self, function: int) -> References:
        """Read one function."""
        module = self._library.module
        body = module.body(function)
        calls: set[int] = set()
        named: set[int] = set()
        kept_in_locals: set[int] = set()
        for operation, encoded in scan_body(module.data, body):
            if operation is Operation.CALL:
                calls.add(called_function(encoded))
            elif operation in _GETS:
                index, constant = global_plus_constant(operation, encoded)
                value = self._values[index]
                if value is not None:
                    named.add(value + (constant or 0))
                    if constant is None and self._is_base(index):
                        kept_in_locals.add(value)
        for value in kept_in_locals:
            offsets = _later_offsets(module.data[body.start : body.end], memory=value >= self._table_size)
            named |= {value + offset for offset in offsets}
        slots = frozenset(each for each in named if each < self._table_size)
        return References(frozenset(calls), frozenset(named - slots), slots)

    def _is_base(self, index: int) -> bool:
        return index < self._imported and self._library.module.global_imports[index].module == "env"


def _later_offsets(code: bytes, *, memory: bool) -> set[int]:
    offsets = {_number(read_signed, match[1]) for match in _ADDED.finditer(code)}
    if memory:
        offsets |= {_number(read_unsigned, match[1]) for match in _MEMORY_OFFSET.finditer(code)}
    return offsets


def _number(read: object, encoded: bytes) -> int:
    assert callable(read)
    return 0 if len(encoded) > 5 else read(encoded, 0, 35)[0]


class Objects:
    """Data, cut into objects at every address that code or a pointer names."""

    def __init__(self, named: Iterable[int], pointers: Iterable[Pointer]) -> None:
        self._starts = sorted(set(named))
        self._pointers: dict[int, list[int]] = {}
        for pointer in pointers:
            self._pointers.setdefault(self.containing(pointer.address), []).append(pointer.value)

    def containing(self, address: int) -> int:
        """Give the start of the object that an address lies in; 0 before the first."""
        place = bisect_right(self._starts, address)
        return self._starts[place - 1] if place else 0

    def reachable(self, addresses: Iterable[int]) -> set[int]:
        """Follow pointers from some addresses; give the starts of all objects on the way."""
        waiting = {self.containing(each) for each in addresses}
        seen: set[int] = set()
        while waiting:
            each = waiting.pop()
            seen.add(each)
            waiting |= {self.containing(value) for value in self._pointers.get(each, [])} - seen
        return seen
