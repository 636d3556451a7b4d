"""Every answer of the Go SDK is a test; where we differ, it is by a rule that the documentation explains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.__main__ import DATA, main
from tests.vectors.rules import Rule
from tests.vectors.running import read_vectors, run_case

_DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"
_CASES = [
    pytest.param(path.stem, vector, id=f"{path.stem}:{vector['kind']}:{vector['name']}")
    for path in sorted(DATA.glob("*.json"))
    for vector in read_vectors(path)
]


@pytest.mark.unmeasured
@pytest.mark.parametrize(("stem", "vector"), _CASES)
def test_vector(stem: str, vector: dict[str, Any]) -> None:
    """The case passes, or differs by a rule."""
    outcome = run_case(stem, vector)
    assert outcome.failure == ""


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_is_explained(rule: Rule) -> None:
    """The table of differences has a row for each."""
    assert f"| {rule} |" in _DIFFERENCES.read_text(encoding="utf-8")


def test_a_failing_case_is_printed_and_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status says so, and the case is named with both values."""
    wrong = {"name": "snake:wrong", "kind": "snake", "input": "URLCheck", "expected": "urlcheck"}
    (tmp_path / "snake_case.json").write_text(json.dumps({"vectors": [wrong]}), encoding="utf-8")
    (tmp_path / "unheard_of.json").write_text(json.dumps({"vectors": [wrong]}), encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "snake_case.json: 0 passed, 0 differ on purpose, 0 have no counterpart, 1 failed" in printed
    assert "expected 'urlcheck'" in printed
    assert "nothing runs the vectors of unheard_of.json" in printed


@pytest.mark.parametrize(("count", "status"), [(100, 0), (99, 1)])
def test_one_input_in_a_hundred_may_have_no_counterpart(
    count: int, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is printed with its reason; more of them fail the run."""
    right = {"name": "snake:right", "kind": "snake", "input": "URLCheck", "expected": "url_check"}
    (tmp_path / "snake_case.json").write_text(
        json.dumps({"vectors": [right] * (count - 1)}), encoding="utf-8"
    )
    unknown = {"name": "unknown", "kind": "field_names", "input": "acme.Unknown", "expected": ["a"]}
    (tmp_path / "operations.json").write_text(json.dumps({"vectors": [unknown]}), encoding="utf-8")
    assert main([str(tmp_path)]) == status
    printed = capsys.readouterr().out
    assert "no counterpart: unknown: the Go type acme.Unknown is named without its fields" in printed


_UNREASONED = [
    (
        "operations",
        "handler",
        {"client": None, "raw_config": '{"url":5}'},
        {"error": None, "panic": None, "result": '{"status":"success","data":{"status_code":0,"url":""}}'},
    ),
    ("operations", "field_names", 'A `json:"a"`; B `json:"b"`', ["a", "c"]),
    ("grantset", "merge", {"receiver": None, "other": {}}, {"panic": "index out of range"}),
    ("schema", "generate_schema", {"go": "S string; C chan int"}, {"panic": "stack overflow"}),
    (
        "schema",
        "generate_schema",
        {"go": 'A int `json:"a" jsonschema:"maximum=1,default=2"`'},
        {"compact": '{"properties":{"a":{"type":"integer","default":2}},"type":"object"}'},
    ),
]


@pytest.mark.parametrize(("stem", "kind", "given", "expected"), _UNREASONED)
def test_a_difference_without_its_reason_is_a_failure(
    stem: str, kind: str, given: object, expected: object
) -> None:
    """A refusal, a panic or an overlap alone is no rule."""
    vector = {"name": "n", "kind": kind, "input": given, "expected": expected}
    assert run_case(stem, vector).failure


_IN_GO_S_WORDS = {"error", "message", "messages", "panic", "must_panic", "sdk_decode_error", "$id"}
"""What holds texts that nobody can foresee, such as those of Go's parser."""


def _changed(answer: Any, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield an answer with one thing in it changed, in turn each."""
    inner = _parsed(answer) if isinstance(answer, str) else None
    if _IN_GO_S_WORDS & set(path):
        return
    if inner is not None:
        yield from (
            json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in _changed(inner, path)
        )
    elif isinstance(answer, dict):
        yield from (
            {**answer, name: each} for name in answer for each in _changed(answer[name], (*path, name))
        )
    elif isinstance(answer, list):
        yield [*answer, "more"]
        for place, item in enumerate(answer):
            yield from ([*answer[:place], each, *answer[place + 1 :]] for each in _changed(item, path))
    elif isinstance(answer, str):
        yield f"{answer}~"
    else:
        yield "something" if answer is None else not answer if isinstance(answer, bool) else answer + 1


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.name)
def test_no_other_answer_of_go_passes_for_a_difference(path: Path) -> None:
    """Of what differs on purpose, Go's whole answer is known: one that is changed in one place fails."""
    unnoticed = []
    for vector in read_vectors(path):
        if run_case(path.stem, vector).rule is None:
            continue
        wrong = list(_changed(vector["expected"]))
        for expected in wrong[:: max(len(wrong) // 8, 1)]:
            outcome = run_case(path.stem, vector | {"expected": expected})
            if expected != vector["expected"] and not outcome.failure and outcome.rule is not None:
                unnoticed.append((vector["name"], expected))
    assert unnoticed == []


@pytest.mark.parametrize(
    ("name", "content", "printed"),
    [
        ("snake_case.json", "nope", "FAILED snake_case.json: cannot be read as JSON: Expecting value"),
        ("snake_case.json", '{"Vectors": []}', 'an object with a list "vectors" is wanted'),
        ("snake_case.json", '{"vectors": [5]}', "FAILED vectors[0]: a vector is an object, not 5"),
        (
            "snake_case.json",
            '{"vectors": [{"Name": "a"}]}',
            "it has no name, kind, input, expected; there are Name",
        ),
        (
            "risk.json",
            '{"vectors": [{"name": "a", "kind": "snake", "input": 1, "expected": 1}]}',
            "FAILED a: risk.json has no kind 'snake'; there are analyze, level_string",
        ),
        (
            "below/Snake_Case.JSON",
            '{"vectors": [{"name": "a", "kind": "snake", "input": "A", "expected": "b"}]}',
            "Snake_Case.JSON: 0 passed, 0 differ on purpose, 0 have no counterpart, 1 failed",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    name: str, content: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And fails the run."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert printed in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Apart from one without vectors."""
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "there is no such folder" in capsys.readouterr().out


def test_a_folder_without_vectors_is_no_success(tmp_path: Path) -> None:
    """A path with a mistake in it does not pass."""
    assert main([str(tmp_path)]) == 1
