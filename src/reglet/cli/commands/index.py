"""`index [FOLDER]`: the `index.json` of a folder of plugins."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError
from reglet.cli.console import write_file
from reglet.cli.targets import is_module, manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.infrastructure.registry.artifact import Metadata


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        nargs="?",
        default=Path(),
        help="a folder of plugin projects, .wasm files and OCI layouts (default: .)",
    )
    parser.add_argument(
        "--registry",
        required=True,
        metavar="REGISTRY/ORG/REPO",
        help="what precedes a plugin's name in its reference",
    )
    parser.add_argument("--repository", metavar="URL", help="the source (default: what git calls origin)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write it (default: stdout)"
    )


def _run(options: argparse.Namespace) -> int:
    from reglet.domain.time import format_time
    from reglet.infrastructure.registry.artifact import created, encode_index, source_url

    plugins = list(_plugins(options.folder))
    if not plugins:
        raise UsageError(
            f"{options.folder} has no plugin: name a folder of projects, .wasm files or OCI layouts"
        )
    now = format_time(datetime.now(UTC).replace(microsecond=0))
    content = encode_index(
        plugins,
        repository=options.repository or source_url(options.folder),
        registry=options.registry,
        updated=created(options.folder) or now,
    )
    if options.output is None:
        sys.stdout.write(content.decode())
    else:
        write_file(options.output, content)
    return ExitStatus.SUCCESS


def _plugins(folder: Path) -> Iterator[Metadata]:
    from reglet.infrastructure.build.project import is_plugin_project
    from reglet.infrastructure.registry.artifact import Metadata, is_layout, read_layout

    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    for entry in entries:
        if is_layout(entry):
            yield read_layout(entry).metadata
        elif (is_module(str(entry)) and entry.is_file()) or is_plugin_project(entry):
            yield Metadata.of(manifest_of(str(entry)))


COMMAND = Command("index", "list a folder's plugins for hosts", _configure, _run)
