"""A plugin's file, looked at and compiled: what instances are made of."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, TypeAlias

import wasmtime
from attrs import evolve, field, frozen

from reglet.infrastructure.engine import compiled, compiled_before, engine
from reglet.infrastructure.host.errors import NotAPluginError
from reglet.infrastructure.host.fuel import compiled_with_fuel, fuel_engine
from reglet.infrastructure.host.plugin_shape import check_exports, check_header, check_imports
from reglet.infrastructure.wasi import MODULE as WASI_MODULE

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.infrastructure.host.overlay import Overlay

    FindOverlay: TypeAlias = Callable[[bytes, str], Overlay | None]

_MOST_RECENT = 4
_recent: dict[tuple[str, bool], Code] = {}
"""By digest, and whether it counts fuel; the one used last comes last."""
_recent_lock = threading.Lock()


@frozen
class Code:
    """A module ready to be instantiated.

    Attributes:
        source: what it is called in messages.
        digest: SHA-256 of the file, hexadecimal.
        module: the compiled code.
        engine: what it was compiled for.
        wasi_imports: the functions of preview 1 that it wants, with their types.
        overlay: the plugin's memory, where `module` is the runtime that plugins share.
        binary: with an overlay, the file itself.
    """

    source: str
    digest: str
    module: wasmtime.Module = field(repr=False)
    overlay: Overlay | None = field(repr=False, default=None)
    wasi_imports: tuple[tuple[str, wasmtime.FuncType], ...] = field(repr=False, default=())
    engine: wasmtime.Engine = field(repr=False, factory=engine)
    binary: bytes = field(repr=False, default=b"")


def load_code(
    binary: bytes,
    source: str,
    *,
    fuel: bool = False,
    find_overlay: FindOverlay = lambda _binary, _digest: None,
) -> Code:
    """Look at a plugin's file and compile it, from the cache on disk where it was compiled before.

    The last few are kept in memory, so that to load a file again costs little more than to read it.

    Raises:
        NotAPluginError: it is not WebAssembly, a component, or no Reglet plugin; the text says which.
    """
    check_header(binary, source)
    digest = hashlib.sha256(binary).hexdigest()
    with _recent_lock:
        code = _recent.pop((digest, fuel), None)
    code = evolve(code, source=source) if code else _load(binary, source, digest, fuel, find_overlay)
    with _recent_lock:
        _recent[digest, fuel] = code
        while len(_recent) > _MOST_RECENT:
            del _recent[next(iter(_recent))]
    return code


def compiled_whole(code: Code) -> Code:
    """Return the code of a plugin that is laid over the runtime compiled by itself: guests start sooner."""
    whole = _whole(compiled(code.binary, code.digest), code.source, code.digest, engine())
    with _recent_lock:
        _recent[code.digest, False] = whole
    return whole


def _load(binary: bytes, source: str, digest: str, fuel: bool, find_overlay: FindOverlay) -> Code:
    before = None if fuel else compiled_before(digest)
    if before is not None:
        return _whole(before, source, digest, engine())
    overlay = None if fuel else find_overlay(binary, digest)
    if overlay is not None:
        imports = _wasi_imports(overlay.module)
        return Code(source, digest, overlay.module, overlay, imports, binary=binary)
    try:
        module = compiled_with_fuel(binary, digest) if fuel else compiled(binary, digest)
    except wasmtime.WasmtimeError as problem:
        raise NotAPluginError(source, f"it does not validate: {_first_line(problem)}") from problem
    return _whole(module, source, digest, fuel_engine() if fuel else engine())


def _whole(module: wasmtime.Module, source: str, digest: str, compiled_for: wasmtime.Engine) -> Code:
    check_imports(module, source)
    check_exports(module, source)
    return Code(source, digest, module, None, _wasi_imports(module), compiled_for)


def _wasi_imports(module: wasmtime.Module) -> tuple[tuple[str, wasmtime.FuncType], ...]:
    """Return the functions of preview 1 that a module imports, each once; Go imports some twice."""
    wanted = {
        each.name or "": each.type
        for each in module.imports
        if each.module == WASI_MODULE and isinstance(each.type, wasmtime.FuncType)
    }
    return tuple(wanted.items())


def _first_line(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1] if lines else type(problem).__name__
