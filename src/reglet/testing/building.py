"""A project's `.wasm`, built once a run and only if its sources changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import reglet
from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.build.build import build_plugin
from reglet.infrastructure.build.project import PROJECT_FILE


def built_module(folder: Path, cache: Path | None) -> Path:
    """Return the built module of a project.

    It is kept in `cache` with the digests of the files that it was made of, and built again when one of
    them, the project file or the SDK is not the same. Raises what the build raises.
    """
    home = cache or Path(tempfile.mkdtemp(prefix="reglet-built-"))
    name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    module, stamp = home / f"{name}.wasm", home / f"{name}.json"
    if module.is_file() and _is_fresh(stamp):
        return module
    report = build_plugin(folder, module)
    made_of = [*report.sources, folder / PROJECT_FILE]
    write_atomic(stamp, json.dumps({"sdk": _sdk_digest(), "sources": _digests(made_of)}).encode())
    return module


def _is_fresh(stamp: Path) -> bool:
    try:
        written: dict[str, Any] = json.loads(stamp.read_text("utf-8"))
        return bool(
            written["sdk"] == _sdk_digest()
            and written["sources"] == _digests([Path(path) for path in written["sources"]])
        )
    except (OSError, ValueError, KeyError):
        return False


def _digests(paths: list[Path]) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _sdk_digest() -> str:
    """Return a digest of the SDK's own source and runtime, which are in every module."""
    root = Path(reglet.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        status = path.stat()
        digest.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
