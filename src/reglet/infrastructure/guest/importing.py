"""Imports in a build: how the modules of a plugin are found, and what is imported before it is asked for.

A plugin's modules are found by asking for each name, never by listing a folder, so what lies beside the
imported files leaves no trace in the built bytes. Its own imports are in its memory once it is built, and
nothing can be imported later. So what the standard library imports inside its functions, or looks up by name,
is imported beforehand.
"""

from __future__ import annotations

import gc
import importlib
import sys
from functools import reduce
from importlib import _bootstrap_external
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.domain.ports import Plugin
from reglet.infrastructure import NATIVE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence


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
        # it finds no further portions, though `sys.path` has changed
        namespace.submodule_search_locations = _NamespacePath(fullname, portions, lambda *_: None)
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
    "cattrs": "the models, when the first is structured",
    "hashlib": "the ready-made HTTP check, for the digest of a body",
    "encodings.ascii": "codecs by name",
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


NEEDED_WITH_ATTRIBUTE = {
    "strptime": "_strptime",
    "unparse": "_ast_unparse",
    "from_uri": "urllib.request",
    "set_int_max_str_digits": "_pylong",  # which the interpreter imports for numbers that are as long
}
"""Attributes, and the module that their function imports: large, so only where it is used."""

NEEDED_WITH_MODULE = {
    "dbm": ("dbm.dumb",),
    "importlib.metadata": ("email.parser", "importlib.metadata._adapters"),
    "importlib.resources": ("importlib.readers", "importlib.resources._adapters"),
    "xml.dom": ("xml.dom.minidom",),
    "xml.sax": ("xml.sax.expatreader",),
}
"""Modules, and what they import by a string, or through the import system."""

NOT_NEEDED = frozenset(
    {
        "_colorize",
        "_ios_support",
        "_pyrepl",
        "argparse",
        "asyncio",
        "ctypes",
        "doctest",
        "getopt",
        "multiprocessing",
        "optparse",
        "pdb",
        "pydoc",
        "subprocess",
        "tkinter",
        "tracemalloc",
        "unittest",
        "webbrowser",
    }
)
"""What the standard library imports late for a terminal, for other processes or for tests."""

_NOT_FOR_LIBRARIES = {
    "uuid": frozenset({"shutil", "socket"}),  # to ask programs for the machine's address
    "zoneinfo._common": frozenset({"importlib"}),  # to read tzdata, of which a plugin keeps the zones
    "zoneinfo._tzpath": frozenset({"importlib"}),
}
"""By module: what it imports and does without."""

_MAINS = frozenset({"main", "_main", "test", "_test"})
"""Functions for `python -m`."""


def preload() -> None:
    """Import what every plugin needs."""
    for name in NEEDED_BY_NAME:
        importlib.import_module(name)


def preload_for(folders: tuple[str, ...], known: Collection[str]) -> None:
    """Import what will be needed of the standard library, once the plugin was imported.

    Args:
        folders: where the plugin's code lies: for the attributes that it names.
        known: the modules that were there before; others of the standard library come with all that their
            functions import.
    """
    named: set[str] = set()
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(folders):
            named |= _names(each.__code__)
        elif type(each) is BuiltinFunctionType and issubclass(type(each.__self__), type):
            named.add(each.__name__)  # of a class, kept under another name
    for attribute, module in NEEDED_WITH_ATTRIBUTE.items():
        if attribute in named:
            importlib.import_module(module)
    known = frozenset(known)
    seen = set(known)
    while new := [name for name in sys.modules if name not in seen]:
        seen.update(new)
        for name in new:
            is_module = type(sys.modules[name]) is ModuleType  # it may be any object
            if is_module and name.partition(".")[0] in sys.stdlib_module_names:
                _import_late(name)
    for name in _FOR_THIS_FILE - known:
        sys.modules.pop(name, None)


_FOR_THIS_FILE = frozenset({"opcode", "_opcode", "_opcode_metadata"})
"""What is imported to read the code of functions."""


def _import_late(name: str) -> None:
    unneeded = NOT_NEEDED | _NOT_FOR_LIBRARIES.get(name, frozenset())
    wanted = [LateImport(0, each, ()) for each in NEEDED_WITH_MODULE.get(name, ())]
    for each in (*wanted, *late_imports(sys.modules[name])):
        module = absolute_name(sys.modules[name], each)
        if module.partition(".")[0] in unneeded or module in unneeded:
            continue
        for wished in (module, *(f"{module}.{part}" for part in each.names)):
            parent, _, part = wished.rpartition(".")
            if wished in sys.modules or (part and hasattr(sys.modules.get(parent), part)):
                continue
            try:
                importlib.import_module(wished)
            except Exception:  # noqa: BLE001, S112 - of another system, or a name that is no module
                continue


class LateImport(NamedTuple):
    """An import inside a function: the number of leading dots, the module, and what is taken from it."""

    level: int
    module: str
    names: tuple[str, ...]


def late_imports(module: ModuleType) -> Iterator[LateImport]:
    """Yield the imports inside a module's functions, apart from those for `python -m`."""
    waiting: list[Any] = list(vars(module).values())
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        kind = type(each)  # `isinstance` would ask the object, which may be a dead proxy
        if kind in (classmethod, staticmethod):
            waiting.append(each.__func__)
        elif kind is property:
            waiting += (each.fget, each.fset, each.fdel)
        elif not issubclass(kind, (FunctionType, type)) or each.__module__ != module.__name__:
            continue
        elif kind is FunctionType:
            if each.__name__ not in _MAINS:
                yield from imports_of(each.__code__)
        elif id(each) not in seen:
            seen.add(id(each))
            waiting += vars(each).values()


def imports_of(code: CodeType) -> Iterator[LateImport]:
    """Yield the imports in a function's code: the level and the names are loaded just before each."""
    import opcode

    names = ("IMPORT_NAME", "EXTENDED_ARG", "LOAD_CONST", "LOAD_SMALL_INT", "CACHE")
    imports, extends, constant, small, cache = (opcode.opmap.get(name) for name in names)
    loaded: list[object] = []
    extended = 0
    for operation, argument in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        index = extended | argument
        extended = index << 8 if operation == extends else 0
        if operation in (extends, cache):
            continue
        if operation == imports:
            level, taken = cast("tuple[int, Sequence[str] | None]", loaded[-2:])
            yield LateImport(level or 0, code.co_names[index], tuple(taken or ()))
        loaded.append(
            index if operation == small else code.co_consts[index] if operation == constant else None
        )
    for attribute in NEEDED_WITH_ATTRIBUTE.keys() & set(code.co_names):
        yield LateImport(0, NEEDED_WITH_ATTRIBUTE[attribute], ())
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from imports_of(each)


def absolute_name(module: ModuleType, wanted: LateImport) -> str:
    """Return the module that an import in another one means."""
    if not wanted.level:
        return wanted.module
    package = (module.__package__ or "").rsplit(".", wanted.level - 1)[0]
    return f"{package}.{wanted.module}" if wanted.module else package


def _names(code: CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    texts = (each for each in code.co_consts if isinstance(each, str))  # for getattr
    return set(code.co_names).union(texts, *map(_names, inner))
