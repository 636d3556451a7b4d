"""`verify FILE`: how a plugin in any language fares on each host."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, require_extra
from reglet.cli.targets import module_path

if TYPE_CHECKING:
    from reglet.testing.conformance import Report

_CHECKS, _CONFIGS = 10_000, 1_000


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .wasm file, or a plugin in a registry")
    parser.add_argument(
        "--checks",
        type=int,
        metavar="N",
        default=_CHECKS,
        help=f"checks of one instance (default: {_CHECKS})",
    )
    parser.add_argument(
        "--configs", type=int, metavar="N", default=_CONFIGS, help=f"random configs (default: {_CONFIGS})"
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def _run(options: argparse.Namespace) -> int:
    require_extra("build", "verify")
    require_extra("test", "verify")
    from reglet.testing.conformance import verify

    content = module_path(options.file).read_bytes()

    def progress(subject: str) -> None:
        sys.stderr.write(f"{subject}\n")

    report = verify(content, checks=options.checks, configs=options.configs, progress=progress)
    if options.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(report)))
    return ExitStatus.FAILURE if report.failing else ExitStatus.SUCCESS


def _lines(report: Report) -> Iterator[str]:
    """Yield the table, what is behind each of its warnings and failures, and how long a check took."""
    from reglet.testing.conformance import Host

    width = max(len(row.subject) for row in report.rows)
    yield "  ".join(("".ljust(width), *Host)).rstrip()
    for row in report.rows:
        cells = (row.outcome(host).ljust(len(host)) for host in Host)
        yield "  ".join((row.subject.ljust(width), *cells)).rstrip()
    for row in report.rows:
        for remark in row.remarks:
            message = "".join(sign if sign.isprintable() else " " for sign in remark.message)
            yield f"{row.subject}: {remark.outcome} ({', '.join(remark.hosts)}): {message}"
    if report.further_seconds:
        first, further = report.first_seconds * 1e3, report.further_seconds * 1e3
        yield f"first answer {first:.0f} ms, a check of a kept instance {further:.2f} ms"


COMMAND = Command("verify", "ask a built plugin what every host asks", _configure, _run)
