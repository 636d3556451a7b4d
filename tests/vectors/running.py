"""Runs files of vectors and says how each case came out."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.vectors.rules import Rule

Vector = dict[str, Any]
Runner = Callable[[Vector], "Rule | None"]

_RUNNERS = frozenset(
    (
        *("compare", "config_helpers", "context_wire", "errors", "exec_run", "grantset", "host_dialect"),
        *("json_scalars", "log_attr", "manifest", "net_checks", "operations", "result_encode"),
        *("result_helpers", "risk", "schema", "snake_case", "wire_decode", "wire_encode"),
    )
)


class NoCounterpartError(Exception):
    """An input that only Go can have; the text is the reason."""


@frozen
class Outcome:
    """How one case came out: passed, differing by a rule, without a counterpart or failed for a reason."""

    name: str
    rule: Rule | None = None
    failure: str = ""
    no_counterpart: str = ""


def read_vectors(path: Path) -> list[Vector]:
    """Return the cases of a file."""
    vectors: list[Vector] = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    return vectors


def run_file(path: Path) -> Iterator[Outcome]:
    """Run every case of a file; the file's name says what its kinds mean."""
    for vector in read_vectors(path):
        yield run_case(path.stem, vector)


def run_case(stem: str, vector: Vector) -> Outcome:
    """Run one case of a file of that name."""
    name = vector["name"]
    stem = stem.partition(".")[0]  # more cases of one shape are in schema.more.json
    if stem not in _RUNNERS:
        return Outcome(name, failure=f"nothing runs the vectors of {stem}.json")
    try:
        return Outcome(name, runner(stem)(vector))
    except NoCounterpartError as reason:
        return Outcome(name, no_counterpart=str(reason))
    except AssertionError as difference:
        return Outcome(name, failure=str(difference))
    except Exception:  # noqa: BLE001 - a case that breaks is a case that failed
        return Outcome(name, failure=traceback.format_exc(limit=-6))


def runner(stem: str) -> Runner:
    """Return what runs the cases of a file of that name."""
    run: Runner = import_module(f"tests.vectors.kinds.{stem}").run
    return run


def must_equal(actual: object, expected: object) -> None:
    """Fail with both values unless they are equal."""
    if actual != expected:
        raise AssertionError(f"\n    expected {expected!r}\n    got      {actual!r}")
