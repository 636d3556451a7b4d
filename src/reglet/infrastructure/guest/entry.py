"""The one entry point of a module: a host's call by name, answered in bytes."""

from __future__ import annotations

from collections.abc import Callable

from reglet.infrastructure.guest.exports import Exports

Handler = Callable[[str, bytes], bytes]


def handler_of(exports: Exports) -> Handler:
    """Return the function that answers an export by its entry's name; the runtime passes it every call."""
    entries: dict[str, Callable[[bytes], bytes]] = {
        "manifest": lambda _: exports.manifest(),
        "observe": exports.observe,
        "describe": lambda _: exports.describe(),
        "schema": lambda _: exports.schema(),
        "legacy_observe": exports.legacy_observe,
    }
    return lambda entry, payload: entries[entry](payload)
