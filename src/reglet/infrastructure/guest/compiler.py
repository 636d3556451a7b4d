"""Runs inside a guest of its own: compiles one source file, and finds what waits in its functions.

The guest's source is this file's text; it imports the standard library alone.
"""

from __future__ import annotations

import ast
import json
import os
import warnings
from collections.abc import Callable, Iterator
from importlib import _bootstrap_external

ast.unparse(ast.Constant(None))  # what it needs is imported while there are files to import from

LEAN = 2
"""The level at which docstrings, assertions and the annotations of functions are left out."""


def compile_file(path: str, shown_path: str, optimize: int) -> None:
    """Write what waits as a line of JSON, then the `.pyc`; nothing for what does not compile."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not in this guest
        source = file.read()
    # a warning would stand in what is written; authors see it when they run the plugin in process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
            waiting = Waiting(tree)
            program = without_annotations(tree) if optimize == LEAN else source
            code = compile(program, shown_path, "exec", dont_inherit=True, optimize=optimize)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # the plugin's guest compiles it again, and shows the author where
    found = json.dumps([waiting.imports, waiting.computed, waiting.attributes])
    to_pyc: Callable[..., bytearray] = vars(_bootstrap_external)["_code_to_hash_pyc"]
    answer = found.encode() + b"\n" + to_pyc(code, bytes(8), checked=False)
    while answer:
        answer = answer[os.write(1, answer) :]


def without_annotations(program: ast.Module) -> ast.Module:
    """Take the annotations of functions out of a program; those of classes make fields, and stay."""
    for node in ast.walk(program):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
    return program


_FAILURES = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"}
_CONDITIONS = {"hasattr", "platform", "version_info"}
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BY_NAME = {"__import__", "find_spec", "import_module", "resolve_name", "run_module"}
_BY_PATH = {"SourceFileLoader", "iter_modules", "run_path", "spec_from_file_location", "walk_packages"}
_OF_INSTALLED = {"distributions", "entry_points", "packages_distributions"}


class Waiting:
    """What waits in the functions of a program: it needs what a built plugin may not have."""

    def __init__(self, tree: ast.Module) -> None:
        """Look through a program."""
        self.imports: list[list[object]] = []
        """[line, level, module, names, may fail] of each import."""
        self.computed: list[list[object]] = []
        """[line, source] of each call that imports what is known when it is made."""
        self.attributes: list[list[object]] = []
        """[line, module, attribute] of each that is taken from a module."""
        self._modules: dict[str, str] = {}
        """Modules by what the program calls them."""
        self._importers: dict[str, str] = {}
        """Functions that import, by what the program calls them."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    top = each.name.partition(".")[0]
                    self._modules[each.asname or top] = each.name if each.asname else top
            elif isinstance(node, ast.ImportFrom) and not node.level:
                self._importers |= {each.asname: each.name for each in node.names if each.asname}
        pending: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
        while pending:  # no recursion: code that a program made may be deep
            node, inside, may_fail = pending.pop()
            if inside:
                self._note(node, may_fail=may_fail)
            inside = inside or isinstance(node, _SCOPES)
            pending += [
                (child, inside, may_fail or expected) for child, expected in reversed([*_children(node)])
            ]

    def _note(self, node: ast.AST, *, may_fail: bool) -> None:
        if isinstance(node, ast.Import):
            self.imports += [[node.lineno, 0, each.name, [], may_fail] for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [each.name for each in node.names]
            self.imports.append([node.lineno, node.level, node.module or "", names, may_fail])
            if not node.level and not may_fail:
                self.attributes += [[node.lineno, node.module, name] for name in names if name != "*"]
        elif isinstance(node, ast.Call):
            self._note_call(node, may_fail=may_fail)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and not may_fail:
            module = self._modules.get(node.value.id)
            if module is not None and isinstance(node.ctx, ast.Load):
                self.attributes.append([node.lineno, module, node.attr])

    def _note_call(self, node: ast.Call, *, may_fail: bool) -> None:
        named = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        named = self._importers.get(named, named)
        if named in _BY_PATH | _OF_INSTALLED:
            self.computed.append([node.lineno, ast.unparse(node)])
        if named not in _BY_NAME or not node.args:
            return
        wanted, *others = (*node.args, *(each.value for each in node.keywords if each.arg == "package"))
        name = wanted.value if isinstance(wanted, ast.Constant) else None
        if not isinstance(name, str):
            if named not in ("find_spec", "resolve_name"):
                self.computed.append([node.lineno, ast.unparse(node)])
            return
        module = name.partition(":")[0]
        level = len(module) - len(module.lstrip("."))
        package = others[0] if level and others else None
        if isinstance(package, ast.Constant) and isinstance(package.value, str):
            parents = package.value.split(".")
            module = ".".join([*parents[: len(parents) - level + 1], module.lstrip(".")])
            level = 0
        may_fail = may_fail or named == "find_spec"
        self.imports.append([node.lineno, level, module.lstrip("."), [], may_fail])


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what is run of a node's children, and whether the program expects it to fail."""
    expected: list[ast.AST] = []
    skipped: list[ast.stmt] = []
    if isinstance(node, (ast.Try, ast.TryStar)):
        expected = [*node.body] if any(map(expects_failure, node.handlers)) else []
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        managers = [_names_in(item.context_expr) for item in node.items]
        suppresses = any("suppress" in names and names & _FAILURES for names in managers)
        expected = [*node.body] if suppresses else []
    elif isinstance(node, ast.If):
        names = _names_in(node.test)
        if "TYPE_CHECKING" in names and not isinstance(node.test, ast.UnaryOp):
            skipped = node.body
        elif names & _CONDITIONS:
            expected = [*node.body, *node.orelse]
    elif isinstance(node, ast.IfExp):
        expected = [node.body, node.orelse] if _names_in(node.test) & _CONDITIONS else []
    elif isinstance(node, ast.BoolOp):
        expected = [*node.values[1:]] if _names_in(node.values[0]) & _CONDITIONS else []
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield child, child in expected


def expects_failure(handler: ast.ExceptHandler) -> bool:
    """Report whether an `except` catches a failed import, or the want of an attribute."""
    return handler.type is None or bool(_names_in(handler.type) & _FAILURES)


def _names_in(node: ast.expr) -> set[str]:
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
