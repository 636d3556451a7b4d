"""`python -m bench [--page] [WORD …]`: run the rows whose names hold one of the words, and print tables.

A module `bench/rows_*.py` adds rows: it has a function `rows()` that returns them, or raises
`Unavailable`. Its docstring says, in Markdown, what they measure. With `--page`, docs/performance.md is
written: the machine, the tables and what they mean. The exit status is 1 if a goal is missed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import bench
from bench.harness import Measurement, Unavailable, measure, table
from bench.page import PAGE, Section, page


def _sections(words: list[str]) -> Iterator[Section]:
    """Measure; yield a section for each module that has rows to run."""
    for name in sorted(each.name for each in pkgutil.iter_modules(bench.__path__)):
        if not name.startswith("rows_"):
            continue
        module = importlib.import_module(f"bench.{name}")
        measured: list[Measurement] = []
        try:
            for row in module.rows():
                if not words or any(word in row.name for word in words):
                    print(f"{row.name} …", file=sys.stderr, flush=True)
                    measured.append(measure(row))
        except Unavailable as reason:
            print(f"{name}: not run, {reason}", file=sys.stderr)
        if measured:
            yield Section(module.__doc__ or "", measured)


def main(arguments: list[str]) -> int:
    """Run, and print or write."""
    words = [each for each in arguments if each != "--page"]
    sections = list(_sections(words))
    measurements = [each for section in sections for each in section.measurements]
    if "--page" in arguments:
        PAGE.write_text(page(sections), encoding="utf-8")
        print(PAGE)
    else:
        print("\n".join(table(measurements)))
    return 0 if all(each.is_met for each in measurements) else 1


sys.exit(main(sys.argv[1:]))
