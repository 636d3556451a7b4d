"""Runs inside a guest of its own: compiles one source file, and finds the imports that wait in functions.

The guest's source is this file's text; it imports the standard library alone.
"""

from __future__ import annotations

import ast
import json
import os
import warnings
from collections.abc import Callable
from importlib import _bootstrap_external

IGNORED = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}

LEAN = 2
"""The level at which docstrings, assertions and the annotations of functions are left out."""


def compile_file(path: str, shown_path: str, optimize: int) -> None:
    """Write the waiting imports as a line of JSON, then the `.pyc`; nothing for what does not compile."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not in this guest
        source = file.read()
    # a warning would stand in what is written; authors see it when they run the plugin in process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = without_annotations(source) if optimize == LEAN else source
            code = compile(program, shown_path, "exec", dont_inherit=True, optimize=optimize)
        except (SyntaxError, ValueError):
            return  # the plugin's guest compiles it again, and shows the author where
        found = json.dumps(waiting_imports(ast.parse(source)))
    to_pyc: Callable[..., bytearray] = vars(_bootstrap_external)["_code_to_hash_pyc"]
    os.write(1, found.encode() + b"\n" + to_pyc(code, bytes(8), checked=False))


def without_annotations(source: bytes) -> ast.Module:
    """Return a program without the annotations of its functions; those of classes make fields, and stay."""
    program = ast.parse(source)
    for node in ast.walk(program):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
    return program


def waiting_imports(tree: ast.AST) -> list[list[object]]:
    """Return [line, level, module, names] of each import in a function that does not expect it to fail."""
    found: list[list[object]] = []

    def visit(node: ast.AST, *, inside: bool) -> None:
        if inside and isinstance(node, ast.Import):
            found.extend([node.lineno, 0, each.name, []] for each in node.names)
        elif inside and isinstance(node, ast.ImportFrom):
            found.append([node.lineno, node.level, node.module or "", [each.name for each in node.names]])
        elif isinstance(node, ast.Try) and any(map(expects_failure, node.handlers)):
            return
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside=inside)

    visit(tree, inside=False)
    return found


def expects_failure(handler: ast.ExceptHandler) -> bool:
    """Tell whether an `except` catches a failed import."""
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in IGNORED for name in names)
