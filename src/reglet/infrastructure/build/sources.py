"""What a build shows to its guest: the standard library and Python source, compiled when asked for.

Source files come with a `__pycache__` that is not on disk: what is looked up there is compiled by the guest's
own compiler.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from contextlib import suppress
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attrs import evolve, frozen

from reglet.infrastructure import METADATA_SUFFIX, NATIVE_SUFFIX, STANDARD_LIBRARY_ROOT
from reglet.infrastructure.build import BuildError, OutsideRootsError
from reglet.infrastructure.build.runtime import Guest
from reglet.infrastructure.engine import Cache, cache_folder
from reglet.infrastructure.wasi.tree import DiskFile, MemoryDirectory, MemoryFile, directory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reglet.infrastructure.build.runtime import Runtime
    from reglet.infrastructure.wasi.tree import Directory, File


_ASK = "import json, sys, sysconfig; print(json.dumps([sys.path, sysconfig.get_paths()['stdlib']]))"
_MOST_SECONDS = 30


def package_folders(python: Path | None) -> tuple[Path, ...]:
    """Return the folders that an interpreter imports packages from, without its standard library.

    Args:
        python: the interpreter; None for the one that runs this.

    Raises:
        BuildError: it cannot be run, or does not answer as Python does.
    """
    if python is None:
        return _packages(sys.path, sysconfig.get_paths()["stdlib"])
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreter that the person named
            [str(python), "-c", _ASK], capture_output=True, check=True, text=True, timeout=_MOST_SECONDS
        )
        path, standard_library = json.loads(answer.stdout)
    except OSError as error:
        raise BuildError(f"{python} cannot be run: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{python} did not name its packages within {_MOST_SECONDS} seconds") from error
    except (subprocess.SubprocessError, ValueError) as error:
        raise BuildError(f"{python} is no Python: asked for its packages, it does not answer") from error
    return _packages(path, standard_library)


def _packages(path: list[str], standard_library: str) -> tuple[Path, ...]:
    folders = dict.fromkeys(Path(each).resolve() for each in path if each)
    standard = Path(standard_library).resolve()
    installation = standard.parent  # Windows has it in the path, and a folder of extension modules
    excluded = {standard, standard / "lib-dynload", installation, installation / "DLLs"}
    script = Path(sys.argv[0])
    if script.is_file():  # Python puts its folder first in the path: commands and no packages
        excluded.add(script.resolve().parent)
    elsewhere = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if getattr(sys.modules["__main__"], "__spec__", None) is not None:
        with suppress(FileNotFoundError):  # with -m, Python puts the working directory there
            excluded |= {Path.cwd()} - {Path(each).resolve() for each in elsewhere if each}
    return tuple(each for each in folders if each.is_dir() and each not in excluded)


_CACHE = "__pycache__"
_CACHED_SUFFIX = ".cpython-314.pyc"
_FOREIGN_EXTENSIONS = (".so", ".pyd")


class SourceCompiler(Protocol):
    """Compiles a source file for the guest."""

    def __call__(self, path: Path, guest_path: str) -> bytes | None:
        """Return the `.pyc`; None for source that does not compile."""
        ...


@frozen
class ReadFile(DiskFile):
    """A file on disk of which is noted that it was read."""

    note: Callable[[Path], object]

    def content(self) -> bytes:
        """Return the file's content."""
        self.note(self.path)
        return super().content()


