"""Every example is a project that holds: its tests in both places, its manifest, its lint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reglet.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))


def run_tests(project: str, place: str) -> None:
    """Run a project's tests in a process of their own, as its author does, and show what failed."""
    command = [sys.executable, "-m", "pytest", f"--reglet-place={place}", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=EXAMPLES / project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_the_seven_plugins_are_there() -> None:
    """An example that is not found would not be tested."""
    assert PROJECTS == ["aws", "command", "dns", "file", "http", "smtp", "tcp"]


@pytest.mark.parametrize("place", ["fakes", "sandbox"])
@pytest.mark.parametrize("project", PROJECTS)
def test_its_tests_pass(project: str, place: str) -> None:
    """In process with fakes, and inside the built `.wasm`."""
    run_tests(project, place)


@pytest.mark.parametrize("project", PROJECTS)
def test_its_manifest_is_the_one_kept(project: str) -> None:
    """A change that hosts will see is seen here first."""
    folder = EXAMPLES / project
    assert main(["manifest", str(folder), "--check", str(folder / "manifest.json")]) == 0


@pytest.mark.parametrize("project", PROJECTS)
def test_no_host_stumbles_over_it(project: str) -> None:
    """Not even a warning."""
    assert main(["lint", str(EXAMPLES / project)]) == 0
