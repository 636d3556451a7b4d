"""`audit [PATH]`: what a project's examples and tests touch, beside what it declares."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from reglet.cli.command import Command, ExitStatus, require_extra
from reglet.cli.targets import require_project


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="the project (default: .)"
    )
    parser.add_argument(
        "--place",
        choices=["fakes", "sandbox"],
        default="fakes",
        help="where the tests are watched: in process, or in the sandbox, where files are seen and variables "
        "are not (default: fakes)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _run(options: argparse.Namespace) -> int:
    require_extra("test", "audit")
    require_project(options.path)
    from reglet.infrastructure.build.project import load_plugin_in_process
    from reglet.testing.audit import audit_project

    report = audit_project(load_plugin_in_process(options.path), options.path, options.place)
    if options.json:
        sys.stdout.write(json.dumps(report.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(
            "".join(f"{line}\n" for line in _lines(report.missing, report.unused, report.diff()))
        )
        if not report.sees_variables:
            sys.stdout.write("which variables are read cannot be seen in the sandbox: those declared stay\n")
        sys.stdout.write(f"the least that covers them:\n\n{report.literal}\n")
    return ExitStatus.SUCCESS if report.is_clean else ExitStatus.FAILURE


def _lines(missing: tuple[str, ...], unused: tuple[str, ...], difference: list[str]) -> list[str]:
    if not missing and not unused:
        return ["what the examples and tests touch is what the plugin declares"]
    return [
        *(f"touched and not declared: {text}" for text in missing),
        *(f"declared and not touched: {text}" for text in unused),
        "",
        *difference,
        "",
    ]


COMMAND = Command("audit", "compare what a plugin touches with what it declares", _configure, _run)
