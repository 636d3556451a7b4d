"""The modules of a plugin: found during its build, and nowhere else afterwards.

They are found by asking for each name, never by listing a folder, so what lies beside the imported files
leaves no trace in the built bytes.
"""

from __future__ import annotations

import sys
from functools import reduce
from importlib import _bootstrap_external
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any, cast

from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.domain.ports import Plugin
from reglet.infrastructure import NATIVE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType


class SourceFinder:
    """Finds modules below one folder."""

    def __init__(self, root: str) -> None:
        self._root = root

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, None if not here."""
        below = self._root + "/"
        folders = [self._root] if path is None else path
        name = fullname.rpartition(".")[2]
        portions: list[str] = []
        for folder in folders:
            if not f"{folder}/".startswith(below):
                continue
            stem = f"{folder}/{name}"
            if _is_file(f"{stem}/__init__.py"):
                return spec_from_file_location(
                    fullname, f"{stem}/__init__.py", submodule_search_locations=[stem]
                )
            if _is_file(f"{stem}.py"):
                return spec_from_file_location(fullname, f"{stem}.py")
            if _is_file(stem + NATIVE_SUFFIX):
                refused_natives.append(fullname)
                raise ModuleNotFoundError(
                    f"No module named {fullname!r}: it is a native extension module, and a plugin has pure "
                    "Python only; use a pure-Python package for it",
                    name=fullname,
                )
            if _is_directory(stem):
                portions.append(stem)
        if not portions:
            return None
        namespace = ModuleSpec(fullname, None, is_package=True)
        # importlib.resources reads no namespace that is not one of the import system's own
        namespace.submodule_search_locations = _NamespacePath(fullname, portions, _found_as_before)
        return namespace


class SubmoduleFinder(SourceFinder):
    """Finds what is inside packages below one folder: the import system's own finder lists folders for it.

    That one also takes a folder of type stubs beside a native extension module for a namespace package.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a submodule is, None if not here."""
        return None if path is None else super().find_spec(fullname, path)


class RefusingFinder:
    """Refuses modules that no plugin may have in it."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        """Raise for a refused module; find none."""
        if fullname == "reglet.testing" or fullname.startswith("reglet.testing."):
            raise ImportError(
                f"{fullname} is for tests and cannot be in a plugin: import answers for examples from "
                "reglet.answers, and keep tests in a module of their own",
                name=fullname,
            )


_NamespacePath: Callable[..., list[str]] = vars(_bootstrap_external)["_NamespacePath"]


def _found_as_before(_fullname: str, _path: object) -> None:
    """Find no further portions, though `sys.path` has changed."""


_is_file: Callable[[str], bool] = vars(_bootstrap_external)["_path_isfile"]
_is_directory: Callable[[str], bool] = vars(_bootstrap_external)["_path_isdir"]
"""As the import system itself looks; pathlib would be in every plugin for it."""


refused_natives: list[str] = []
"""The native extension modules that were asked for; a package may hide that one of them is missing."""


def import_plugin(module: str, attribute: str | None, version: str | None) -> Plugin:
    """Import a module and return its plugin, with the version of its project if it has one.

    Raises:
        DefinitionError: the module has no plugin or several, or the plugin says another version.
        TypeError: the attribute is no plugin.
    """
    __import__(module)  # importlib.import_module would stand in the author's traceback
    found = sys.modules[module]
    if attribute is None:
        plugin = plugin_of(found)
    else:
        plugin = reduce(getattr, attribute.split("."), cast("Any", found))
        if isinstance(plugin, type) or not isinstance(plugin, Plugin):
            raise TypeError(f"{attribute} is no plugin but a {type(plugin).__name__}")
    if version is not None and isinstance(plugin, PluginDefinition):
        plugin.adopt_version(version)
    return plugin
