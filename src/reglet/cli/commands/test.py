"""`test [PATH]`: a project's tests and examples, in any of the runners."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.targets import require_project

_NO_TESTS = 5


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="the project (default: .)"
    )
    parser.add_argument(
        "--place",
        choices=["fakes", "native", "sandbox", "go"],
        default="fakes",
        help="where the plugin runs: in process with fakes or on the real network, inside the built .wasm "
        "in the sandbox, or on a Go host (default: fakes)",
    )
    parser.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="passed on to pytest")


def _run(options: argparse.Namespace) -> int:
    require_extra("test", "test")
    require_project(options.path)
    status = run_tests(options.path, options.place, [*options.arguments, *options.passed_on])
    if status == _NO_TESTS:
        raise UsageError(f"{options.path} has no tests and no examples: add an Example to an operation")
    return ExitStatus.SUCCESS if status == 0 else ExitStatus.FAILURE


def run_tests(project: Path, runner: str, arguments: list[str]) -> int:
    """Run pytest in a project and return its exit status."""
    import subprocess

    command = [sys.executable, "-m", "pytest", f"--reglet-place={runner}", *arguments]
    return subprocess.run(command, cwd=project, check=False).returncode  # noqa: S603 - our own interpreter


COMMAND = Command("test", "run a project's tests and examples", _configure, _run, passes_on=True)
