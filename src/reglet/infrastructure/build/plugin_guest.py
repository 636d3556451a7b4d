"""The guest that a plugin is imported into, from an image to the plugin's memory.

Images are memories of guests that have got somewhere, kept so that no build starts from nothing: the compiler
image has an interpreter and our compiling code, the base image an interpreter and the SDK.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen

import reglet
from reglet.infrastructure import (
    PACKAGES_ROOT,
    PLUGIN_ROOT,
    REPORT_MARK,
    SDK_ROOT,
    STANDARD_LIBRARY_ROOT,
)
from reglet.infrastructure.build import BuildError, ImportSideEffectError, PluginImportError
from reglet.infrastructure.build.import_advice import advice, imported_module, one_sentence
from reglet.infrastructure.build.runtime import Guest, GuestStoppedError
from reglet.infrastructure.build.sources import (
    Bytecode,
    Compiler,
    ImportRoots,
    SourceDirectory,
    StandardLibrary,
)
from reglet.infrastructure.engine import Cache, cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reglet.infrastructure.build.project import Project
    from reglet.infrastructure.build.runtime import Runtime
    from reglet.infrastructure.build.sources import Source, SourceCompiler
    from reglet.infrastructure.runtime import RuntimeProduct
    from reglet.infrastructure.wasi.tree import Directory


_MOST_IMAGES = 6
"""About 12 MB each."""

PACKAGE = Path(reglet.__file__).parent
_COMPILER = PACKAGE / "infrastructure" / "guest" / "compiler.py"
_OTHER_ROOMS = ("build", "engine", "host", "native", "registry", "runtime", "wasi", "wasm")
_OTHER_MODULES = ("atomic.py", "process.py", "sandbox.py")
_NOT_IN_GUEST = {
    *(PACKAGE / part for part in ("cli", "testing", "sandbox.py")),
    *(PACKAGE / "infrastructure" / room for room in (*_OTHER_ROOMS, *_OTHER_MODULES)),
}
_WITHOUT_COLUMNS = {"PYTHONNODEBUGRANGES": "1"}
"""For the SDK: tables of lines without columns, which mark parts of lines in tracebacks, are smaller."""
_DEPENDENCIES = ("attr", "attrs", "cattrs", "typing_extensions")

_FREEZE = """
del boot
import gc
gc.collect()
gc.freeze()  # all of this stays for good: collections in a host need not look through it
"""
_LIGHTEN = r"""
import io, re, sys, types

# Standard input has a buffer of 128 KB.
facts = sys.stdin.encoding, sys.stdin.errors, "\n"
sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(sys.stdin.detach().detach(), 4096), *facts)
sys.stdin.mode = "r"

# The interpreter imports it as it starts, and there is no zip to import from.
sys.path_hooks[:] = [each for each in sys.path_hooks if each.__module__ != "zipimport"]
del sys.modules["zipimport"]

# attrs asks once whether it runs on PyPy.
sys.modules["platform"] = types.SimpleNamespace(python_implementation=lambda: "CPython")
import _reglet, attr._make
del sys.modules["platform"]

# It sets each field of a frozen instance by `object.__setattr__`, which takes a long way: one call does all.
field = re.compile(
    r"    _setattr\('(?P<name>\w+)', (?P<value>(?!.*\bself\b).+)\)\n"
    r"|    if (?P<given>\w+) is not NOTHING:\n        _setattr\('(?P<made>\w+)', (?P=given)\)\n"
    r"    else:\n        _setattr\('(?P=made)', (?P<factory>\w+\(\))\)\n"
)
def with_setter(
    *arguments, made=attr._make._make_init_script, match=field.match, setter=_reglet.fields_setter, **options
):
    script, known, annotations = made(*arguments, **options)
    head, _, rest = script.partition("    _setattr = _cached_setattr_get(self)\n")
    names, values = [], []
    while found := match(rest):
        names.append(sys.intern(found["name"] or found["made"]))
        made_now = "{given} if {given} is not NOTHING else {factory}".format(**found.groupdict())
        values.append(found["value"] or made_now)
        rest = rest[found.end():]
    if not names or "_setattr" in rest:  # of a class that is not frozen, or where one field is made of others
        return script, known, annotations
    known["_set_fields"] = setter(tuple(names))
    return f"{head}    _set_fields(self, {', '.join(values)})\n{rest}", known, annotations
