"""Runs inside the guest: imports the plugin during a build, and wakes it at its first call.

A build calls `load`, `describe` and `seal` in this order, each by `run_stage`. What they learn goes to the
builder as one line of JSON on standard output, behind a mark.
"""

from __future__ import annotations

import gc
import json
import linecache
import os
import random
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import FrameType, MappingProxyType, ModuleType
from typing import Any, Self

from reglet.application.results import author_traceback, one_line
from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.ports import Plugin
from reglet.infrastructure import METADATA_SUFFIX, PACKAGES_ROOT, PLUGIN_ROOT, REPORT_MARK, unsupported_reason
from reglet.infrastructure.guest.clients import ImportedFunctions
from reglet.infrastructure.guest.exports import Exports
from reglet.infrastructure.guest.importing import (
    RefusingFinder,
    SourceFinder,
    SubmoduleFinder,
    import_plugin,
    preload,
    preload_for,
    refused_natives,
)
from reglet.infrastructure.guest.interpreter import (
    answer_by,
    divide_long_integers,
    forgive_libraries,
    interpreter,
    keep_environment,
    looks_of,
    mend_appending,
    mend_changing_modes,
    mend_formats_of_time,
    mend_locales,
    mend_opening,
    pass_breakpoint,
    report_partial_globs,
    report_partial_listings,
    report_refused_looks,
    report_unset_variables,
    report_whole_paths,
    seed_when_used,
)
from reglet.infrastructure.guest.sealed import (
    KeptDistributions,
    SealedFinder,
    keep_encodings,
    mend_time_zones,
    read_time_zones,
    refuse_unsupported,
)
from reglet.infrastructure.wire.host_functions import HOST_FUNCTIONS

_AUTHORS = (PLUGIN_ROOT + "/", PACKAGES_ROOT + "/")


class HostCallError(RuntimeError):
    """A host function was called during a build."""


_NO_HOME = "/nonexistent"
"""`HOME` in a build, for packages that look for it at import; it is what systems give to who has none."""


class _WatchedEnvironment(os._Environ[str]):  # noqa: SLF001 - os.environ's own class
    """`os.environ` that notes who reads it, and what is set where the host has none."""

    seen: list[dict[str, str]]
    defaults: dict[str, str]

    def __getitem__(self, name: str) -> str:
        value = self._data.get(self.encodekey(name))  # type: ignore[attr-defined]  # as `os` made it
        if value is None or value == _NO_HOME.encode():
            self.seen.append({"name": name, "where": author_frames()})
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self.seen.append({"name": "", "where": author_frames()})
        return super().__iter__()

    def setdefault(self, key: str, value: str) -> str:
        if self.encodekey(key) not in self._data:  # type: ignore[attr-defined]  # as above
            self[key] = self.defaults[key] = value
        return super().__getitem__(key)


class ImportGuard:
    """Refuses host calls while it is entered, and notes them and every reading of the environment."""

    def __init__(self) -> None:
        self.host_calls: list[dict[str, str]] = []
        self.environment: list[dict[str, str]] = []
        self.variables: dict[str, str] = {}
        self.defaults: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._call = interpreter.call
        self._environment_class = type(os.environ)
        vars(interpreter)["call"] = self._refuse
        _WatchedEnvironment.seen, _WatchedEnvironment.defaults = self.environment, self.defaults
        os.environ["HOME"] = _NO_HOME
        self._before = dict(os.environ)
        os.environ.__class__ = _WatchedEnvironment
        return self

    def __exit__(self, *_: object) -> None:
        vars(interpreter)["call"] = self._call
        os.environ.__class__ = self._environment_class
        changed = {name: value for name, value in os.environ.items() if self._before.get(name) != value}
        self.defaults = {name: value for name, value in self.defaults.items() if changed.get(name) == value}
        self.variables = {name: value for name, value in changed.items() if name not in self.defaults}

    def _refuse(self, name: str, _request: bytes) -> Any:
        self.host_calls.append({"name": name, "where": author_frames()})
        raise HostCallError(f"{name} was called while the plugin was imported for its build")


def author_frames(frame: FrameType | None = None) -> str:
    """Return the author's frames of a stack, this one's if None; none for what others do at import."""
    stack = traceback.extract_stack(frame)
    own = [index for index, each in enumerate(stack) if each.filename.startswith(_AUTHORS)]
    if not own or any(each.name == "<module>" for each in stack[own[-1] + 1 :]):
        return ""
    return "".join(traceback.format_list([stack[index] for index in own]))


