"""What of a library is left out: the functions and data of parts that nobody who links it needs.

Left-out functions get no body and no slot in the table; left-out data is zero. A shared library does not say
which functions and data belong together, so whoever leaves some out names them, and must have proved that
nothing else leads there. That no function which stays calls one is checked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from attrs import frozen

from tools.runtime.linker.read import LinkError
from tools.runtime.linker.resolve import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tools.runtime.linker.layout import PlacedData, Pointer
    from tools.runtime.linker.read import Library


@frozen
class FunctionRange:
    """Functions that follow each other in a library: the indices and names of the first and the last."""

    first: int
    first_name: str
    last: int
    last_name: str


@frozen
class Excluded:
    """Parts of one library: functions, and data as (start, end) offsets into its memory."""

    library: str
    functions: tuple[FunctionRange, ...]
    data: tuple[tuple[int, int], ...] = ()


@frozen
class OptionalPart:
    """Functions of one library that only some modules of the interpreter lead to.

    A build leaves them out where nothing has imported these modules.
    """

    modules: tuple[str, ...]
    library: str
    functions: tuple[FunctionRange, ...]


def excluded_functions(
    libraries: Sequence[Library], excluded: Iterable[Excluded | OptionalPart]
) -> frozenset[Function]:
    """List the functions.

    Raises:
        LinkError: a range's names are not those of the library, so its indices are of another release.
    """
    found: set[Function] = set()
    for part in excluded:
        place, library = _library_named(libraries, part.library)
        for each in part.functions:
            for index, expected in ((each.first, each.first_name), (each.last, each.last_name)):
                name = library.function_names.get(index)
                if name != expected:
                    raise LinkError(
                        f"{library.name}: function {index} is {name}, not {expected}, to be left out"
                    )
            found.update(Function(place, index) for index in range(each.first, each.last + 1))
    return frozenset(found)


def zero_excluded_data(
    libraries: Sequence[Library],
    bases: Sequence[int],
    excluded: Iterable[Excluded],
    placed: Iterable[PlacedData],
) -> None:
    """Overwrite the data that is left out."""
    pieces = list(placed)
    for part in excluded:
        place, _ = _library_named(libraries, part.library)
        for start, end in part.data:
            _zero(pieces, bases[place] + start, bases[place] + end)


def largest_excluded(
    libraries: Sequence[Library], bases: Sequence[int], excluded: Iterable[Excluded]
) -> tuple[int, int]:
    """Return where the largest piece of left-out data begins and ends, for others to use."""
    ranges = [
        (bases[place] + start, bases[place] + end)
        for part in excluded
        for place in [_library_named(libraries, part.library)[0]]
        for start, end in part.data
    ]
    return max(ranges, key=lambda each: each[1] - each[0], default=(0, 0))


_DESCRIPTION = re.compile(rb"\)\n--\n\n([^\0]+)\0")
"""What follows the signature in the docstring of a function in C; CPython takes an empty one for none."""


def zero_descriptions(placed: Iterable[PlacedData], pointers: Iterable[Pointer]) -> None:
    """Overwrite the docstrings of functions in C, apart from the signatures that `inspect` reads there."""
    data = list(placed)
    for start, end in descriptions(data, pointers):
        _zero(data, start, end)


def descriptions(placed: Iterable[PlacedData], pointers: Iterable[Pointer]) -> Iterator[tuple[int, int]]:
    """Yield the addresses where those docstrings begin and end, without their signatures.

    One that a pointer leads into is left: a string that ends as another does can be the end of that one.
    """
    targets = sorted({each.value for each in pointers})
    for data in placed:
        for found in _DESCRIPTION.finditer(data.contents):
            start, end = data.address + found.start(1), data.address + found.end(1)
            if bisect_left(targets, start) == bisect_left(targets, end):
                yield start, end


def _zero(placed: Iterable[PlacedData], start: int, end: int) -> None:
    for data in placed:
        first = max(start, data.address) - data.address
        last = min(end, data.end) - data.address
        if first < last:
            data.contents[first:last] = bytes(last - first)


def _library_named(libraries: Sequence[Library], name: str) -> tuple[int, Library]:
    for place, library in enumerate(libraries):
        if library.name == name:
            return place, library
    raise LinkError(f"no library is called {name}, of which parts are to be left out")
