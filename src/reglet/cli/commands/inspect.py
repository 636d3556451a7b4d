"""`inspect FILE`: what is in a `.wasm` file, without running it."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.targets import local_path

if TYPE_CHECKING:
    from reglet.infrastructure.wasm.inspect import PluginModule

_NEEDED = ("_manifest", "_observe", "allocate")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="a .wasm file, or the reference of a plugin in a registry"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _run(options: argparse.Namespace) -> int:
    facts = facts_of(local_path(options.file))
    if options.json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        _show(facts)
    return ExitStatus.SUCCESS


def facts_of(path: Path) -> dict[str, Any]:
    """Return what is in the file.

    Raises:
        UsageError: it cannot be read, is no core module, or lacks what hosts call.
    """
    from reglet.infrastructure.wasm.binary import ModuleFormatError
    from reglet.infrastructure.wasm.inspect import read_plugin
    from reglet.infrastructure.wasm.snapshot import HOST_MODULE

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    try:
        plugin = read_plugin(content)
    except ModuleFormatError as error:
        raise UsageError(f"{path} is no core WebAssembly module: {error}") from error
    missing = [name for name in _NEEDED if name not in plugin.exported_functions]
    if missing:
        raise UsageError(f"{path} is no Reglet plugin: it does not export {', '.join(missing)}")
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "gzip_bytes": len(gzip.compress(content, 6)),
        "sections": {section.name.lower(): size for section, size in plugin.section_sizes.items()},
        "memory_pages": plugin.memory.minimum if plugin.memory else 0,
        "host_functions": list(plugin.imported_functions(HOST_MODULE)),
        "exports": sorted(plugin.exported_functions),
        "built": _built(plugin),
    }


def _built(plugin: PluginModule) -> dict[str, Any] | None:
    """Return what our build wrote of itself; None for a module of another SDK, whatever its section holds."""
    from reglet.infrastructure.wasm.inspect import BUILD_SECTION

    try:
        built = json.loads(bytes(plugin.custom.get(BUILD_SECTION, b"")))
    except (ValueError, RecursionError):
        return None
    texts = isinstance(built, dict) and all(
        isinstance(built.get(key), str) for key in ("sdk", "abi", "runtime")
    )
    return built if texts and isinstance(built.get("modules"), list) else None


def _show(facts: dict[str, Any]) -> None:
    require_extra("build", "inspect")
    from reglet.cli.console import show_rows

    show_rows(list(_rows(facts)))


def _rows(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from reglet.infrastructure.wasm.entries import PAGE_SIZE

    yield "sha256", facts["sha256"]
    yield "size", f"{facts['bytes'] / 1e6:.1f} MB, {facts['gzip_bytes'] / 1e6:.1f} MB gzip"
    for name, size in facts["sections"].items():
        yield f"  {name}", f"{size:,} bytes"
    yield "memory", f"{facts['memory_pages']} pages, {facts['memory_pages'] * PAGE_SIZE / 1e6:.1f} MB"
    yield "host functions", ", ".join(facts["host_functions"]) or "none"
    yield "exports", ", ".join(facts["exports"])
    built = facts["built"]
    if built is None:
        yield "built by", "another SDK"
    else:
        yield "built by", f"reglet {built['sdk']}, ABI {built['abi']}, runtime {built['runtime'][:16]}"
        yield "modules", f"{len(built['modules'])}, shown with --json"


COMMAND = Command("inspect", "show what is in a .wasm file", _configure, _run)
