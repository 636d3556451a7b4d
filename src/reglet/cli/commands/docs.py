"""`docs TARGET`: the plugin's reference page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reglet.application.reference import reference_page
from reglet.cli.command import Command, ExitStatus
from reglet.cli.console import write_file
from reglet.cli.targets import add_target_argument, manifest_of


def _configure(parser: argparse.ArgumentParser) -> None:
    add_target_argument(parser, default=".")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it there instead of printing it"
    )


def _run(options: argparse.Namespace) -> int:
    page = reference_page(manifest_of(options.target))
    if options.output is None:
        sys.stdout.write(page)
    else:
        write_file(options.output, page.encode())
    return ExitStatus.SUCCESS


COMMAND = Command("docs", "write the plugin's reference page in Markdown", _configure, _run)
