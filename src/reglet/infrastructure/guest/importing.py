"""The modules of a plugin: found during its build, and nowhere else afterwards.

They are found by asking for each name, never by listing a folder, so what lies beside the imported files
leaves no trace in the built bytes. A plugin's own imports are in its memory once it is built; what the
standard library imports inside its functions is imported beforehand, since nothing can be later.
"""

from __future__ import annotations

import gc
import importlib
import sys
from functools import reduce
from importlib import _bootstrap_external
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, cast

from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.application.unsupported_modules import unsupported_reason
from reglet.domain.ports import Plugin
from reglet.infrastructure.build_contract import NATIVE_SUFFIX

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
        folders = [self._root] if path is None else [each for each in path if self._is_below(each)]
        name = fullname.rpartition(".")[2]
        portions: list[str] = []
        for folder in folders:
            stem = f"{folder}/{name}"
            if _is_file(f"{stem}/__init__.py"):
                return spec_from_file_location(
                    fullname, f"{stem}/__init__.py", submodule_search_locations=[stem]
                )
            if _is_file(f"{stem}.py"):
                return spec_from_file_location(fullname, f"{stem}.py")
            if _is_file(stem + NATIVE_SUFFIX):
                raise _native(fullname)
            if _is_directory(stem):
                portions.append(stem)
        if not portions:
            return None
        namespace = ModuleSpec(fullname, None, is_package=True)
        namespace.submodule_search_locations = portions
        return namespace

    def _is_below(self, folder: str) -> bool:
        return folder == self._root or folder.startswith(self._root + "/")


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


class SealedFinder:
    """Says, in a built plugin, why nothing more can be imported."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        """Raise for every module that is not in memory."""
        if fullname in sys.builtin_module_names:
            return
        reason = unsupported_reason(fullname) or "must be imported at the top of the plugin's module"
        raise ModuleNotFoundError(
            f"No module named {fullname!r}: a built plugin has only what was imported during its build; "
            f"{fullname} {reason}",
            name=fullname,
        )


_is_file: Callable[[str], bool] = vars(_bootstrap_external)["_path_isfile"]
_is_directory: Callable[[str], bool] = vars(_bootstrap_external)["_path_isdir"]
"""As the import system itself looks; pathlib would be in every plugin for it."""


def _native(fullname: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"No module named {fullname!r}: it is a native extension module, and a plugin has pure Python only; "
        "use a pure-Python package for it",
        name=fullname,
    )


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


NEEDED_BY_NAME = {
    "ast": "traceback, to mark the failing part of a line",
    "unicodedata": "urllib.parse and encodings.idna",
    "linecache": "traceback",
    "tokenize": "linecache",
    "_colorize": "traceback",
    "textwrap": "traceback",
    "contextlib": "traceback",
    "copyreg": "copy of objects with slots",
    "random": "the seed that is renewed at the first call",
    "logging": "the clock that is renewed at the first call",
    "encodings.ascii": "codecs by name",
    "encodings.cp1252": "codecs by name",
    "encodings.hex_codec": "codecs by name",
    "encodings.idna": "host names",
    "encodings.latin_1": "codecs by name",
    "encodings.punycode": "encodings.idna",
    "encodings.unicode_escape": "codecs by name",
    "encodings.utf_16": "codecs by name",
    "encodings.utf_16_be": "codecs by name",
    "encodings.utf_16_le": "codecs by name",
    "encodings.utf_8": "codecs by name",
    "encodings.utf_8_sig": "codecs by name",
    "stringprep": "encodings.idna",
}
"""Modules, and what imports them out of sight."""


NEEDED_WITH_ATTRIBUTE = {"strptime": "_strptime"}
"""Attributes, and the module that their function imports: 0.3 MB, so only where it is used."""


def preload() -> None:
    """Import what every plugin needs."""
    for name in NEEDED_BY_NAME:
        importlib.import_module(name)


def preload_for(folders: tuple[str, ...]) -> None:
    """Import what the code of modules below some folders needs, by the attributes that it names."""
    named: set[str] = set()
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename.startswith(folders):
            named |= _names(function.__code__)
    for attribute, module in NEEDED_WITH_ATTRIBUTE.items():
        if attribute in named:
            importlib.import_module(module)


def _names(code: CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*map(_names, inner))
