"""`lint TARGET`: what hosts will stumble over."""

from __future__ import annotations

import argparse
import json
import sys

from attrs import asdict

from reglet.application.lint import lint_manifest
from reglet.cli.command import Command, ExitStatus
from reglet.cli.targets import add_target_argument, manifest_of


def _configure(parser: argparse.ArgumentParser) -> None:
    add_target_argument(parser, default=".")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _run(options: argparse.Namespace) -> int:
    findings = lint_manifest(manifest_of(options.target))
    if options.json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{finding}\n" for finding in findings))
    return ExitStatus.FAILURE if findings else ExitStatus.SUCCESS


COMMAND = Command("lint", "find what hosts will stumble over", _configure, _run)