_OF_CLOCK = frozenset({"now", "utcnow", "today", "poll"})  # selectors polls as it is imported, by a deadline
_OF_RANDOM = frozenset({"urandom", "getrandom", "seed", "random", "getrandbits"})


class ImportTracer:
    """Notes, while it is entered, where the author first reads a clock and takes random bytes.

    A profile function sees the calls of C functions, which a patch of their modules would not. It is slow, so
    an import is traced only when it was seen to do either.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        """The author's frames by kind, `clock` or `random`; empty where only others read it."""

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        kind = ""
        if function.__module__ == "time" or function.__name__ in _OF_CLOCK:
            kind = "clock"
        elif function.__name__ in _OF_RANDOM:
            kind = "random"
        if kind and not self.found.get(kind):
            self.found[kind] = author_frames(frame)


class _State:
    known: frozenset[str] = frozenset()
    zones: Mapping[str, bytes] = MappingProxyType({})
    plugin: Plugin | None = None
    exports: Exports | None = None
    guard = ImportGuard()
    distributions = KeptDistributions(PACKAGES_ROOT, METADATA_SUFFIX)


def prepare(encodings: bytes) -> None:
    """Import what every plugin needs; the memory after this is the base image of all builds."""
    preload()
    report_partial_listings()
    report_whole_paths()
    report_unset_variables()
    mend_appending()
    mend_changing_modes()
    mend_formats_of_time()
    mend_locales()
    mend_opening()
    keep_encodings(encodings)
    _forget_imports()


def run_stage(name: str, arguments: str) -> None:
    """Run a stage with arguments in JSON and report its answer, or what the plugin's code raised."""
    try:
        report = _STAGES[name](**json.loads(arguments))
    except BaseException as error:  # noqa: BLE001 - the builder must hear of everything
        report = {
            "error": one_line(error),
            "traceback": author_traceback(error),
            "native": refused_natives,
            "host_calls": _State.guard.host_calls,
        }
    os.write(1, (REPORT_MARK + json.dumps(report) + "\n").encode())


def load(module: str, attribute: str | None, version: str | None, project: str | None) -> dict[str, Any]:
    """Import the plugin's module and take its plugin."""
    _find_plugin_modules(project, version)
    sys.breakpointhook = pass_breakpoint
    guard = _State.guard
    _State.known = frozenset(sys.modules)
    interpreter.refusals()
    seeded = random.getstate()
    with guard:
        _State.plugin = import_plugin(module, attribute, version)
    return {
        "draws": random.getstate() != seeded,
        "host_calls": guard.host_calls,
        "environment": guard.environment,
        "looks": [
            each.path
            for each in looks_of(interpreter.refusals() or ())
            if each.path not in _LOOKS_OF_SYSCONFIG
        ],
        "known": sorted(name for name in _State.known if "." not in name),
    }


_LOOKS_OF_SYSCONFIG = ("/Modules/Setup", "/Modules/Setup.local")
"""Where it looks, as it is imported, whether Python lies where it was compiled."""


def complete() -> dict[str, Any]:
    """Import what modules of the standard library, and the plugin's functions, will need of it."""
    if "importlib_metadata" in sys.modules:
        import_module("importlib.metadata")  # whose class our distributions have
    preload_for(_AUTHORS, _State.known)
    return {}


def trace(module: str, version: str | None, project: str | None) -> dict[str, Any]:
    """Import the plugin's module in place of `load`; report where it reads a clock or takes random bytes."""
    _find_plugin_modules(project, version)
    with ImportTracer() as tracer:
        __import__(module)
    return {"found": tracer.found}


def describe() -> dict[str, Any]:
    """Ask the plugin for its manifest and set it to answer every export."""
    plugin = _State.plugin
    assert plugin is not None, "load comes first"
    manifest: object = plugin.manifest(Context())
    if not isinstance(manifest, Manifest):
        raise TypeError(f"manifest() returned a {type(manifest).__name__}; return a reglet.Manifest")
    exports = Exports(plugin, ImportedFunctions(interpreter))
    exports.manifest()
    _State.exports = exports
    answer_by(exports.answer)
    return {
        "name": manifest.name,
        "version": manifest.version,
        "host_functions": sorted(
            function.name
            for function in HOST_FUNCTIONS.values()
            if getattr(manifest.capabilities, function.capability) is not None
        ),
    }


