"""`python -m tests.vectors FOLDER`: runs the vectors of a folder and prints what passed, differs and failed."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from pathlib import Path

from tests.vectors.running import Outcome, run_file

DATA = Path(__file__).parent / "data"
_USAGE = "usage: python -m tests.vectors [FOLDER or FILE]\n"


def main(arguments: list[str]) -> int:
    """Run the files of a folder and of those in it, or one file; ours if none is named.

    Return 1 if a case failed, if there was none, or if more than one in a hundred has no counterpart;
    2 if the arguments are wrong.
    """
    if len(arguments) > 1 or any(each.startswith("-") for each in arguments):
        sys.stdout.write(_USAGE)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    folder = Path(arguments[0]) if arguments else DATA
    if not folder.exists():
        sys.stdout.write(f"{folder}: there is no such folder\n")
        return 2
    every = list[Outcome]()
    for path in [folder] if folder.is_file() else _files(folder):
        of_file = list(run_file(path))
        _report(path, of_file)
        every += of_file
    if not every:
        sys.stdout.write(f"{folder}: no vectors\n")
        return 1
    sys.stdout.write(f"total: {_counted(every)}\n")
    uncounted = sum(bool(outcome.no_counterpart) for outcome in every)
    if uncounted * 100 > len(every):
        sys.stdout.write("more than one in a hundred have no counterpart\n")
    return 1 if any(outcome.failure for outcome in every) or uncounted * 100 > len(every) else 0


def _files(folder: Path) -> list[Path]:
    """Return the files of vectors below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".json" and path.is_file())


def _counted(outcomes: list[Outcome]) -> str:
    """Return how many came out how."""
    failed = sum(bool(outcome.failure) for outcome in outcomes)
    uncounted = sum(bool(outcome.no_counterpart) for outcome in outcomes)
    differ = sum(outcome.rule is not None for outcome in outcomes)
    passed = len(outcomes) - failed - uncounted - differ
    return f"{passed} passed, {differ} differ on purpose, {uncounted} have no counterpart, {failed} failed"


def _report(path: Path, outcomes: list[Outcome]) -> None:
    """Print how a file's cases came out."""
    sys.stdout.write(f"{path.name}: {_counted(outcomes)}\n")
    rules = Counter(outcome.rule for outcome in outcomes if outcome.rule is not None)
    for rule, count in sorted(rules.items()):
        sys.stdout.write(f"  differs: {rule} ({count})\n")
    for outcome in outcomes:
        if outcome.no_counterpart:
            sys.stdout.write(f"  no counterpart: {outcome.name}: {outcome.no_counterpart}\n")
    for outcome in outcomes:
        if outcome.failure:
            sys.stdout.write(f"  FAILED {outcome.name}: {outcome.failure.rstrip()}\n")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # what a config's warnings would say in between
    sys.exit(main(sys.argv[1:]))
