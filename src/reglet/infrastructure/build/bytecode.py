"""Source compiled by the guest's own compiler, each file once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import attrs

from reglet.infrastructure.build.guest import Guest
from reglet.infrastructure.engine import Cache, cache_folder
from reglet.infrastructure.wasi import MemoryDirectory, MemoryFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reglet.infrastructure.build.loaded_runtime import LoadedRuntime

_MOST_FILES = 20_000
_SOURCE = "/source"


@attrs.frozen
class WaitingImport:
    """An import inside a function, which runs when the function does.

    Attributes:
        line: where it stands, from 1.
        level: the number of leading dots.
        module: the module's name; may be empty after dots.
        names: what is taken from it; empty for `import module`.
    """

    line: int
    level: int
    module: str
    names: tuple[str, ...]


@attrs.frozen
class Source:
    """A file that the guest imported."""

    path: Path
    guest_path: str
    waiting_imports: tuple[WaitingImport, ...]


@attrs.frozen
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

    def __init__(self, runtime: LoadedRuntime, compiler: Compiler) -> None:
        self._runtime = runtime
        self._compiler = compiler
        self._kept = Cache(cache_folder() / "bytecode", _MOST_FILES)
        self.sources: list[Source] = []

    def __call__(self, path: Path, guest_path: str) -> bytes | None:
        """Return a file's `.pyc`; None if it does not compile, as the guest's own attempt will show."""
        source = path.read_bytes()
        facts = f"{self._compiler.key}\0{guest_path}\0{self._compiler.optimize}\0"
        key = hashlib.sha256(facts.encode() + source).hexdigest()
        content = self._kept.read(key)
        if content is None:
            content = self._compile(source, guest_path)
            if not content:
                return None
            self._kept.write(key, content)
        found, _, code = content.partition(b"\n")
        self.sources.append(Source(path, guest_path, _waiting_imports(json.loads(found))))
        return code

    def _compile(self, source: bytes, guest_path: str) -> bytes:
        folder = MemoryDirectory({"module.py": MemoryFile(source)})
        with Guest(self._runtime, {_SOURCE: folder}, self._compiler.image()) as guest:
            return guest.run(
                f"compile_file('{_SOURCE}/module.py', {guest_path!r}, {self._compiler.optimize})"
            )


def _waiting_imports(found: list[Any]) -> tuple[WaitingImport, ...]:
    return tuple(WaitingImport(line, level, module, tuple(names)) for line, level, module, names in found)
