"""`build [PATH]`: one `.wasm` file of a plugin."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.console import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reglet.infrastructure.build.build import BuildReport, CheckReport, Stage


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="PATH",
        nargs="?",
        default=".",
        help="a project folder, a .py file or module:attribute (default: .)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write it (default: NAME.wasm)"
    )
    parser.add_argument(
        "--target",
        dest="kind",
        choices=["core", "component"],
        default="core",
        help="what to make (default: core)",
    )
    parser.add_argument("--python", type=Path, metavar="PATH", help="take dependencies from this interpreter")
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="build again and compare with FILE; write nothing"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        default=300.0,
        help="stop a build that takes longer (default: 300)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def _run(options: argparse.Namespace) -> int:
    require_extra("build", "build")
    if options.check is not None:
        return _check(options)
    if options.kind == "component":
        return _component(options)
    from reglet.infrastructure.build.build import build_plugin

    report = build_plugin(
        options.target,
        options.output,
        python=options.python,
        progress=_show_stage,
        most_seconds=options.timeout,
    )
    _warn(report.warnings)
    _announce(report)
    return ExitStatus.SUCCESS


def _check(options: argparse.Namespace) -> int:
    if options.output is not None or options.kind == "component":
        raise UsageError("--check compares core modules and writes nothing: leave out --output and --target")
    from reglet.infrastructure.build.build import check_build

    try:
        report = check_build(
            options.target,
            options.check,
            python=options.python,
            progress=_show_stage,
            most_seconds=options.timeout,
        )
    except OSError as error:
        raise UsageError(f"--check {options.check}: {error.strerror}") from error
    return _compared(options.check, report)


def _compared(path: Path, report: CheckReport) -> int:
    if report.equal:
        sys.stdout.write(f"{path} is what its source builds to\nsha256:{report.digest}\n")
        return ExitStatus.SUCCESS
    sys.stdout.write(f"{path} is not what its source builds to\n")
    sys.stdout.write(f"the file    sha256:{report.digest}\nthe source  sha256:{report.built_digest}\n")
    return ExitStatus.FAILURE


def _component(options: argparse.Namespace) -> int:
    require_extra("component", "build --target component")
    from reglet.infrastructure.build.component import build_component

    report = build_component(
        options.target,
        options.output,
        python=options.python,
        progress=_show_stage,
        most_seconds=options.timeout,
    )
    _announce(report)
    return ExitStatus.SUCCESS


def _show_stage(stage: Stage) -> None:
    """A line for each stage that has ended; the one under way is written over on a terminal."""
    console = messages()
    if stage.seconds is None:
        if console.is_terminal:
            console.print(f"  {stage.name} …", style="dim", end="\r")
    else:
        console.print(f"  {stage.name:<10}{stage.seconds * 1000:>7.0f} ms", style="dim")


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        messages().print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)


def _announce(report: BuildReport) -> None:
    total = sum(stage.seconds or 0 for stage in report.stages)
    text = f"{report.name} {report.version} in {total:.2f} s, {report.size / 1e6:.1f} MB"
    messages().print(text, soft_wrap=True)
    sys.stdout.write(f"{report.path}\nsha256:{report.digest}\n")


COMMAND = Command("build", "make one .wasm file of a plugin", _configure, _run)