@frozen
class SourceDirectory:
    """A folder of Python source.

    Attributes:
        path: where it is.
        guest_path: where the guest sees it.
        compile: makes `.pyc` files.
        shown: says which names are seen.
        roots: the folders, without links, that a link may lead into; anywhere if there are none.
        note: takes the path of each file that is read as it is.
    """

    path: Path
    guest_path: str
    compile: SourceCompiler
    shown: Callable[[Path], bool] = lambda _: True
    roots: tuple[Path, ...] = ()
    note: Callable[[Path], object] = lambda _: None

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name.

        Raises:
            OutsideRootsError: a link that leads out of the roots.
        """
        if name == _CACHE:
            return CompiledDirectory(self)
        path = self.path / name
        # On Windows `..\x` and `D:` are names to the guest, and lead elsewhere.
        if path.name != name or not self.shown(path):
            return None
        # A disk that knows no case has it by other spellings too.
        may_be_another = not name.isascii() or (self.path / name.swapcase()).exists()
        if may_be_another and not any(each.name == name for each in self.path.iterdir()):
            return None
        if self.roots and path.is_symlink():
            target = path.resolve()
            if not any(target.is_relative_to(root) for root in self.roots):
                raise OutsideRootsError(
                    f"{path} is a link to {target}, which is in no folder that this build takes files from: "
                    "put the file itself there"
                )
        if name.endswith(METADATA_SUFFIX) and not path.is_dir():
            path = self._distribution(name.removesuffix(METADATA_SUFFIX)) or path
        if path.is_dir():
            return evolve(self, path=path, guest_path=f"{self.guest_path}/{name}")
        if path.is_file():
            return ReadFile(path, self.note)
        is_native = name.endswith(NATIVE_SUFFIX) and self.native(name.removesuffix(NATIVE_SUFFIX))
        return MemoryFile(b"") if is_native else None

    def names(self) -> Sequence[str]:
        """Return the names, sorted, but for folders that are empty, or hold what is left of modules gone."""
        return sorted(
            each.name
            for each in self.path.iterdir()
            if each.name != _CACHE
            and self.shown(each)
            and not (each.is_dir() and {below.name for below in each.iterdir()} <= {_CACHE})
        )

    def _distribution(self, name: str) -> Path | None:
        """Return the metadata of the distribution of a normalized name, or that brings a package."""
        folders = sorted(self.path.glob(f"*{METADATA_SUFFIX}"))
        for folder in folders:
            if _normalized(folder.name.partition("-")[0]) == _normalized(name):
                return folder
        for folder in folders:
            with suppress(OSError, UnicodeDecodeError):
                files = (folder / "RECORD").read_text(encoding="utf-8").splitlines()
                tops = (each.partition(",")[0].partition("/")[0] for each in files)
                if name in {each.removesuffix(".py") for each in tops}:
                    return folder
        return None

    def native(self, module: str) -> bool:
        """Whether a native extension module of this name lies here, for whatever platform."""
        if any((self.path / (module + suffix)).is_file() for suffix in EXTENSION_SUFFIXES):
            return True
        return any(each.suffix in _FOREIGN_EXTENSIONS for each in self.path.glob(f"{module}.*"))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


@frozen
class CompiledDirectory:
    """The `__pycache__` of a source folder."""

    source: SourceDirectory

    def child(self, name: str) -> File | Directory | None:
        """Compile the source file that a cached file's name means."""
        if not name.endswith(_CACHED_SUFFIX):
            return None
        source = name.removesuffix(_CACHED_SUFFIX) + ".py"
        path = self.source.path / source
        if not isinstance(self.source.child(source), DiskFile):
            return None
        compiled = self.source.compile(path, f"{self.source.guest_path}/{source}")
        return None if compiled is None else MemoryFile(compiled)

    def names(self) -> Sequence[str]:
        """Return nothing: what can be had is not listed."""
        return ()


@frozen
class ImportRoots:
    """Several folders that imports start from, seen as one; the first that has a package has all of it."""

    folders: tuple[SourceDirectory, ...]

    def child(self, name: str) -> File | Directory | None:
        """Return what the first folder that has it shows; parts of a namespace package are one."""
        found = [(each, node) for each in self.folders if (node := each.child(name)) is not None]
        if not found:
            return None
        if name == _CACHE:
            return CompiledRoots(tuple(CompiledDirectory(folder) for folder, _ in found))
        folders = [each for _, each in found if isinstance(each, SourceDirectory)]
        if not folders:  # a file hides no package: it may be the command of the same name
            return found[0][1]
        package = next((each for each in folders if each.child("__init__.py") is not None), None)
        return package or ImportRoots(tuple(folders))

    def names(self) -> Sequence[str]:
        """Return the names of all, sorted."""
        return sorted({name for folder in self.folders for name in folder.names()})

    def find(self, parts: Sequence[str]) -> Path | None:
        """Return the file on disk that the guest sees at a path."""
        node: File | Directory | None = self
        for part in parts:
            if not isinstance(node, (ImportRoots, SourceDirectory)):
                return None
            node = node.child(part)
        return node.path if isinstance(node, DiskFile) else None


