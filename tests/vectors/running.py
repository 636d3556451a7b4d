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

_GETTERS = ("String", "Int", "Float", "Bool", "StringSlice")
KINDS: dict[str, tuple[str, ...]] = {
    "compare": ("deep_equal", "assert_data_field", "assert_status", "verify_output", "run_plugin_tests"),
    "config_helpers": (
        *(f"Get{name}" for name in _GETTERS),
        *(f"MustGet{name}" for name in _GETTERS),
        *(f"Get{name}Default" for name in _GETTERS),
        *("RequireString", "OptionalString", "OptionalInt", "Validate"),
    ),
    "context_wire": ("to_wire", "from_wire"),
    "errors": ("error",),
    "exec_run": ("exec_run",),
    "grantset": ("marshal", "is_empty", "deduplicate", "clone", "merge", "difference", "contains"),
    "host_dialect": ("invoke:",),
    "json_scalars": (
        *("float64", "float32", "int64", "uint64", "string", "string_bytes", "map"),
        *("duration_string", "time"),
    ),
    "log_attr": ("attr", "level_string", "enabled"),
    "manifest": ("marshal:Manifest", "define_plugin"),
    "net_checks": ("http", "dns", "tcp", "smtp"),
    "operations": (
        *("handler", "get_handler", "register_error", "field_names", "struct_to_map", "example_test"),
    ),
    "result_encode": (
        "marshal:Result",
        "marshal:RunMetadata",
        "marshal:ErrorDetail",
        "error_string",
        "predicate",
    ),
    "result_helpers": ("result.Success", "result.Failure", "result.Error", "PluginError"),
    "risk": ("analyze", "level_string"),
    "schema": ("generate_schema",),
    "snake_case": ("snake",),
    "wire_decode": ("unmarshal:",),
    "wire_encode": ("marshal:",),
}
"""The kinds of cases by the name of their file; one that ends in a colon is followed by any name."""
_PARTS = ("name", "kind", "input", "expected")


class NoCounterpartError(Exception):
    """An input that only Go can have; the text is the reason."""


class VectorsFileError(Exception):
    """A file that holds no vectors; the text says why."""


@frozen
class Outcome:
    """How one case came out: passed, differing by a rule, without a counterpart or failed for a reason."""

    name: str
    rule: Rule | None = None
    failure: str = ""
    no_counterpart: str = ""


def read_vectors(path: Path) -> list[Vector]:
    """Return the cases of a file.

    Raises:
        VectorsFileError: it is no JSON, or has no list of them.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise VectorsFileError(f"cannot be read as JSON: {error}") from None
    vectors = content.get("vectors") if isinstance(content, dict) else None
    if not isinstance(vectors, list):
        raise VectorsFileError('an object with a list "vectors" is wanted')
    return vectors


def run_file(path: Path) -> Iterator[Outcome]:
    """Run every case of a file; the file's name says what its kinds mean."""
    try:
        vectors = read_vectors(path)
    except VectorsFileError as error:
        yield Outcome(path.name, failure=str(error))
        return
    for place, vector in enumerate(vectors):
        yield run_case(path.stem, vector, place)


def run_case(stem: str, vector: Vector, place: int = 0) -> Outcome:
    """Run one case of a file of that name."""
    name = str(vector.get("name", "")) if isinstance(vector, dict) else ""
    name = name or f"vectors[{place}]"
    stem = stem.partition(".")[0].lower()  # more cases of one shape are in schema.more.json
    if problem := _problem(stem, vector):
        return Outcome(name, failure=problem)
    try:
        return Outcome(name, runner(stem)(vector))
    except NoCounterpartError as reason:
        return Outcome(name, no_counterpart=str(reason))
    except AssertionError as difference:
        return Outcome(name, failure=str(difference))
    except Exception as error:  # noqa: BLE001 - a case that breaks is a case that failed
        where = "".join(traceback.format_exception(error, limit=-2))
        return Outcome(name, failure=f"cannot be run ({type(error).__name__}: {error})\n{where}")


def _problem(stem: str, vector: Any) -> str:
    """Return what is wrong with the shape of a case, empty if nothing is."""
    if stem not in KINDS:
        return f"nothing runs the vectors of {stem}.json; there are {', '.join(sorted(KINDS))}"
    if not isinstance(vector, dict):
        return f"a vector is an object, not {vector!r:.80}"
    if missing := [part for part in _PARTS if part not in vector]:
        return f"it has no {', '.join(missing)}; there are {', '.join(vector)}"
    kind = str(vector["kind"])
    if kind.partition(":")[0] + ":" not in KINDS[stem] and kind not in KINDS[stem]:
        return f"{stem}.json has no kind {vector['kind']!r}; there are {', '.join(KINDS[stem])}"
    return ""


def runner(stem: str) -> Runner:
    """Return what runs the cases of a file of that name."""
    run: Runner = import_module(f"tests.vectors.kinds.{stem}").run
    return run


def must_equal(actual: object, expected: object) -> None:
    """Fail with both values unless they are equal."""
    if actual != expected:
        raise AssertionError(f"\n    expected {expected!r}\n    got      {actual!r}")
