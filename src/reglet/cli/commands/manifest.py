"""`manifest TARGET`: what a plugin says of itself, for a person, as JSON, or against a snapshot."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.console import write_file
from reglet.cli.targets import add_target_argument, manifest_of

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest


def _configure(parser: argparse.ArgumentParser) -> None:
    add_target_argument(parser, default=".")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument(
        "--check", type=Path, metavar="FILE", help="compare it with a snapshot; status 1 if they differ"
    )
    how.add_argument("--write", type=Path, metavar="FILE", help="write the snapshot")


def _run(options: argparse.Namespace) -> int:
    manifest = manifest_of(options.target)
    if options.check is not None:
        return _compare(options.check, snapshot(manifest))
    if options.write is not None:
        write_file(options.write, snapshot(manifest).encode())
    elif options.json:
        sys.stdout.write(snapshot(manifest))
    else:
        _show(manifest)
    return ExitStatus.SUCCESS


def snapshot(manifest: Manifest) -> str:
    """Return the manifest as JSON that reads well in a diff."""
    from reglet.infrastructure.wire.manifest import MANIFEST

    return json.dumps(json.loads(MANIFEST.encode(manifest)), indent=2, ensure_ascii=False) + "\n"


def _compare(path: Path, now: str) -> int:
    try:
        before = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--check {path}: {error}; write it with --write {path}") from error
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), now.splitlines(keepends=True), str(path), "the plugin now"
    )
    difference = "".join(lines)
    sys.stdout.write(difference)
    return ExitStatus.FAILURE if difference else ExitStatus.SUCCESS


def _show(manifest: Manifest) -> None:
    require_extra("build", "manifest")
    from rich.markdown import Markdown

    from reglet.application.reference import reference_page
    from reglet.cli.console import output
    from reglet.cli.grants_argument import capability_lines

    declared = capability_lines(manifest.capabilities) or ["nothing"]
    page = reference_page(manifest) + "\n## Capabilities\n\n" + "".join(f"- {line}\n" for line in declared)
    output().print(Markdown(page))


COMMAND = Command("manifest", "show what a plugin says of itself", _configure, _run)