attr._make._make_init_script = with_setter
del _reglet, attr, field, with_setter
"""
"""What the interpreter and attrs would keep and no plugin needs that does not import it, or what is slow."""

_PREPARE = """
from reglet.infrastructure.guest import boot
exec({rehearsal!r}, {{"__name__": "rehearsal"}})
boot.prepare(bytes.fromhex({encodings!r}))
"""
_REHEARSAL = PACKAGE / "infrastructure" / "guest" / "rehearsal.py"
_SEALED = PACKAGE / "infrastructure" / "guest" / "sealed.py"
_COLLECT = "\nos.write(1, collect_encodings())\n"


class Snapshots:
    """The images for one runtime and one SDK, made when they are first asked for."""

    def __init__(self, product: RuntimeProduct, runtime: Runtime) -> None:
        self.runtime = runtime
        self._key = product.key
        self._kept = Cache(cache_folder() / "images", _MOST_IMAGES)
        self._base: bytes | None = None
        self.standard_library = StandardLibrary(product.stdlib)
        self.author_compiler = self._compiler(optimize=0, environment={})
        self.sdk = sdk_directory(Bytecode(runtime, self._compiler(optimize=2, environment=_WITHOUT_COLUMNS)))

    def base(self) -> bytes:
        """Return the base image."""
        if self._base is None:
            key = _digest(self._key, _LIGHTEN, _PREPARE, *sdk_contents())
            self._base = self._get(f"base-{key}", self._make_base)
        return self._base

    def _make_base(self) -> bytes:
        with Guest(self.runtime, {STANDARD_LIBRARY_ROOT: self.standard_library}) as guest:
            collected = guest.run(_SEALED.read_text(encoding="utf-8") + _COLLECT)
        rehearsal = _REHEARSAL.read_text(encoding="utf-8")
        return self._start(
            {SDK_ROOT: self.sdk},
            {},
            _LIGHTEN + _PREPARE.format(rehearsal=rehearsal, encodings=collected.hex()),
        )

    def _compiler(self, *, optimize: int, environment: dict[str, str]) -> Compiler:
        source = _COMPILER.read_text(encoding="utf-8")
        key = _digest(self._key, source, *environment)

        @cache
        def image() -> bytes:
            return self._get(f"compiler-{key}", lambda: self._start({}, environment, source))

        return Compiler(key, image, optimize)

    def _start(self, folders: dict[str, Directory], environment: dict[str, str], source: str) -> bytes:
        seen = {STANDARD_LIBRARY_ROOT: self.standard_library, **folders}
        with Guest(self.runtime, seen, environment=environment) as guest:
            guest.run(source)
            return guest.image()

    def _get(self, name: str, make: Callable[[], bytes]) -> bytes:
        image = self._kept.read(name)
        if image is None:
            image = make()
            self._kept.write(name, image)
        return image


def sdk_directory(compile_source: SourceCompiler) -> Directory:
    """Return the SDK's guest side and what it needs, as the guest sees it under SDK_ROOT."""

    def only(root: Path) -> SourceDirectory:
        return SourceDirectory(
            root.parent,
            SDK_ROOT,
            compile_source,
            shown=lambda path: path.is_relative_to(root) and path not in _NOT_IN_GUEST,
        )

    return ImportRoots(tuple(only(root) for root in _sdk_paths()))


def sdk_contents() -> Iterator[bytes]:
    """Yield names and contents of all files of the SDK that a guest can see."""
    hidden = {str(each) for each in _NOT_IN_GUEST}
    for root in _sdk_paths():
        start = len(str(root.parent)) + 1
        files = [str(root)] if root.is_file() else []
        for folder, folders, names in os.walk(root):
            folders[:] = [
                each for each in folders if each != "__pycache__" and f"{folder}{os.sep}{each}" not in hidden
            ]
            files += [f"{folder}{os.sep}{each}" for each in names if each.endswith(".py")]
        for path in sorted(files):
            yield path[start:].replace(os.sep, "/").encode()
            with open(path, "rb") as file:  # noqa: PTH123 - two hundred files a build: Path costs a third more
                yield file.read()


def _sdk_paths() -> Iterator[Path]:
    yield PACKAGE
    for name in _DEPENDENCIES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise BuildError(f"{name} is not installed, and plugins need it: reinstall reglet")
        origin = Path(spec.origin)
        yield origin.parent if origin.name == "__init__.py" else origin


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()[:32]


