"""The workflows say what the project says elsewhere, and run nothing that can change under its name."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reglet import __version__

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"\S+/\S+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")


def steps_of(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.stem)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    """A tag can be moved; the comment names the version, which dependabot keeps up."""
    used = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert used
    assert [each for each in used if not PINNED.fullmatch(each)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.stem)
def test_a_workflow_may_do_nothing_that_a_job_does_not_ask_for(workflow: Path) -> None:
    """By default it reads at most; nothing is written but where a job says so, and no login is left behind."""
    facts = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert facts["permissions"] in ({}, {"contents": "read"})
    checkouts = [each["with"] for each in steps_of(workflow) if "actions/checkout" in each.get("uses", "")]
    assert all(each["persist-credentials"] is False for each in checkouts)
    for name, job in facts["jobs"].items():
        writes = {scope for scope, right in (job.get("permissions") or {}).items() if right == "write"}
        runs_code = any("run" in each for each in job["steps"])
        assert not writes or not runs_code or writes == {"contents"}, name
        assert job["timeout-minutes"] <= 60, name


def test_the_tests_run_on_every_python_that_is_promised() -> None:
    """And on Linux, macOS and Windows; the lowest of them is what the package requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [each.rpartition(" ")[2] for each in project["classifiers"] if "Python :: 3." in each]
    facts = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    matrix = facts["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == promised
    assert project["requires-python"] == f">={promised[0]}"
    assert {each.partition("-")[0] for each in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_the_changes_begin_with_those_of_the_version() -> None:
    """Whose heading has the date of its release, once it has one: a release's first step asks for it."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = next(line for line in changes.splitlines() if line.startswith("## "))
    assert re.fullmatch(rf"## {re.escape(__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)", heading)


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
def test_the_workflows_are_valid() -> None:
    """As actionlint sees them, with shellcheck where it is installed."""
    done = subprocess.run(["actionlint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
