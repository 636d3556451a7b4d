"""`build`, `inspect` and `manifest`: a plugin's file, and what it says of itself."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reglet.cli.arguments import decode_document, local_path, manifest_of, read_file
from reglet.cli.command import (
    FILE,
    TARGET_HELP,
    Command,
    ExitStatus,
    UsageError,
    json_option,
    require_extra,
    target_argument,
)
from reglet.cli.console import (
    show_rows,
    write_file,
    write_line,
    write_message,
    write_table,
    write_warning,
)
from reglet.cli.grants import capability_lines
from reglet.domain.escaping import escaped

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest
    from reglet.infrastructure.build.build import BuildReport, Stage


@click.command(cls=Command)
@click.argument("target", default=".", metavar="[PATH]")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Where to write it (default: NAME.wasm).")
@click.option(
    "--target",
    "kind",
    type=click.Choice(["core", "component"]),
    default="core",
    help="What to make (default: core).",
)
@click.option("--python", type=FILE, metavar="PATH", help="Take dependencies from this interpreter.")
@click.option("--check", type=FILE, metavar="FILE", help="Build again and compare with FILE; write nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=300.0,
    help="Stop a build that takes longer (default: 300).",
)
def build(
    target: str, output: Path | None, kind: str, python: Path | None, check: Path | None, timeout: float
) -> int:
    """Make one .wasm file of a plugin.

    PATH is a project folder, a .py file or module:attribute (default: the working directory).
    """
    require_extra("build", "build")
    if check is not None:
        if output is not None or kind == "component":
            raise UsageError(
                "--check compares core modules and writes nothing: leave out --output and --target"
            )
        from reglet.infrastructure.build.build import check_build

        try:
            compared = check_build(target, check, python=python, progress=_show_stage, most_seconds=timeout)
        except OSError as error:
            raise UsageError(f"--check {check}: {error.strerror}") from error
        write_line(f"{check} is {'' if compared.equal else 'not '}what its source builds to")
        if compared.equal:
            write_line(f"sha256:{compared.digest}")
            return ExitStatus.SUCCESS
        write_line(f"the file    sha256:{compared.digest}")
        write_line(f"the source  sha256:{compared.built_digest}")
        return ExitStatus.FAILURE
    folder = Path() if output is None else output if output.is_dir() else output.parent
    if not folder.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {folder}; choose another place with -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to the folder {folder}: choose another place with -o")
    if kind == "component":
        require_extra("component", "build --target component")
        from reglet.infrastructure.build.build import build_component

        report = build_component(target, output, python=python, progress=_show_stage, most_seconds=timeout)
        _announce(report)
        return ExitStatus.SUCCESS
    from reglet.infrastructure.build.build import build_plugin

    report = build_plugin(target, output, python=python, progress=_show_stage, most_seconds=timeout)
    for warning in report.warnings:
        write_warning(warning)
    _announce(report)
    return ExitStatus.SUCCESS


def _show_stage(stage: Stage) -> None:
    """A line for each stage that has ended; the one under way is written over on a terminal."""
    if stage.seconds is not None:
        write_message(f"  {stage.name:<10}{stage.seconds * 1000:>7.0f} ms", dim=True)
    elif sys.stderr.isatty():
        click.secho(f"  {stage.name} …\r", dim=True, nl=False, err=True)


def _announce(report: BuildReport) -> None:
    total = sum(stage.seconds or 0 for stage in report.stages)
    write_message(f"{report.name} {report.version} in {total:.2f} s, {report.size / 1e6:.1f} MB")
    write_line(str(report.path))
    write_line(f"sha256:{report.digest}")


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@json_option
def inspect(file: str, as_json: bool) -> int:
    """Show what is in a .wasm file, without running it.

    FILE is a .wasm file, or the reference of a plugin in a registry.
    """
    from reglet.infrastructure.wasm.sections import PAGE_SIZE

    facts = facts_of(local_path(file))
    if as_json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return ExitStatus.SUCCESS
    memory = facts["memory_pages"] * PAGE_SIZE / 1e6
    rows = [
        ("sha256", facts["sha256"]),
        ("size", f"{facts['bytes'] / 1e6:.1f} MB, {facts['gzip_bytes'] / 1e6:.1f} MB gzip"),
        *((f"  {name}", f"{size:,} bytes") for name, size in facts["sections"].items()),
        ("memory", f"{facts['memory_pages']} pages, {memory:.1f} MB"),
        ("host functions", ", ".join(facts["host_functions"]) or "none"),
        ("exports", ", ".join(facts["exports"])),
    ]
    if (built := facts["built"]) is None:
        rows.append(("built by", "another SDK"))
    else:
        made = f"reglet {built['sdk']}, ABI {built['abi']}, runtime {built['runtime'][:16]}"
        rows += [("built by", made), ("modules", f"{len(built['modules'])}, shown with --json")]
    show_rows(rows)
    return ExitStatus.SUCCESS


def facts_of(path: Path) -> dict[str, Any]:
    """Return what is in the file.

    Raises:
        UsageError: it cannot be read, is no core module, or lacks what hosts call.
    """
    import gzip

    from reglet.infrastructure.wasm import ModuleFormatError
    from reglet.infrastructure.wasm.module import BUILD_SECTION, read_plugin
    from reglet.infrastructure.wasm.signatures import NEWER_EXPORTS, OLDER_EXPORTS
    from reglet.infrastructure.wasm.snapshot import HOST_MODULE

    if path.is_dir() or path.suffix == ".py":
        raise UsageError(
            f"{path} is a plugin's source, and inspect looks into its .wasm file: build it first with "
            f"`reglet-plugin build {path}`, or see `reglet-plugin manifest {path}`"
        )
    content = read_file(path, str(path))
    try:
        plugin = read_plugin(content)
    except ModuleFormatError as error:
        raise UsageError(f"{path} is no core WebAssembly module: {error}") from error
    exported = plugin.exported_functions
    called = OLDER_EXPORTS if exported >= OLDER_EXPORTS.keys() else NEWER_EXPORTS
    missing = [name for name in (*called, "allocate") if name not in exported]
    if missing:
        raise UsageError(f"{path} is no Reglet plugin: it does not export {', '.join(missing)}")
    built = None  # for a module of another SDK, whatever its section holds
    with suppress(UsageError):
        match decode_document(bytes(plugin.custom.get(BUILD_SECTION, b"")), "the build's section"):
            case {"sdk": str(), "abi": str(), "runtime": str(), "modules": list()} as ours:
                built = ours
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "gzip_bytes": len(gzip.compress(content, 6)),
        "sections": {section.name.lower(): size for section, size in plugin.section_sizes.items()},
        "memory_pages": plugin.memory.minimum if plugin.memory else 0,
        "host_functions": list(plugin.imported_functions(HOST_MODULE)),
        "exports": sorted(plugin.exported_functions),
        "built": built,
    }


@click.command(cls=Command, epilog=TARGET_HELP)
@target_argument
@json_option
@click.option(
    "--check", type=FILE, metavar="FILE", help="Compare it with a snapshot; status 1 if they differ."
)
@click.option("--write", type=FILE, metavar="FILE", help="Write the snapshot.")
def manifest(target: str, as_json: bool, check: Path | None, write: Path | None) -> int:
    """Show what a plugin says of itself."""
    if sum((as_json, check is not None, write is not None)) > 1:
        raise UsageError("--json, --check and --write exclude each other: give one")
    described = manifest_of(target)
    if check is not None:
        try:
            before = check.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--check {check}: {error}; write it with --write {check}") from error
        now = snapshot(described).splitlines()
        from difflib import unified_diff

        difference = list(unified_diff(before, now, str(check), "the plugin now", lineterm=""))
        for line in difference:
            write_line(line)
        return ExitStatus.FAILURE if difference else ExitStatus.SUCCESS
    if write is not None:
        write_file(write, snapshot(described).encode())
    elif as_json:
        sys.stdout.write(snapshot(described))
    else:
        _show(escaped(described))
    return ExitStatus.SUCCESS


def snapshot(described: Manifest) -> str:
    """Return the manifest as JSON that reads well in a diff."""
    from reglet.infrastructure.wire.exports import MANIFEST

    return json.dumps(json.loads(MANIFEST.encode(described)), indent=2, ensure_ascii=False) + "\n"


def _show(described: Manifest) -> None:
    write_line(f"{described.name} {described.version}", bold=True)
    if described.description:
        write_line(described.description)
    write_line()
    write_line("config", bold=True)
    _show_fields(described.config_schema or {})
    for service in described.services.values():
        for operation in service.operations:
            write_line()
            write_line(f"{service.name} {operation.name}", bold=True)
            if operation.description:
                write_line(f"  {operation.description}")
            if operation.input_fields:
                write_line(f"  reads {', '.join(operation.input_fields)}", "        ")
            if operation.output_schema:
                write_line("  answers")
                _show_fields(operation.output_schema)
            for example in operation.examples:
                about = f": {example.description}" if example.description else ""
                write_line(f"  example {example.name}{about}", "          ")
    write_line()
    write_line("capabilities", bold=True)
    for line in capability_lines(described.capabilities) or ["nothing"]:
        write_line(f"  {line}", "      ")


def _show_fields(schema: Mapping[str, Any]) -> None:
    """Write a row for each field, nested ones with their path."""
    from reglet.cli.reference import field_rows

    rows = [(row.path, row.type, "yes" if row.required else "", row.meaning) for row in field_rows(schema)]
    if not rows:
        write_line("  no fields")
    elif not write_table(["field", "type", "required", "meaning"], rows, "  "):
        for name, kind, required, meaning in rows:
            write_line(f"  {name}: {kind}{', required' if required else ''}", "    ")
            if meaning:
                write_line(f"    {meaning}", "    ")
