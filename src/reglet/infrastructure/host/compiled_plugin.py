"""A plugin's file, looked at and compiled: what instances are made of."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, TypeAlias

import wasmtime
from attrs import evolve, field, frozen

from reglet.infrastructure.engine import (
    FunctionImport,
    compiled,
    compiled_before,
    engine,
    fuel_engine,
    function_imports,
)
from reglet.infrastructure.host.errors import NotAPluginError
from reglet.infrastructure.host.host_imports import reason_of
from reglet.infrastructure.host.validation import check_exports, check_header, check_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.infrastructure.host.memory_image import MemoryImage

    FindImage: TypeAlias = Callable[[bytes, str], MemoryImage | None]

_MOST_RECENT = 4
_recent: dict[tuple[str, bool], CompiledPlugin] = {}
"""By digest, and whether it counts fuel; the one used last comes last."""
_recent_lock = threading.Lock()


@frozen
class CompiledPlugin:
    """A module ready to be instantiated.

    Attributes:
        source: what it is called in messages.
        digest: SHA-256 of the file, hexadecimal.
        module: the compiled code.
        engine: what it was compiled for.
        imports: the functions that it imports.
        image: the plugin's memory, where `module` is the runtime that plugins share.
        binary: with an image, the file itself.
    """

    source: str
    digest: str
    module: wasmtime.Module = field(repr=False)
    image: MemoryImage | None = field(repr=False, default=None)
    imports: tuple[FunctionImport, ...] = field(repr=False, default=())
    engine: wasmtime.Engine = field(repr=False, factory=engine)
    binary: bytes = field(repr=False, default=b"")


def load_plugin(
    binary: bytes,
    source: str,
    *,
    fuel: bool = False,
    find_image: FindImage = lambda _binary, _digest: None,
) -> CompiledPlugin:
    """Look at a plugin's file and compile it, from the cache on disk where it was compiled before.

    The last few are kept in memory, so that to load a file again costs little more than to read it.

    Raises:
        NotAPluginError: it is not WebAssembly, a component, or no Reglet plugin; the text says which.
    """
    check_header(binary, source)
    digest = hashlib.sha256(binary).hexdigest()
    with _recent_lock:
        plugin = _recent.pop((digest, fuel), None)
    plugin = evolve(plugin, source=source) if plugin else _load(binary, source, digest, fuel, find_image)
    with _recent_lock:
        _recent[digest, fuel] = plugin
        while len(_recent) > _MOST_RECENT:
            del _recent[next(iter(_recent))]
    return plugin


def compiled_whole(plugin: CompiledPlugin) -> CompiledPlugin:
    """Return the code of a plugin that is laid over the runtime compiled by itself: guests start sooner."""
    whole = _whole(compiled(plugin.binary, plugin.digest), plugin.source, plugin.digest, engine())
    with _recent_lock:
        _recent[plugin.digest, False] = whole
    return whole


def _load(binary: bytes, source: str, digest: str, fuel: bool, find_image: FindImage) -> CompiledPlugin:
    before = None if fuel else compiled_before(digest)
    if before is not None:
        return _whole(before, source, digest, engine())
    image = None if fuel else find_image(binary, digest)
    if image is not None:
        imports = function_imports(image.module)
        return CompiledPlugin(source, digest, image.module, image, imports, binary=binary)
    try:
        module = compiled(binary, digest, fuel=fuel)
    except wasmtime.WasmtimeError as error:
        raise NotAPluginError(source, f"it does not validate: {reason_of(error)}") from error
    return _whole(module, source, digest, fuel_engine() if fuel else engine())


def _whole(
    module: wasmtime.Module, source: str, digest: str, compiled_for: wasmtime.Engine
) -> CompiledPlugin:
    check_imports(module, source)
    check_exports(module, source)
    return CompiledPlugin(source, digest, module, None, function_imports(module), compiled_for)
