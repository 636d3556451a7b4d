"""`pull REFERENCE`: a plugin's file from an OCI registry, its digest checked and, on request, locked."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.console import write_file


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REFERENCE", help="registry/org/repo/name:tag, or …@sha256:…")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write the module (default: NAME.wasm)"
    )
    parser.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="a reglet.lock that gets the plugin's entry; status 1 if the reference meant other bytes before",
    )
    parser.add_argument("--update", action="store_true", help="with --lock: let the entry mean the new bytes")


def _run(options: argparse.Namespace) -> int:
    require_extra("registry", "pull")
    if options.update and options.lock is None:
        raise UsageError("--update changes an entry of a lock file: name it with --lock reglet.lock")
    from reglet.infrastructure.registry.artifact import digest_of
    from reglet.infrastructure.registry.reference import parse_reference
    from reglet.infrastructure.registry.store import LockedPlugin, Lockfile, MovedTagError, pull_artifact

    reference = parse_reference(options.reference)
    lock_path: Path | None = options.lock
    lock = Lockfile.load(lock_path) if lock_path else None
    artifact = pull_artifact(reference)
    metadata = artifact.metadata
    locked = LockedPlugin.of(artifact, reference)
    try:
        if lock is not None and not options.update:
            lock.check(metadata.name, locked)
    except MovedTagError as moved:
        sys.stdout.write(f"{moved}; --update takes it\n")
        return ExitStatus.FAILURE
    path = _output(options.output, f"{reference.name}.wasm")
    write_file(path, artifact.module)
    if lock_path and lock and not lock.has(metadata.name, locked):
        write_file(lock_path, lock.with_plugin(metadata.name, locked).encode())
    sys.stderr.write(f"{metadata.name} {metadata.version} {metadata.description}\n{artifact.digest}\n")
    sys.stdout.write(f"{path}\n{digest_of(artifact.module)}\n")
    return ExitStatus.SUCCESS


def _output(chosen: Path | None, name: str) -> Path:
    if chosen is None:
        return Path(name)
    return chosen / name if chosen.is_dir() else chosen


COMMAND = Command("pull", "fetch a plugin from a registry", _configure, _run)
