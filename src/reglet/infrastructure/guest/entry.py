"""The one entry point of a module: a host's call by name, answered in bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reglet.domain.ports.plugin import Plugin
from reglet.infrastructure.guest.exports import Exports
from reglet.infrastructure.guest.imported_functions import HostModule, ImportedFunctions

Handler = Callable[[str, bytes], bytes]


class GuestModule(HostModule, Protocol):
    """The runtime's built-in module `_reglet`."""

    def set_handler(self, handler: Handler) -> None:
        """Have every call of an export answered by `handler(entry, payload)`."""
        ...


def install(plugin: Plugin, module: GuestModule | None = None) -> Exports:
    """Have a plugin answer the module's exports; return what answers them.

    `module` is the runtime's built-in `_reglet` unless given.
    """
    host = module or _built_in()
    exports = Exports(plugin, ImportedFunctions(host))
    host.set_handler(handler_of(exports))
    return exports


def _built_in() -> GuestModule:
    import _reglet  # type: ignore[import-not-found]  # it is there only inside a module

    module: GuestModule = _reglet
    return module


def handler_of(exports: Exports) -> Handler:
    """Return the function that answers an export by its entry's name."""
    entries: dict[str, Handler] = {
        "manifest": lambda _entry, _payload: exports.manifest(),
        "observe": lambda _entry, payload: exports.observe(payload),
        "describe": lambda _entry, _payload: exports.describe(),
        "schema": lambda _entry, _payload: exports.schema(),
        "legacy_observe": lambda _entry, payload: exports.legacy_observe(payload),
    }
    return lambda entry, payload: entries[entry](entry, payload)
