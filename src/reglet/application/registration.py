"""Which plugin a module means: the registered one, else the only one at its top."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, TypeGuard, TypeVar, cast

from reglet.domain.errors import DefinitionError
from reglet.domain.ports.plugin import Plugin

P = TypeVar("P", bound=Plugin)

_REGISTERED = "__reglet_plugin__"


def register(plugin: P) -> P:
    """Make `plugin` the one that the calling module means, and return it.

    Raises:
        DefinitionError: it is no plugin, or the module registered another one.
    """
    if not _is_plugin(plugin):
        name = getattr(plugin, "__name__", type(plugin).__name__)
        raise DefinitionError(
            f"{name} is no plugin: register an object with manifest(ctx) and check(ctx, config)"
        )
    module: dict[str, Any] = sys._getframe(1).f_globals  # noqa: SLF001 - the registry is the author's own module
    if module.setdefault(_REGISTERED, plugin) is not plugin:
        raise DefinitionError(f"module {module.get('__name__')} registers two plugins; register one")
    return plugin


def plugin_of(module: ModuleType) -> Plugin:
    """Return the plugin that a module means.

    Raises:
        DefinitionError: it has none, or several and none is registered; the text names them.
    """
    registered = vars(module).get(_REGISTERED)
    if registered is not None:
        return cast("Plugin", registered)
    found = _plugins(module)
    if not found:
        raise DefinitionError(
            f"module {module.__name__} has no plugin at its top level: write plugin = reglet.define_plugin(…)"
        )
    if len(found) > 1:
        raise DefinitionError(
            f"module {module.__name__} has several plugins: {', '.join(found)}; say which in "
            f'pyproject.toml, [tool.reglet] plugin = "{module.__name__}:…", or with reglet.register(…)'
        )
    [plugin] = found.values()
    return plugin


def _plugins(module: ModuleType) -> dict[str, Plugin]:
    """Return the plugins at the top of a module by name; one of two names counts once."""
    found: dict[str, Plugin] = {}
    for name, value in vars(module).items():
        if _is_plugin(value) and not any(value is known for known in found.values()):
            found[name] = value
    return found


def _is_plugin(value: object) -> TypeGuard[Plugin]:
    """Return whether a value is a plugin: a class or a module that could pass for one is not."""
    return not isinstance(value, (type, ModuleType)) and isinstance(value, Plugin)
