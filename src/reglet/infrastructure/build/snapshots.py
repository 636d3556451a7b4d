"""Memories of guests that have got somewhere, kept so that no build starts from nothing.

The compiler image has an interpreter and our compiling code. The base image has an interpreter and the SDK.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import reglet
from reglet.infrastructure.build.errors import BuildError
from reglet.infrastructure.build.runtime import Guest
from reglet.infrastructure.build.sources import (
    Bytecode,
    Compiler,
    ImportRoots,
    SourceDirectory,
    StandardLibrary,
)
from reglet.infrastructure.build_contract import SDK_ROOT, STANDARD_LIBRARY_ROOT
from reglet.infrastructure.engine import Cache, cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reglet.infrastructure.build.runtime import Runtime
    from reglet.infrastructure.build.sources import SourceCompiler
    from reglet.infrastructure.runtime.product import RuntimeProduct
    from reglet.infrastructure.wasi import Directory

_MOST_IMAGES = 6
"""About 12 MB each."""

_PACKAGE = Path(reglet.__file__).parent
_COMPILER = _PACKAGE / "infrastructure" / "guest" / "compiler.py"
_OTHER_ROOMS = ("build", "engine", "host", "native", "runtime", "wasi", "wasm", "atomic.py")
_NOT_IN_GUEST = {
    *(_PACKAGE / part for part in ("cli", "testing", "sandbox.py")),
    *(_PACKAGE / "infrastructure" / room for room in _OTHER_ROOMS),
}
_WITHOUT_COLUMNS = {"PYTHONNODEBUGRANGES": "1"}
"""For the SDK: tables of lines without columns, which mark parts of lines in tracebacks, are smaller."""
_DEPENDENCIES = ("attr", "attrs", "cattrs", "typing_extensions")

_PREPARE = """
from reglet.infrastructure.guest import boot
boot.prepare()
"""


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
            key = _digest(self._key, *sdk_contents())
            self._base = self._get(f"base-{key}", lambda: self._start({SDK_ROOT: self.sdk}, {}, _PREPARE))
        return self._base

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
    for root in _sdk_paths():
        start = len(str(root.parent)) + 1
        for path in sorted(_python_files(root)):
            yield path[start:].replace(os.sep, "/").encode()
            with open(path, "rb") as file:  # noqa: PTH123 - two hundred files a build: Path costs a third more
                yield file.read()


def _python_files(root: Path) -> Iterator[str]:
    if root.is_file():
        yield str(root)
        return
    hidden = {str(each) for each in _NOT_IN_GUEST}
    for folder, folders, files in os.walk(root):
        folders[:] = [
            each for each in folders if each != "__pycache__" and f"{folder}{os.sep}{each}" not in hidden
        ]
        yield from (f"{folder}{os.sep}{each}" for each in files if each.endswith(".py"))


def _sdk_paths() -> Iterator[Path]:
    yield _PACKAGE
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
