"""The standard library, compiled by the guest's own compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.runtime.interpreter import Interpreter

MOUNT = "python"
"""The directory that a guest finds the standard library in."""

_LEFT_OUT = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "tkinter", "turtledemo")
"""Packages, at any depth, that are of no use without a screen, a network or a test suite."""

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
    """Give the source files that the runtime ships."""
    return {
        name: source
        for name, source in standard_library.items()
        if name.endswith(".py") and not set(name.split("/")[:-1]) & set(_LEFT_OUT)
    }


def compile_all(interpreter: Interpreter, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compile modules; give the `.pyc` files by their path, `python/json/__init__.pyc` and so on.

    The interpreter must have the same files at `/python`.
    """
    interpreter.run(_COMPILER)
    return {
        f"{MOUNT}/{name}c": interpreter.run(f"write_compiled({f'/{MOUNT}/{name}'!r})")
        for name in sorted(sources)
    }


def builtin_modules(interpreter: Interpreter) -> list[str]:
    """List the modules that are part of the interpreter itself."""
    names = interpreter.run("import os, sys\nos.write(1, ' '.join(sys.builtin_module_names).encode())")
    return names.decode().split()
