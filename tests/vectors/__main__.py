"""`python -m tests.vectors FOLDER`: runs a folder of vectors and prints what passed, differs and failed."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.vectors.running import Outcome, run_file

DATA = Path(__file__).parent / "data"


def main(arguments: list[str]) -> int:
    """Run the files of a folder, ours if none is named; return 1 if a case failed or there was none."""
    folder = Path(arguments[0]) if arguments else DATA
    files = sorted(folder.glob("*.json"))
    failed = [_report(path, list(run_file(path))) for path in files]
    if not files:
        sys.stdout.write(f"{folder}: no vectors\n")
    return 1 if any(failed) or not files else 0


def _report(path: Path, outcomes: list[Outcome]) -> int:
    """Print how a file's cases came out; return how many failed."""
    failures = [outcome for outcome in outcomes if outcome.failure]
    rules = Counter(outcome.rule for outcome in outcomes if outcome.rule is not None)
    passed = len(outcomes) - len(failures) - rules.total()
    sys.stdout.write(
        f"{path.name}: {passed} passed, {rules.total()} differ on purpose, {len(failures)} failed\n"
    )
    for rule, count in sorted(rules.items()):
        sys.stdout.write(f"  differs: {rule} ({count})\n")
    for outcome in failures:
        sys.stdout.write(f"  FAILED {outcome.name}: {outcome.failure.rstrip()}\n")
    return len(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
