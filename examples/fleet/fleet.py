"""Check every target of a CSV file with one plugin: on every core of this machine, or on a Dask cluster.

The head of the CSV names fields of the plugin's config; each row is a config. Results are lines of JSON, each
written whole as its check ends, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import Any

from reglet.sandbox import CheckOutcome, GrantSet, NetworkCapability, NetworkRule, Progress, Sandbox

_STATUSES = {"success": "#2e7d32", "failure": "#c62828", "error": "#ef6c00"}
_BAR = 30
_SHOWN = 100
_BATCH = 10_000


def main(arguments: list[str]) -> int:
    """Run, or go on; the status is 0 if all checks succeed, 1 if one fails, 2 if one could not be made."""
    options = _parser().parse_args(arguments)
    rules = [
        NetworkRule([host], [ports]) for host, _, ports in (each.rpartition(":") for each in options.allow)
    ]
    grants = GrantSet(network=NetworkCapability(rules))
    done = _read_done(options.output)
    total = sum(1 for _ in _rows(options.targets))
    rows: dict[int, int] = {}

    def configs() -> Iterator[dict[str, str]]:
        numbers = itertools.count()
        for row, target in enumerate(_rows(options.targets), start=1):
            if row not in done:
                rows[next(numbers)] = row
                yield target
            elif done[row] != hash(_dumps(target)):
                raise SystemExit(
                    f"row {row} of {options.targets} has another result: choose another --output"
                )

    try:
        with ExitStack() as stack:
            results = stack.enter_context(options.output.open("ab", buffering=0))
            sandbox = stack.enter_context(Sandbox(grants))
            executor = None
            if options.scheduler:
                client = importlib.import_module("distributed").Client(options.scheduler)
                executor = stack.enter_context(client).get_executor()
            bar = _Bar(len(done), total)
            for outcome in sandbox.check_many(
                options.plugin,
                configs(),
                executor=executor,
                progress=bar.show,
                ordered=False,
                retries=options.retries,
                processes=options.processes,
            ):
                results.write(_line(rows.pop(outcome.index), outcome))
            bar.end()
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped: the same command goes on from here\n")
        return 130
    counts = _write_page(options.output, options.page)
    if options.parquet:
        _write_parquet(options.output, options.parquet)
    sys.stdout.write(", ".join(f"{counts[status]} {status}" for status in _STATUSES) + "\n")
    return 2 if counts["error"] else 1 if counts["failure"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Check every target of a CSV file with one plugin.")
    parser.add_argument("plugin", help="the built plugin, a .wasm file")
    parser.add_argument("targets", type=Path, help="a CSV file whose head names fields of the config")
    parser.add_argument(
        "--allow", metavar="HOST:PORTS", action="append", default=[], help="a network grant; may be repeated"
    )
    parser.add_argument("--output", type=Path, default=Path("results.jsonl"), help="lines of JSON")
    parser.add_argument("--page", type=Path, default=Path("summary.html"), help="a summary for people")
    parser.add_argument("--parquet", type=Path, help="the results as Parquet too; needs pyarrow")
    parser.add_argument("--processes", type=int, help="how many there are; one a core by default")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler in place of processes")
    parser.add_argument("--retries", type=int, default=1, help="how often a lost check is made again")
    return parser


def _rows(targets: Path) -> Iterator[dict[str, str]]:
    """Yield the configs; an empty cell is a field that is left out."""
    with targets.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: value for name, value in row.items() if value}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _line(row: int, outcome: CheckOutcome) -> bytes:
    result = outcome.result
    error = result.error and {"type": result.error.type, "code": result.error.code}
    record = {
        "row": row,
        "target": outcome.config,
        "status": str(result.status),
        "message": result.message,
        "data": result.data,
        "error": error,
    }
    return f"{_dumps(record)}\n".encode()


def _records(results: Path) -> Iterator[dict[str, Any]]:
    with results.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _read_done(results: Path) -> dict[int, int]:
    """Return the rows that have a result, with a hash of their target; a line that was cut off goes."""
    if not results.exists():
        return {}
    with results.open("r+b") as file:
        whole = 0
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)
    return {record["row"]: hash(_dumps(record["target"])) for record in _records(results)}


class _Bar:
    """One line on standard error that moves; nothing where that is no terminal."""

    def __init__(self, before: int, total: int) -> None:
        self._before = before
        self._total = total
        self._wrong = 0
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        """Draw the line anew, ten times a second at most."""
        self._wrong += not progress.latest.result.is_success
        if not sys.stderr.isatty() or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        done = self._before + progress.done
        filled = "#" * (_BAR * done // self._total)
        left = (self._total - done) / progress.rate
        sys.stderr.write(
            f"\r[{filled:.<{_BAR}}] {done}/{self._total}, {self._wrong} not well, "
            f"{progress.rate:.0f}/s, {left:.0f} s left \x1b[K"
        )
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def _write_page(results: Path, page: Path) -> Counter[str]:
    """Write the summary, whole or not at all, and return how many results have which status."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    wrong: list[tuple[Any, ...]] = []
    for record in _records(results):
        counts[record["status"]] += 1
        if record["status"] != "success":
            error = record["error"] or {}
            reasons[error.get("code") or error.get("type") or record["message"]] += 1
            if len(wrong) < _SHOWN:
                wrong.append((record["row"], _dumps(record["target"]), record["status"], record["message"]))
    total = counts.total() or 1
    bar = "".join(
        f'<i style="width:{100 * counts[status] / total:.2f}%;background:{color}"></i>'
        for status, color in _STATUSES.items()
    )
    page_html = _PAGE.format(
        total=counts.total(),
        bar=bar,
        counts=_table(("status", "targets"), [(status, counts[status]) for status in _STATUSES]),
        reasons=_table(("reason", "targets"), reasons.most_common(_SHOWN)),
        wrong=_table(("row", "target", "status", "message"), wrong),
    )
    beside = page.with_name(f"{page.name}.part")
    beside.write_text(page_html, encoding="utf-8")
    beside.replace(page)
    return counts


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = ["".join(f"<th>{name}</th>" for name in head)]
    lines += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


_PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{total} targets</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem }}
p {{ display: flex; height: 1.2rem }}
table {{ border-collapse: collapse }}
td, th {{ border: 1px solid #ccc; padding: .2rem .6rem; text-align: left }}
</style>
<h1>{total} targets</h1>
<p>{bar}</p>
{counts}
<h2>Why not</h2>
{reasons}
<h2>The first of them</h2>
{wrong}
</html>
"""


def _write_parquet(results: Path, path: Path) -> None:
    """Write the results as a table, whole or not at all; `target` and `data` are JSON."""
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    columns = ["target", "status", "message", "data", "error_type", "error_code"]
    schema = arrow.schema([("row", arrow.int64()), *((name, arrow.string()) for name in columns)])
    beside = path.with_name(f"{path.name}.part")
    records = _records(results)
    with parquet.ParquetWriter(beside, schema) as writer:
        while some := list(itertools.islice(records, _BATCH)):
            rows = [
                {
                    **{name: record[name] for name in ("row", "status", "message")},
                    **{name: _dumps(record[name]) for name in ("target", "data")},
                    **{f"error_{name}": (record["error"] or {}).get(name) for name in ("type", "code")},
                }
                for record in some
            ]
            writer.write_table(arrow.Table.from_pylist(rows, schema))
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