@frozen
class CompiledRoots:
    """The `__pycache__` of several folders."""

    folders: tuple[CompiledDirectory, ...]

    def child(self, name: str) -> File | Directory | None:
        """Return what the first folder has that knows the source."""
        return next((each for folder in self.folders if (each := folder.child(name)) is not None), None)

    def names(self) -> Sequence[str]:
        """Return nothing: what can be had is not listed."""
        return ()


class StandardLibrary:
    """The compiled standard library in its zip, opened when the guest first looks into it."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name."""
        return self._root.child(name)

    def names(self) -> Sequence[str]:
        """Return the names, sorted."""
        return self._root.names()

    @cached_property
    def _root(self) -> Directory:
        archive = zipfile.ZipFile(self._archive)
        prefix = STANDARD_LIBRARY_ROOT.removeprefix("/") + "/"
        return directory_of(
            {
                each.filename.removeprefix(prefix): ZippedFile(archive, each)
                for each in archive.infolist()
                if each.filename.startswith(prefix) and not each.is_dir()
            }
        )


@frozen
class ZippedFile:
    """A file in a zip."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def size(self) -> int:
        """Return the file's length in bytes."""
        return self.entry.file_size

    def content(self) -> bytes:
        """Return the file's content."""
        return self.archive.read(self.entry)


_MOST_FILES = 20_000
_SOURCE = "/source"


@frozen
class WaitingImport:
    """An import inside a function, which runs when the function does.

    Attributes:
        line: where it stands, from 1.
        level: the number of leading dots.
        module: the module's name; may be empty after dots.
        names: what is taken from it; empty for `import module`.
        may_fail: whether the function goes on without it.
    """

    line: int
    level: int
    module: str
    names: tuple[str, ...]
    may_fail: bool = False


@frozen
class Source:
    """A file that the guest imported.

    Attributes:
        path: where it is.
        guest_path: where the guest sees it.
        waiting_imports: the imports inside its functions.
        computed_imports: line and source of each call in a function that imports what is known then.
        attributes: line, module and name of each attribute that a function takes from a module.
    """

    path: Path
    guest_path: str
    waiting_imports: tuple[WaitingImport, ...]
    computed_imports: tuple[tuple[int, str], ...] = ()
    attributes: tuple[tuple[int, str, str], ...] = ()


@frozen
class Compiler:
    """A way to compile.

    Attributes:
        key: names all that its output depends on, beside the source.
        image: returns the memory of a guest that can compile.
        optimize: 0, or 2 to leave out docstrings, assertions and the annotations of functions.
    """

    key: str
    image: Callable[[], bytes]
    optimize: int


class Bytecode:
    """Compiles for one build. `.pyc` files are kept by content; what was asked for is remembered."""

    def __init__(self, runtime: Runtime, compiler: Compiler) -> None:
        self._runtime = runtime
        self._compiler = compiler
        self._kept = Cache(cache_folder() / "bytecode", _MOST_FILES)
        self.sources: list[Source] = []
        self.read: set[Path] = set()
        """Files that the guest read as they are: data, and sources for tracebacks."""

    def __call__(self, path: Path, guest_path: str) -> bytes | None:
        """Return a file's `.pyc`; None if it does not compile, as the guest's own attempt will show."""
        source = path.read_bytes()
        facts = f"{self._compiler.key}\0{guest_path}\0{self._compiler.optimize}\0"
        key = hashlib.sha256(facts.encode() + source).hexdigest()
        content = self._kept.read(key)
        if content is None:
            folder = MemoryDirectory({"module.py": MemoryFile(source)})
            with Guest(self._runtime, {_SOURCE: folder}, self._compiler.image()) as guest:
                content = guest.run(
                    f"compile_file('{_SOURCE}/module.py', {guest_path!r}, {self._compiler.optimize})"
                )
            if not content:
                return None
            self._kept.write(key, content)
        found, _, code = content.partition(b"\n")
        imports, computed, attributes = json.loads(found)
        waiting = tuple(
            WaitingImport(line, level, module, tuple(names), may_fail)
            for line, level, module, names, may_fail in imports
        )
        self.sources.append(
            Source(path, guest_path, waiting, tuple(map(tuple, computed)), tuple(map(tuple, attributes)))
        )
        return code
