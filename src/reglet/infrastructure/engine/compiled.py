"""Modules compiled once and kept on disk."""

from __future__ import annotations

import hashlib
import platform

import wasmtime

from reglet.infrastructure.engine.cache import Cache, cache_folder
from reglet.infrastructure.engine.configuration import engine, fingerprint

_MOST_MODULES = 12
"""About 20 MB each."""


def compiled(module: bytes, key: str | None = None) -> wasmtime.Module:
    """Return `module` compiled for this machine, from the cache where it was compiled before.

    Args:
        module: a WebAssembly binary.
        key: what names its content; the SHA-256 of `module` when left out.

    Raises:
        wasmtime.WasmtimeError: `module` does not validate.
    """
    kept = Cache(cache_folder() / "compiled", _MOST_MODULES)
    name = _name(key or hashlib.sha256(module).hexdigest())
    return compiled_by(engine(), kept, name, module)


def compiled_by(with_engine: wasmtime.Engine, kept: Cache, name: str, module: bytes) -> wasmtime.Module:
    """Return `module` compiled by an engine, from what is kept under `name` where that can still be read.

    Raises:
        wasmtime.WasmtimeError: `module` does not validate.
    """
    before = _load(with_engine, kept, name)
    if before is not None:
        return before
    made = wasmtime.Module(with_engine, module)
    kept.write(name, made.serialize())
    return made


def compiled_before(key: str) -> wasmtime.Module | None:
    """Return what was compiled under `key` before and is still kept; None if it would have to be compiled."""
    return _load(engine(), Cache(cache_folder() / "compiled", _MOST_MODULES), _name(key))


def _name(key: str) -> str:
    parts = f"{key} {fingerprint()} {platform.system()} {platform.machine()}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32] + ".cwasm"


def _load(with_engine: wasmtime.Engine, kept: Cache, name: str) -> wasmtime.Module | None:
    path = kept.path(name)
    if path is None:
        return None
    try:
        return wasmtime.Module.deserialize_file(with_engine, str(path))
    except wasmtime.WasmtimeError:  # made by another version or for another processor
        return None
