"""Stages 5 and 6, prune and renumber: what can be reached stays, gets its final index, and is rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.infrastructure.wasm import ModuleFormatError, signed, unsigned
from tools.runtime.linker.instructions import (
    Operation,
    Piece,
    block_type,
    called_function,
    global_plus_constant,
    indirect_type,
    scan_body,
    set_global,
)
from tools.runtime.linker.read import LinkError
from tools.runtime.linker.resolve import Function, HostFunction, Trap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reglet.infrastructure.wasm.signatures import FunctionType
    from tools.runtime.linker.layout import Addresses
    from tools.runtime.linker.read import Library
    from tools.runtime.linker.resolve import Resolver, Target


def reachable(
    libraries: Sequence[Library],
    resolver: Resolver,
    roots: Iterable[Target],
    excluded: frozenset[Function],
) -> tuple[dict[Function, list[Piece]], set[Target]]:
    """Follow calls from the roots; give the scanned bodies, and the targets that have none.

    Raises:
        LinkError: an instruction is not understood, with its offset; or something that stays calls a function
            that is left out.
    """
    bodies: dict[Function, list[Piece]] = {}
    outside: set[Target] = set()
    memo: dict[tuple[int, bytes], Target] = {}
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        target = waiting.pop()
        if not isinstance(target, Function):
            outside.add(target)
            continue
        if target in excluded:
            raise LinkError(f"{_name(libraries, target)} is left out and something that stays calls it")
        pieces = bodies[target] = _scan(libraries[target.library], target.local_index)
        for operation, encoded in pieces:
            if operation is Operation.CALL or operation is Operation.REFERENCE:
                key = (target.library, encoded)
                called = memo.get(key)
                if called is None:
                    called = memo[key] = resolver.function(target.library, called_function(encoded))
                if called not in seen:
                    seen.add(called)
                    waiting.append(called)
    return bodies, outside


def _name(libraries: Sequence[Library], function: Function) -> str:
    library = libraries[function.library]
    return f"{library.name}: {library.function_names.get(function.local_index, function.local_index)}"


def _scan(library: Library, index: int) -> list[Piece]:
    try:
        return scan_body(library.module.data, library.module.body(index))
    except ModuleFormatError as error:
        raise LinkError(f"{library.name}: function {index}: {error}") from error


LARGE = 5000
"""Bytes of a body from which on a function goes last, the largest at the end.

wazero keeps a table as large as the largest function so far and clears it for every later one: with the large
ones last it compiles a quarter faster.
"""

_STACK_POINTER_GET = b"\x23\0"
_STACK_POINTER_SET = b"\x24\0"
_I32_ADD = b"\x6a"


@frozen
class Numbering:
    """The final order of functions, and the merged types."""

    order: tuple[Target, ...]
    indices: Mapping[Target, int] = field(repr=False)
    types: dict[FunctionType, int] = field(factory=dict, repr=False)

    def type_index(self, type_: FunctionType) -> int:
        """Return the index of a type, a new one at its first use."""
        return self.types.setdefault(type_, len(self.types))


def number(
    libraries: Sequence[Library],
    functions: Mapping[Function, list[Piece]],
    outside: set[Target],
    same: Mapping[Function, Function],
) -> Numbering:
    """Order functions: imports by name, bodies in link order with the large ones last by size, traps.

    `same` has, for each function that has no body of its own, the one whose body it shares.
    """

    def place(function: Function) -> tuple[int, int, int]:
        body = libraries[function.library].module.body(function.local_index)
        size = body.end - body.start
        return size if size > LARGE else 0, function.library, function.local_index

    imports = sorted((each for each in outside if isinstance(each, HostFunction)), key=lambda each: each[:2])
    traps = sorted((each for each in outside if isinstance(each, Trap)), key=lambda each: each.name)
    alone = [each for each in functions if each not in same]
    order: tuple[Target, ...] = (*imports, *sorted(alone, key=place), *traps)
    indices: dict[Target, int] = {target: index for index, target in enumerate(order)}
    return Numbering(order, indices | {each: indices[kept] for each, kept in same.items()})


def equal_functions(
    numbering: Numbering, types: Sequence[FunctionType], code: Sequence[bytes]
) -> dict[Function, Function]:
    """Return which functions have the type and the body of an earlier one, and that one.

    A pointer to a function is a slot of the table, so two pointers differ though they lead to one body.
    """
    first = len(numbering.order) - len(code)
    kept: dict[tuple[FunctionType, bytes], Function] = {}
    found: dict[Function, Function] = {}
    for target, type_, body in zip(numbering.order[first:], types[first:], code, strict=True):
        if isinstance(target, Function):
            earlier = kept.setdefault((type_, body), target)
            if earlier is not target:
                found[target] = earlier
    return found


class Rewriter:
    """Rewrites the bodies of one library; an instruction seen before is not worked out again."""

    def __init__(self, library: int, libraries: Sequence[Library], resolver: Resolver, addresses: Addresses,
                 numbering: Numbering) -> None:  # fmt: skip
        self._library = library
        self._name = libraries[library].name
        self._types = libraries[library].module.types
        self._resolver = resolver
        self._addresses = addresses
        self._numbering = numbering
        self._rewritten: dict[bytes, bytes] = {}

    def body(self, pieces: list[Piece]) -> bytes:
        """Return the body with every index renumbered and every constant global replaced by its value.

        Raises:
            LinkError: it sets a constant global, or uses a second table.
        """
        known = self._rewritten
        parts: list[bytes] = []
        for operation, encoded in pieces:
            if operation is None:
                parts.append(encoded)
                continue
            rewritten = known.get(encoded)
            if rewritten is None:
                rewritten = known[encoded] = self._rewrite(operation, encoded)
            parts.append(rewritten)
        return b"".join(parts)

    def _rewrite(self, operation: Operation, encoded: bytes) -> bytes:
        try:
            if operation in (Operation.CALL, Operation.REFERENCE):
                target = self._resolver.function(self._library, called_function(encoded))
                return encoded[:1] + unsigned(self._numbering.indices[target])
            if operation is Operation.CALL_INDIRECT:
                return encoded[:1] + unsigned(self._type(indirect_type(encoded))) + b"\0"
            if operation is Operation.BLOCK:
                return encoded[:1] + signed(self._type(block_type(encoded)))
        except ModuleFormatError as error:
            raise LinkError(f"{self._name}: instruction {encoded.hex(' ')}: {error.reason}") from error
        if operation is Operation.GLOBAL_SET:
            index = set_global(encoded)
            if self._addresses.global_value(self._library, index) is not None:
                raise LinkError(f"{self._name}: global {index} is set; only the stack pointer may be")
            return _STACK_POINTER_SET
        index, constant = global_plus_constant(operation, encoded)
        value = self._addresses.global_value(self._library, index)
        if value is not None:
            return _i32(value + (constant or 0))
        return _STACK_POINTER_GET if constant is None else _STACK_POINTER_GET + _i32(constant) + _I32_ADD

    def _type(self, index: int) -> int:
        if index >= len(self._types):
            raise LinkError(f"{self._name}: an instruction names type {index}, there are {len(self._types)}")
        return self._numbering.type_index(self._types[index])


def _i32(value: int) -> bytes:
    return b"\x41" + signed((value + (1 << 31)) % (1 << 32) - (1 << 31))
