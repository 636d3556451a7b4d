"""The plugin that a build was asked for, imported."""

from __future__ import annotations

import sys
from functools import reduce

from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.domain.ports import Plugin


def import_plugin(module: str, attribute: str | None, version: str | None) -> Plugin:
    """Import a module and return its plugin, with the version of its project if it has one.

    Raises:
        DefinitionError: the module has no plugin or several, or the plugin says another version.
        TypeError: the attribute is no plugin.
    """
    __import__(module)  # importlib.import_module would stand in the author's traceback
    found = sys.modules[module]
    plugin = plugin_of(found) if attribute is None else _named(found, attribute)
    if version is not None and isinstance(plugin, PluginDefinition):
        plugin.adopt_version(version)
    return plugin


def _named(module: object, attribute: str) -> Plugin:
    found: object = reduce(getattr, attribute.split("."), module)
    if isinstance(found, type) or not isinstance(found, Plugin):
        raise TypeError(f"{attribute} is no plugin but a {type(found).__name__}")
    return found
