"""`--format`: what `run`, `test`, `lint` and `audit` print for programs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from reglet.cli import main
from reglet.cli.reports import Entry, entries_of_junit, write_report
from tests.documents.console import ROOT

ENTRIES = [
    Entry("a.json", "success", "ok", "check", seconds=0.5),
    Entry("b.json", "failure", "no \x1b[31m<page>\nthere", "check", "warning", "src/p.py", 7),
    Entry("c.json", "error", "denied", "check"),
    Entry("d.json", "skipped", "not today", "check"),
]


def test_junit_has_a_case_for_each_entry(capsys: pytest.CaptureFixture[str]):
    """With its time, its outcome and its place; what XML cannot hold is escaped."""
    write_report("junit", "run", {}, ENTRIES)
    suite = ET.fromstring(capsys.readouterr().out)[0]
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "reglet-plugin run",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["error"], ["skipped"]]
    assert suite[1][0].get("message") == r"no \x1b[31m<page>\nthere"
    assert (suite[1].get("file"), suite[1].get("line"), suite[0].get("time")) == ("src/p.py", "7", "0.500")


def test_sarif_has_a_result_for_each_thing_found(capsys: pytest.CaptureFixture[str]):
    """With its rule, level and location; what succeeded is no result."""
    write_report("sarif", "run", {}, ENTRIES)
    report = json.loads(capsys.readouterr().out)
    assert report["version"] == "2.1.0"
    (run,) = report["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["check"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("check", "warning"),
        ("check", "error"),
    ]
    location = run["results"][0]["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "src/p.py"},
        "region": {"startLine": 7},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "b.json"}]


def test_a_report_of_junit_reads_what_it_writes(capsys: pytest.CaptureFixture[str]):
    """What pytest writes has the same form."""
    write_report("junit", "test", {}, ENTRIES)
    read = entries_of_junit(capsys.readouterr().out.encode())
    assert [entry.outcome for entry in read] == [entry.outcome for entry in ENTRIES]


FAULTY = """
import reglet

plugin = reglet.define_plugin(name="faulty", version="1.0.0", description="d")
"""


@pytest.fixture(name="faulty")
def _faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY)
    return str(path)


def test_lint_reports_its_findings_in_every_format(faulty: str, capsys: pytest.CaptureFixture[str]):
    """The status is that of the table."""
    printed = {}
    for name in ("json", "yaml", "junit", "sarif", "github"):
        assert main(["lint", faulty, "--format", name]) == 1
        printed[name] = capsys.readouterr().out
    assert main(["lint", faulty, "--json"]) == 1
    assert capsys.readouterr().out == printed["json"]
    assert json.loads(printed["json"]) == yaml.safe_load(printed["yaml"])
    assert ET.fromstring(printed["junit"])[0].get("failures") == "1"
    assert json.loads(printed["sarif"])["runs"][0]["results"][0]["ruleId"] == "R002"
    assert printed["github"].startswith(f"::error file={faulty},line=4,title=R002 services::")


def test_warnings_count_where_they_are_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Errors make the status 1, warnings do so with `--strict`; both are shown."""
    path = tmp_path / "undescribed.py"
    service = """

@plugin.service("s")
class Service:
    @reglet.operation()
    def check(self) -> reglet.Result:
        return reglet.result_success("ok")
"""
    path.write_text(FAULTY.replace("faulty", "undescribed") + service)
    assert main(["lint", str(path)]) == 0
    assert capsys.readouterr().out.startswith("R201 warning services.s.check: ")
    assert main(["lint", str(path), "--strict"]) == 1


def test_github_gets_a_command_for_each_thing_found(capsys: pytest.CaptureFixture[str]):
    """With file and line where they are known; what would end a property or the line is escaped."""
    entries = [*ENTRIES, Entry("d: 5 %, x", "failure", "100 %", "R001")]
    write_report("github", "lint", {}, entries)
    assert capsys.readouterr().out.splitlines() == [
        r"::warning file=src/p.py,line=7,title=check b.json::no \x1b[31m<page>\nthere",
        "::error title=check c.json::denied",
        "::error title=R001 d%3A 5 %25%2C x::100 %25",
    ]


def test_test_reports_each_test(capfd: pytest.CaptureFixture[str]):
    """Stdout has the report alone; what pytest prints goes to stderr."""
    arguments = ["test", str(ROOT / "examples" / "file"), "--format", "sarif", "--", "-p", "no:cacheprovider"]
    assert main(arguments) == 0
    streams = capfd.readouterr()
    assert json.loads(streams.out)["runs"][0]["results"] == []
    assert " passed" in streams.err


def test_several_checks_have_a_table_and_one_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The worst status counts; JSON has the Result of each beside its config's name."""
    here = {"path": str(ROOT / "pyproject.toml")}
    (tmp_path / "a.json").write_text(json.dumps(here))
    (tmp_path / "b.yaml").write_text("path: 3")
    target = str(ROOT / "examples" / "file")
    assert main(["run", target, "--grants", "declared", "--config", f"@{tmp_path}"]) == 2
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["status", "config", "message", "time"]
    assert shown[1].startswith("✔ success")
    assert shown[-1].startswith("2 checks: 1 success, 1 error")
    arguments = [
        "run",
        target,
        "--grants",
        "declared",
        "--config",
        f"@{tmp_path}",
        "--config",
        json.dumps(here),
    ]
    assert main([*arguments, "--json"]) == 2
    results = json.loads(capsys.readouterr().out)
    assert [each["config"] for each in results] == ["a.json", "b.yaml", json.dumps(here)]
    assert results[0]["result"]["status"] == "success"
    assert main([*arguments, "--format", "junit"]) == 2
    assert ET.fromstring(capsys.readouterr().out)[0].get("tests") == "3"


def test_a_single_check_has_one_result_in_yaml(capsys: pytest.CaptureFixture[str]):
    """The same that JSON has."""
    config = json.dumps({"path": str(ROOT / "pyproject.toml")})
    arguments = ["run", str(ROOT / "examples" / "file"), "--grants", "declared", "--config", config]
    assert main([*arguments, "--format", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["status"] == "success"