_FILE_IN_TRACEBACK = re.compile(rf'File "((?:{PLUGIN_ROOT}|{PACKAGES_ROOT})/[^"]+)"')


@frozen
class ImportEffects:
    """What a plugin did while it was imported.

    Attributes:
        environment: name and stack of each reading of a variable; the name is empty for all of them.
        clock_readings: how often the clock was read.
        random_requests: how often random bytes were taken.
        looks: the paths that it looked at outside of what a build shows.
        hidden: its modules that Python's own of the same name stood before.
    """

    environment: tuple[tuple[str, str], ...]
    clock_readings: int
    random_requests: int
    looks: tuple[str, ...]
    hidden: tuple[str, ...]


@frozen
class Absences:
    """What the functions of a plugin and its packages need, and a built plugin has not.

    Attributes:
        submodules: those that are taken from their package by `from package import module`.
        found: modules that a function can do without, though there they would be found.
        attributes: module and name of each attribute that is not in a module of the standard library.
    """

    submodules: frozenset[str]
    found: frozenset[str]
    attributes: frozenset[tuple[str, str]]


@frozen(eq=False, repr=False)
class Sealed:
    """A plugin as it is deployed.

    Attributes:
        memory: its memory.
        modules: the names of its modules.
        unused: the built-in modules that it is without.
    """

    memory: bytes
    modules: list[str]
    unused: frozenset[str]


