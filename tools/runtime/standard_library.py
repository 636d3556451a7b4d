"""The standard library, compiled by the guest's own compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.infrastructure import STANDARD_LIBRARY_ROOT
from reglet.infrastructure.build.runtime import Guest
from reglet.infrastructure.wasi.tree import MemoryFile, directory_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.build.runtime import Runtime

_EXCLUDED = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "tkinter", "turtledemo")
"""Packages, at any depth, that are of no use without a screen, a network or a test suite."""

_ENVIRONMENT = {
    "PYTHONNODEBUGRANGES": "1",  # no columns in the tables of lines: a tenth of what a plugin weighs
    "PYTHONWARNINGS": "ignore",  # they would stand between the bytes
}

# Without docstrings and asserts, and the interpreter leaves out columns: plugins carry what they import.
_COMPILER = """
import importlib._bootstrap_external, os

def write_compiled(path):
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, path, "exec", dont_inherit=True, optimize=2)
    os.write(1, importlib._bootstrap_external._code_to_hash_pyc(code, bytes(8), False))
"""


def chosen(standard_library: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the source files that the runtime ships."""
    return {
        name: source
        for name, source in standard_library.items()
        if name.endswith(".py") and not set(name.split("/")[:-1]) & set(_EXCLUDED)
    }


def compile_all(runtime: Runtime, sources: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """Compile modules in a guest that has them as its standard library.

    Return the `.pyc` files by their path, `python/json/__init__.pyc` and so on, and the names of the modules
    that are part of the interpreter itself.

    Raises:
        GuestError: the guest did not compile a module.
    """
    folder = directory_of({name: MemoryFile(source) for name, source in sources.items()})
    with Guest(runtime, {STANDARD_LIBRARY_ROOT: folder}, environment=_ENVIRONMENT) as guest:
        names = guest.run("import os, sys\nos.write(1, ' '.join(sys.builtin_module_names).encode())")
        guest.run(_COMPILER)
        compiled = {}
        for name in sorted(sources):
            path = f"{STANDARD_LIBRARY_ROOT}/{name}"
            compiled[f"{path.removeprefix('/')}c"] = guest.run(f"write_compiled({path!r})")
    return compiled, names.decode().split()
