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

_RUNNERS = {
    "compare": "compare",
    "config_helpers": "config_helpers",
    "context_wire": "context_wire",
    "errors": "errors",
    "exec_run": "exec_run",
    "grantset": "grantset",
    "host_dialect": "host_dialect",
    "json_scalars": "json_scalars",
    "log_attr": "log_attr",
    "manifest": "manifest",
    "net_checks": "net_checks",
    "operations": "operations",
    "result_encode": "result_encode",
    "result_helpers": "result_helpers",
    "risk": "risk",
    "schema": "schema",
    "snake_case": "snake_case",
    "wire_decode": "wire_decode",
    "wire_encode": "wire_encode",
}


@frozen
class Outcome:
    """How one case came out: passed, differing by a rule, or failed for a reason."""

    name: str
    rule: Rule | None = None
    failure: str = ""


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
    if stem not in _RUNNERS:
        return Outcome(name, failure=f"nothing runs the vectors of {stem}.json")
    try:
        return Outcome(name, runner(stem)(vector))
    except AssertionError as difference:
        return Outcome(name, failure=str(difference))
    except Exception:  # noqa: BLE001 - a case that breaks is a case that failed
        return Outcome(name, failure=traceback.format_exc(limit=-6))


def runner(stem: str) -> Runner:
    """Return what runs the cases of a file of that name."""
    run: Runner = import_module(f"tests.vectors.kinds.{_RUNNERS[stem]}").run
    return run


def must_equal(actual: object, expected: object) -> None:
    """Fail with both values unless they are equal."""
    if actual != expected:
        raise AssertionError(f"\n    expected {expected!r}\n    got      {actual!r}")