def absences(
    taken: list[tuple[str, list[str]]], doubtful: list[str], attributes: list[tuple[str, str]]
) -> dict[str, Any]:
    """Return what is not in memory of what functions take from modules, import or read."""
    submodules: list[str] = []
    for module, names in taken:
        held: object = sys.modules.get(module)  # it may be any object, no code of which is to run here
        known = object.__getattribute__(held, "__dict__") if issubclass(type(held), ModuleType) else ()
        if module in sys.modules:
            inner = (f"{module}.{name}" for name in names if name not in known)
            submodules += filter(_is_found, inner)
    absent = [
        (module, name)
        for module, name in attributes
        if module.partition(".")[0] in sys.stdlib_module_names
        and module in sys.modules
        and not hasattr(sys.modules[module], name)
    ]
    submodules += filter(_is_found, (f"{module}.{name}" for module, name in absent))
    found: list[str] = []
    for module in doubtful:
        # the first of it and its parents that is not in memory: to look inside would import it
        outer, *parts = module.split(".")
        while outer in sys.modules and parts:
            outer = f"{outer}.{parts.pop(0)}"
        if module not in sys.modules and _is_found(outer):
            found.append(module)
    return {
        "submodules": submodules,
        "found": found,
        "attributes": absent,
    }


def _is_found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except Exception:  # noqa: BLE001 - a native one; its parent is no package, or fails as it is imported
        return False


def seal() -> dict[str, Any]:
    """Forget what belongs to the build alone, and take up what belongs to a run."""
    exports = _State.exports
    assert exports is not None, "describe comes first"
    if sys.modules.keys() & {"importlib.metadata", "importlib_metadata"}:
        found = {file.split("/")[2] for file in _module_files() if file.startswith(PACKAGES_ROOT + "/")}
        _State.distributions.keep(sorted(each.removesuffix(".py") for each in found))
    if "zoneinfo" in sys.modules:
        spec = find_spec("tzdata")
        folders = None if spec is None else spec.submodule_search_locations
        _State.zones = read_time_zones(next(iter(folders or ()), None))
    _State.distributions.sealed = True
    own = [each for each in sys.meta_path if isinstance(each, (SourceFinder, RefusingFinder))]
    for each in own:
        sys.meta_path.remove(each)
    sys.meta_path.append(SealedFinder(unsupported_reason))
    sys.path.clear()
    sys.path_hooks.clear()  # a late import must not look at files: it would count as a look of the plugin's
    os.environ.clear()  # the build's own; a variable at a time is slow, so not at the first call
    keep_environment(_State.guard.defaults, _State.guard.variables)
    _forget_imports()
    for path in _module_files():  # tracebacks show the lines of the plugin's own files alone
        if path.startswith(PLUGIN_ROOT + "/"):
            lines = linecache.getlines(path)
            linecache.cache[path] = (sum(map(len, lines)), None, lines, path)
    exports.keep_log()
    report_refused_looks()
    report_partial_globs()
    forgive_libraries()
    seed_when_used()
    divide_long_integers()
    if "zoneinfo" in sys.modules:
        mend_time_zones(_State.zones)
    refuse_unsupported(unsupported_reason)
    for name in _OF_THE_BUILD:
        package, _, module = name.rpartition(".")
        delattr(sys.modules[package], module)
        del sys.modules[name]
    return {"modules": sorted(map(str, sys.modules)), "unused": interpreter.forget_unused()}


def _module_files() -> Iterator[str]:
    """Yield the file of each module that has one; a plugin may keep any object as a module."""
    for module in list(sys.modules.values()):
        try:  # one that is loaded when it is used is loaded by this
            file = getattr(module, "__file__", None)
        except Exception:  # noqa: BLE001, S112 - as above
            continue
        if type(file) is str:
            yield file


_OF_THE_BUILD = ("reglet.infrastructure.guest.boot", "reglet.infrastructure.guest.importing")
"""Modules of which nothing is called again: the builder lets go of this one too, and they are freed."""


def _forget_imports() -> None:
    linecache.clearcache()  # attrs keeps the source of all methods that it makes
    sys.path_importer_cache.clear()
    re.purge()
    gc.collect()
    gc.collect()


def _find_plugin_modules(project: str | None, version: str | None) -> None:
    """Find the plugin's modules before, and those of packages after, the standard library and the SDK."""
    if project is not None and version is not None:
        _State.distributions.keep_project(project, version)
    sys.meta_path[:0] = [_State.distributions, RefusingFinder()]
    path_finder = sys.meta_path.index(PathFinder)
    sys.meta_path[path_finder:path_finder] = [SourceFinder(PLUGIN_ROOT), SubmoduleFinder(PACKAGES_ROOT)]
    sys.meta_path.append(SourceFinder(PACKAGES_ROOT))


_STAGES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "load": load,
    "trace": trace,
    "absences": absences,
    "complete": complete,
    "describe": describe,
    "seal": seal,
}
