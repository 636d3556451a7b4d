"""`python -m bench [WORD …]`: run the rows whose names hold one of the words, and print a table.

A module `bench/rows_*.py` adds rows: it has a function `rows()` that returns them, or raises `Unavailable`.
The exit status is 1 if a goal is missed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import bench
from bench.harness import Row, Unavailable, measure, table


def _rows() -> Iterator[Row]:
    for module in sorted(each.name for each in pkgutil.iter_modules(bench.__path__)):
        if not module.startswith("rows_"):
            continue
        try:
            yield from importlib.import_module(f"bench.{module}").rows()
        except Unavailable as reason:
            print(f"{module}: not run, {reason}", file=sys.stderr)


def main(words: list[str]) -> int:
    """Run and print."""
    chosen = [row for row in _rows() if not words or any(word in row.name for word in words)]
    measurements = []
    for row in chosen:
        print(f"{row.name} …", file=sys.stderr, flush=True)
        measurements.append(measure(row))
    print("\n".join(table(measurements)))
    return 0 if all(each.is_met for each in measurements) else 1


sys.exit(main(sys.argv[1:]))
