"""Stage 5, prune: only functions that something can reach stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.instructions import Operation, Piece, called_function, scan_body
from reglet.infrastructure.runtime.linker.errors import LinkError
from reglet.infrastructure.runtime.linker.resolve import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reglet.infrastructure.runtime.linker.read import Library
    from reglet.infrastructure.runtime.linker.resolve import Resolver, Target


def reachable(
    libraries: Sequence[Library],
    resolver: Resolver,
    roots: Iterable[Target],
    left_out: frozenset[Function],
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
        if target in left_out:
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