class PluginGuest:
    """A guest with a plugin's folders in sight. It is a context manager."""

    def __init__(self, snapshots: Snapshots, project: Project, packages: tuple[Path, ...]) -> None:
        self._project = project
        self._bytecode = Bytecode(snapshots.runtime, snapshots.author_compiler)
        real = tuple(each.resolve() for each in (*project.roots, *packages))

        def import_roots(folders: tuple[Path, ...], guest_path: str) -> ImportRoots:
            note = self._bytecode.read.add
            return ImportRoots(
                tuple(
                    SourceDirectory(each, guest_path, self._bytecode, roots=real, note=note)
                    for each in folders
                )
            )

        self._roots = {
            PLUGIN_ROOT: import_roots(project.roots, PLUGIN_ROOT),
            PACKAGES_ROOT: import_roots(packages, PACKAGES_ROOT),
        }
        self._runtime = snapshots.runtime
        self._folders: dict[str, Directory] = {
            STANDARD_LIBRARY_ROOT: snapshots.standard_library,
            SDK_ROOT: snapshots.sdk,
            **self._roots,
        }
        self._guest = Guest(self._runtime, self._folders, snapshots.base())
        self.output = ""
        """What the plugin printed."""

    def __enter__(self) -> Self:
        """Return the guest."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of the guest."""
        self._guest.close()

    @property
    def sources(self) -> list[Source]:
        """The plugin's and packages' files that were imported."""
        return self._bytecode.sources

    def load(self) -> ImportEffects:
        """Import the plugin; return what was noticed.

        Raises:
            PluginImportError: its code failed.
            ImportSideEffectError: it called the host or left a file open.
        """
        clock, random = self._guest.clock, self._guest.random
        readings, requests = clock.readings, random.requests
        project = self._project
        report = self._stage(
            "load",
            module=project.module,
            attribute=project.attribute,
            version=project.version,
            project=project.name,
        )
        effects = ImportEffects(
            environment=tuple((each["name"], each["where"]) for each in report["environment"]),
            clock_readings=clock.readings - readings,
            random_requests=random.requests - requests + report["draws"],
            looks=tuple(report["looks"]),
            hidden=tuple(name for name in report["known"] if self._is_hidden(name)),
        )
        self._stage("complete")
        return effects

    def _is_hidden(self, module: str) -> bool:
        """Whether a top-level module of the plugin was not imported for one that was there before."""
        roots = self._roots[PLUGIN_ROOT]
        is_there = roots.find([f"{module}.py"]) or roots.find([module, "__init__.py"])
        imports = re.compile(rf"^\s*(import|from)\s+{module}\b".encode(), re.MULTILINE)
        return is_there is not None and any(
            imports.search(each.path.read_bytes())
            for each in self.sources
            if each.guest_path.startswith(PLUGIN_ROOT + "/")
        )

    def trace(self) -> dict[str, str]:
        """Import the plugin in place of `load`; return where it reads the `clock`, takes `random` bytes.

        Where a module of the standard library alone does so, as it is imported, the place is empty.
        """
        project = self._project
        report = self._stage("trace", module=project.module, version=project.version, project=project.name)
        found: dict[str, str] = report["found"]
        return {kind: self.shown(where) for kind, where in found.items()}

    def describe(self) -> dict[str, Any]:
        """Have the plugin describe itself; return its name, version and usable host functions.

        Raises:
            PluginImportError: it cannot.
        """
        return self._stage("describe")

    @property
    def read_files(self) -> set[Path]:
        """The files that were read as they are: data, and sources for tracebacks."""
        return self._bytecode.read

    def has_package(self, name: str) -> bool:
        """Whether a package can be imported that is not part of the standard library."""
        return self._roots[PACKAGES_ROOT].find([name, "__init__.py"]) is not None

    def absences(self) -> Absences:
        """Return what functions need and was not imported."""
        waiting = [(source, each) for source in self.sources for each in source.waiting_imports]
        taken = [[imported_module(source, each), list(each.names)] for source, each in waiting if each.names]
        doubtful = sorted({imported_module(source, each) for source, each in waiting if each.may_fail})
        attributes = {
            (module, name)
            for source in self.sources
            if source.guest_path.startswith(PLUGIN_ROOT + "/")
            for _, module, name in source.attributes
        }
        # asked elsewhere: what else is installed must leave no trace in the plugin
        with Guest(self._runtime, self._folders, self._guest.memory()) as another:
            report = self._stage(
                "absences", another, taken=taken, doubtful=doubtful, attributes=sorted(attributes)
            )
        return Absences(
            submodules=frozenset(report["submodules"]),
            found=frozenset(report["found"]),
            attributes=frozenset((module, name) for module, name in report["attributes"]),
        )

    def memory(self, host_functions: int) -> Sealed:
        """Return the plugin's memory, and what is in it. The guest must not be run afterwards.

        Args:
            host_functions: the mask of those that the plugin may call.

        Raises:
            ImportSideEffectError: it left files open.
        """
        report = self._stage("seal")
        self._guest.run(_FREEZE)
        left_open = self._guest.open_files()
        if left_open:
            names = ", ".join(self.real_path(each) for each in left_open)
            raise ImportSideEffectError(
                f"the plugin leaves files open at import: {names}; read them in a `with` block"
            )
        self._guest.keep_objects()
        return Sealed(self._guest.image(host_functions), report["modules"], frozenset(report["unused"]))

    def real_path(self, guest_path: str) -> str:
        """Return where a file that the guest sees lies on this machine."""
        _, root, *parts = PurePosixPath(guest_path).parts
        roots = self._roots.get(f"/{root}")
        found = roots.find(parts) if roots else None
        return guest_path if found is None else str(found)

    def shown(self, traceback: str) -> str:
        """Return a traceback with the paths of this machine."""
        return _FILE_IN_TRACEBACK.sub(lambda match: f'File "{self.real_path(match[1])}"', traceback)

    def _stage(self, name: str, guest: Guest | None = None, **arguments: Any) -> dict[str, Any]:
        what = "describe itself" if name == "describe" else "be imported"
        try:
            written = (guest or self._guest).run(f"boot.run_stage({name!r}, {json.dumps(arguments)!r})")
        except GuestStoppedError as error:
            message = f"{self._project.module} cannot {what}: {error}"
            raise PluginImportError(message, output=error.output) from error
        printed, mark, line = written.rpartition(REPORT_MARK.encode())
        self.output += printed.decode(errors="replace")
        if not mark:
            raise BuildError(f"the guest's stage {name} gave no report: {printed.decode(errors='replace')}")
        report: dict[str, Any] = json.loads(line)
        calls = report.get("host_calls", [])
        if calls:
            raise ImportSideEffectError(
                f"the plugin calls the host ({calls[0]['name']}) while it is imported; do it in the handler",
                self.shown(calls[0]["where"]),
            )
        if self._guest.refused_calls:
            called = self._guest.refused_calls[0]
            raise ImportSideEffectError(
                f"the plugin calls the host ({called}) in its build: do it in the handler"
            )
        if "error" in report:
            cause, traceback = one_sentence(report["error"]), self.shown(report["traceback"])
            if cause.startswith("ImportError") and report["native"]:
                native = report["native"][-1]
                cause += f"; {native} is a native extension module, and a plugin has pure Python only"
            module = self._project.module
            message = f"{module} cannot {what}: {cause}{advice(cause, traceback, plugin_module=module)}"
            raise PluginImportError(message, traceback, self.output)
        return report
