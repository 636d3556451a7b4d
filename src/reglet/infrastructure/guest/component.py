"""The world of `wit/reglet.wit`, answered by a plugin, for hosts of the component model.

componentize-py imports this in its own guest; the modules named `wit_world` are its bindings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from reglet.infrastructure.guest.clients import ImportedFunctions
from reglet.infrastructure.guest.exports import Exports, reseed, restart_clock
from reglet.infrastructure.guest.importing import import_plugin, preload, preload_for
from reglet.infrastructure.guest.sealed import collect_encodings, keep_encodings


class ComponentHost:
    """Calls the functions of the WIT interface `host` by the names of the core ABI."""

    def __init__(self, functions: Any) -> None:
        """Take the bindings of the interface."""
        self._functions = functions

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call a host function."""
        function: Callable[[bytes], bytes | None] = getattr(self._functions, name)
        return function(request) or b""


def world_of(module: str, attribute: str | None, version: str | None) -> type[Any]:
    """Return the class that componentize-py looks for: `WitWorld`, over the plugin of a module."""
    from wit_world.imports import host  # type: ignore[import-not-found]  # made by componentize-py

    preload()
    keep_encodings(collect_encodings())
    known = frozenset(sys.modules)
    plugin = import_plugin(module, attribute, version)
    preload_for(("",), known)
    exports = Exports(plugin, ImportedFunctions(ComponentHost(host)))
    exports.manifest()
    return type("WitWorld", (World,), {"exports": exports})


class World:
    """The exports of the WIT world."""

    exports: Exports
    asleep = True

    def manifest(self) -> bytes:
        """Return the Manifest."""
        self._wake()
        return self.exports.manifest()

    def observe(self, config: bytes) -> bytes:
        """Return the Result of a config."""
        self._wake()
        return self.exports.observe(config)

    @classmethod
    def _wake(cls) -> None:
        if cls.asleep:
            cls.asleep = False
            cls.exports.keep_log()
            reseed()
            restart_clock()
