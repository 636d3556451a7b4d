"""What a build shows to its guest: the standard library and folders of Python source.

Source files come with a `__pycache__` that is not on disk: what is looked up there is compiled by the guest's
own compiler when asked for.
"""

from __future__ import annotations

import zipfile
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Protocol

import attrs

from reglet.infrastructure.wasi import DiskFile, MemoryFile, directory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reglet.infrastructure.wasi import Directory, File

_CACHE = "__pycache__"
_CACHED_SUFFIX = ".cpython-314.pyc"
_FOREIGN_EXTENSIONS = (".so", ".pyd")

NATIVE_SUFFIX = ".native"
"""A file of this suffix is seen where there is a native extension module; the guest's finder looks for it."""


class SourceCompiler(Protocol):
    """Compiles a source file for the guest."""

    def __call__(self, path: Path, guest_path: str) -> bytes | None:
        """Return the `.pyc`; None for source that does not compile."""
        ...


@attrs.frozen
class SourceDirectory:
    """A folder of Python source.

    Attributes:
        path: where it is.
        guest_path: where the guest sees it.
        compile: makes `.pyc` files.
        shown: says which names are seen.
    """

    path: Path
    guest_path: str
    compile: SourceCompiler
    shown: Callable[[Path], bool] = lambda _: True

    def child(self, name: str) -> File | Directory | None:
        """Return what stands under a name."""
        if name == _CACHE:
            return CompiledDirectory(self)
        path = self.path / name
        if not self.shown(path):
            return None
        if path.is_dir():
            return attrs.evolve(self, path=path, guest_path=f"{self.guest_path}/{name}")
        if path.is_file():
            return DiskFile(path)
        if name.endswith(NATIVE_SUFFIX) and self.native(name.removesuffix(NATIVE_SUFFIX)):
            return MemoryFile(b"")
        return None

    def names(self) -> Sequence[str]:
        """Return the names, sorted."""
        return sorted(each.name for each in self.path.iterdir() if each.name != _CACHE and self.shown(each))

    def native(self, module: str) -> bool:
        """Tell whether a native extension module of this name lies here, for whatever platform."""
        if any((self.path / (module + suffix)).is_file() for suffix in EXTENSION_SUFFIXES):
            return True
        return any(each.suffix in _FOREIGN_EXTENSIONS for each in self.path.glob(f"{module}.*"))


@attrs.frozen
class CompiledDirectory:
    """The `__pycache__` of a source folder."""

    source: SourceDirectory

    def child(self, name: str) -> File | Directory | None:
        """Compile the source file that a cached file's name means."""
        if not name.endswith(_CACHED_SUFFIX):
            return None
        source = name.removesuffix(_CACHED_SUFFIX) + ".py"
        path = self.source.path / source
        if not path.is_file() or not self.source.shown(path):
            return None
        compiled = self.source.compile(path, f"{self.source.guest_path}/{source}")
        return None if compiled is None else MemoryFile(compiled)

    def names(self) -> Sequence[str]:
        """Return nothing: what can be had is not listed."""
        return ()


@attrs.frozen
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


@attrs.frozen
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
        prefix = "python/"
        return directory_of(
            {
                each.filename.removeprefix(prefix): ZippedFile(archive, each)
                for each in archive.infolist()
                if each.filename.startswith(prefix) and not each.is_dir()
            }
        )


@attrs.frozen
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
