"""`test`, `audit`, `lint` and `verify`: tests, use of capabilities, the manifest, what every host asks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from reglet.application.lint import lint_manifest
from reglet.cli.arguments import is_module, load_module, manifest_of, require_project
from reglet.cli.command import (
    TARGET_HELP,
    Command,
    ExitStatus,
    UsageError,
    json_option,
    project_argument,
    require_extra,
    target_argument,
)
from reglet.cli.console import plugin_output, write_line, write_message
from reglet.cli.reports import Entry, Format, entries_of_junit, format_options, write_report

_PASSED, _FAILED, _NO_TESTS = 0, 1, 5
"""Exit statuses of pytest."""


@click.command(cls=Command, passes_on=True, options_metavar="[OPTIONS]")
@project_argument
@click.option(
    "--place",
    type=click.Choice(["fakes", "native", "sandbox", "go"]),
    default="fakes",
    help="Where the plugin runs: in process with fakes or on the real network, inside the built .wasm in the "
    "sandbox, or on a Go host (default: fakes).",
)
@click.option(
    "--reuse",
    is_flag=True,
    help="Run each check again in an instance that has run it before, as some hosts do, and fail where it "
    "answers otherwise.",
)
@format_options
def test(path: Path, place: str, reuse: bool, output_format: Format, passed_on: tuple[str, ...]) -> int:
    """Run a project's tests and examples.

    What stands behind -- goes to pytest: reglet-plugin test . -- -k name
    """
    require_extra("test", "test")
    require_project(path)
    selection = " ".join(passed_on)
    passed_on = ("--reglet-reuse", *passed_on) if reuse else passed_on
    if output_format == "table":
        status = run_tests(path, place, passed_on)
    else:
        with tempfile.TemporaryDirectory() as folder:  # pytest's own output goes to stderr
            report = Path(folder) / "junit.xml"
            wanted = (f"--junitxml={report}", "-o", "junit_family=xunit1", *passed_on)
            status = run_tests(path, place, wanted, stdout=sys.stderr.fileno())
            if not report.is_file():
                raise UsageError(
                    f"pytest ended with status {status} and reported nothing; what it says stands above"
                )
            entries = entries_of_junit(report.read_bytes())
        write_report(output_format, "test", [asdict(entry) for entry in entries], entries)
    if status == _NO_TESTS and selection:
        raise UsageError(f"no test and no example of {path} is left by {selection}")
    if status == _NO_TESTS:
        raise UsageError(f"{path} has no tests and no examples: add an Example to an operation")
    return ExitStatus.SUCCESS if status == _PASSED else ExitStatus.FAILURE


def run_tests(project: Path, runner: str, arguments: tuple[str, ...], **options: Any) -> int:
    """Run pytest in a project and return its exit status."""
    command = [sys.executable, "-m", "pytest", f"--reglet-place={runner}", *arguments]
    return subprocess.run(command, cwd=project, check=False, **options).returncode  # noqa: S603 - our own interpreter


@click.command(cls=Command)
@project_argument
@click.option(
    "--place",
    type=click.Choice(["fakes", "sandbox"]),
    default="fakes",
    help="Where the tests are watched: in process, or in the sandbox, where files are seen and variables are "
    "not (default: fakes).",
)
@format_options
def audit(path: Path, place: Any, output_format: Format) -> int:
    """Compare what a plugin touches with what it declares."""
    require_extra("test", "audit")
    require_project(path)
    from reglet.infrastructure.build.project import load_plugin_in_process
    from reglet.testing.audit import AuditError, audit_project

    try:
        report = audit_project(load_plugin_in_process(path), path, place)
    except AuditError as error:
        reason, *output = str(error).splitlines()
        for line in output:
            write_message(f"  {line}", "    ")
        raise UsageError(reason.removesuffix(":")) from error
    if output_format == "table":
        if report.is_clean:
            write_line("what the examples and tests touch is what the plugin declares")
        else:
            for what in report.missing:
                write_line(f"touched and not declared: {what}")
            for what in report.unused:
                write_line(f"declared and not touched: {what}")
            for line in ("", *report.diff(), ""):
                write_line(line)
        if not report.sees_variables:
            write_line("which variables are read cannot be seen in the sandbox: those declared stay")
        write_line("the least that covers them:")
        for line in ("", *report.literal.splitlines()):
            write_line(line)
    else:
        entries = [
            *(
                Entry(what, "failure", f"touched and not declared: {what}", "undeclared")
                for what in report.missing
            ),
            *(
                Entry(what, "failure", f"declared and not touched: {what}", "unused", "warning")
                for what in report.unused
            ),
        ]
        write_report(output_format, "audit", report.to_json(), entries)
    return ExitStatus.SUCCESS if report.is_clean else ExitStatus.FAILURE


@click.command(cls=Command, epilog=TARGET_HELP)
@target_argument
@click.option("--strict", is_flag=True, help="Let warnings count as errors do.")
@format_options
def lint(target: str, strict: bool, output_format: Format) -> int:
    """Find what hosts and users will stumble over.

    A target in process is read as source too. The status is 1 for errors; warnings alone leave it at 0.
    """
    if is_module(target):
        findings = lint_manifest(manifest_of(target))
    else:
        from reglet.testing.lint import lint_project

        with plugin_output():
            findings = lint_project(target)
    if output_format == "table":
        for finding in findings:
            write_line(str(finding))
    else:
        entries = [
            Entry(each.where, "failure", each.message, each.code, each.severity, each.file, each.line)
            for each in findings
        ]
        write_report(output_format, "lint", [each.to_json() for each in findings], entries)
    is_wrong = any(strict or each.severity == "error" for each in findings)
    return ExitStatus.FAILURE if is_wrong else ExitStatus.SUCCESS


_CHECKS, _CONFIGS = 10_000, 1_000


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@click.option("--checks", type=int, metavar="N", default=_CHECKS, help=f"Checks of one instance ({_CHECKS}).")
@click.option("--configs", type=int, metavar="N", default=_CONFIGS, help=f"Random configs ({_CONFIGS}).")
@json_option
def verify(file: str, checks: int, configs: int, as_json: bool) -> int:
    """Ask a built plugin what every host asks.

    FILE is a .wasm file, or the reference of a plugin in a registry; it may be written in any language.
    """
    require_extra("test", "verify")
    content = load_module(file).content
    from reglet.testing import conformance

    report = conformance.verify(content, checks=checks, configs=configs, progress=write_message)
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
        return ExitStatus.FAILURE if report.failing else ExitStatus.SUCCESS
    width = max(len(row.subject) for row in report.rows)
    write_line("  ".join(("".ljust(width), *conformance.Host)).rstrip())
    for row in report.rows:
        cells = (row.outcome(host).ljust(len(host)) for host in conformance.Host)
        write_line("  ".join((row.subject.ljust(width), *cells)).rstrip())
    for row in report.rows:
        for remark in row.remarks:
            write_line(f"{row.subject}: {remark.outcome} ({', '.join(remark.hosts)}): {remark.message}")
    figures = report.figures
    if figures.further_seconds:
        first, further = figures.first_seconds * 1e3, figures.further_seconds * 1e3
        memory = [f"{size / 1e6:.1f} MB" for size in (figures.first_memory, figures.last_memory)]
        write_line(f"first answer {first:.0f} ms, a check of a kept instance {further:.2f} ms")
        write_line(f"memory of that instance {memory[0]}, after {checks} checks {memory[1]}")
    return ExitStatus.FAILURE if report.failing else ExitStatus.SUCCESS
