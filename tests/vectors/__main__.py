"""`python -m tests.vectors FOLDER`: runs a folder of vectors and prints what passed, differs and failed."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.vectors.running import Outcome, run_file

DATA = Path(__file__).parent / "data"


def main(arguments: list[str]) -> int:
    """Run the files of a folder, ours if none is named.

    Return 1 if a case failed, if there was none, or if more than one in a hundred has no counterpart.
    """
    folder = Path(arguments[0]) if arguments else DATA
    outcomes = {path: list(run_file(path)) for path in sorted(folder.glob("*.json"))}
    for path, of_file in outcomes.items():
        _report(path, of_file)
    every = [outcome for of_file in outcomes.values() for outcome in of_file]
    if not every:
        sys.stdout.write(f"{folder}: no vectors\n")
        return 1
    uncounted = sum(bool(outcome.no_counterpart) for outcome in every)
    is_bad = any(outcome.failure for outcome in every) or uncounted * 100 > len(every)
    return 1 if is_bad else 0


def _report(path: Path, outcomes: list[Outcome]) -> None:
    """Print how a file's cases came out."""
    failures = [outcome for outcome in outcomes if outcome.failure]
    uncounted = [outcome for outcome in outcomes if outcome.no_counterpart]
    rules = Counter(outcome.rule for outcome in outcomes if outcome.rule is not None)
    passed = len(outcomes) - len(failures) - len(uncounted) - rules.total()
    sys.stdout.write(
        f"{path.name}: {passed} passed, {rules.total()} differ on purpose, "
        f"{len(uncounted)} have no counterpart, {len(failures)} failed\n"
    )
    for rule, count in sorted(rules.items()):
        sys.stdout.write(f"  differs: {rule} ({count})\n")
    for outcome in uncounted:
        sys.stdout.write(f"  no counterpart: {outcome.name}: {outcome.no_counterpart}\n")
    for outcome in failures:
        sys.stdout.write(f"  FAILED {outcome.name}: {outcome.failure.rstrip()}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
