"""The author's source as syntax: its files, what its names mean, what runs in a check and what at import.

Nothing is run. A function belongs to a check if an operation's method names it, or something that such a
function names. It belongs to the import if the top of a module calls it. Names are followed through imports
and constants, values are not: what is reached by way of a parameter, an object or a package is not seen.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from attrs import define, field, frozen

from reglet.infrastructure.build.project import Project

_PATH = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"})
SOME_PATH = PurePosixPath()
"""Stands for a path that only a run would show."""

_IGNORING = re.compile(r"#\s*reglet:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@frozen(eq=False, slots=False)
class SourceFile:
    """One file of the author's.

    Attributes:
        module: the name that it is imported by.
        package: the name that its relative imports start from.
        shown: how findings name the file.
        tree: what it says.
        ignores: the lines with a comment that ignores findings, and its codes.
    """

    module: str
    package: str
    shown: str
    tree: ast.Module = field(repr=False)
    ignores: Mapping[int, Sequence[str]] = field(factory=dict)

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """What each node stands in."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What names mean in full: `Path` is `pathlib.Path`."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {each.asname or each.name: each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = self.package.split(".")[: 1 - node.level or None] if node.level else []
                origin = ".".join([*above, *([node.module] if node.module else [])])
                names |= {each.asname or each.name: f"{origin}.{each.name}" for each in node.names}
        own = [each.name for each in self.tree.body if isinstance(each, Function | ast.ClassDef)]
        return names | {name: f"{self.module}.{name}" for name in (*own, *self.constants)}

    @cached_property
    def constants(self) -> Mapping[str, ast.expr | None]:
        """What the names at the top of the module are set to; None for those that are set more than once."""
        values: dict[str, ast.expr | None] = {}
        for name, value in _assignments(self.tree.body):
            values[name] = None if name in values else value
        return values

    def full_name(self, node: ast.AST) -> str:
        """Return the full name that an expression is, `datetime.datetime.now`; empty if it is no name."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        inner = self.full_name(node.value) if isinstance(node, ast.Attribute) else ""
        return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""

    def is_decorated(self, node: Function | ast.ClassDef, decorator: str) -> bool:
        """Whether a decorator of this name is called above a function or class."""
        called = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
        return any(self.full_name(each).rpartition(".")[2] == decorator for each in called)

    def lines_of(self, node: ast.AST) -> range:
        """Return the lines of the statement that a node stands in; of a longer one, those of its head."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        body: list[ast.stmt] = getattr(node, "body", [])
        last = max(body[0].lineno - 1, node.lineno) if body else node.end_lineno or node.lineno
        return range(first, last + 1)


def _assignments(statements: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that statements assign, and what to."""
    for node in statements:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        value = None if isinstance(node, ast.AugAssign) else getattr(node, "value", None)
        yield from ((each.id, value) for each in targets if isinstance(each, ast.Name))


@define
class Sources:
    """The author's files, and what of them runs in a check and what at import."""

    files: Sequence[SourceFile]
    _functions: dict[str, list[tuple[SourceFile, Function]]] = field(init=False, factory=dict)
    _methods: dict[str, list[tuple[SourceFile, Function]]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Find functions by their full name, and methods by their own and by that of their class."""
        for source in self.files:
            for node in source.tree.body:
                if isinstance(node, Function):
                    self._functions.setdefault(f"{source.module}.{node.name}", []).append((source, node))
                for method in node.body if isinstance(node, ast.ClassDef) else ():
                    if isinstance(method, Function):
                        self._methods.setdefault(method.name, []).append((source, method))
                        made = f"{source.module}.{getattr(node, 'name', '')}"
                        self._functions.setdefault(made, []).append((source, method))

    @classmethod
    def of(cls, project: Project) -> Sources:
        """Return the plugin's module and what it imports from the folders of its project, and so on."""
        files: list[SourceFile] = []
        waiting, seen = [project.module], set[str]()
        while waiting:
            module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            parts = module.split(".")
            beside = [root.joinpath(*parts[:-1], f"{parts[-1]}.py") for root in project.roots]
            inside = [root.joinpath(*parts, "__init__.py") for root in project.roots]
            path = next((each for each in (*inside, *beside) if each.is_file()), None)
            if path is None:
                continue
            shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            package = module if path in inside else module.rpartition(".")[0]
            content = path.read_bytes()
            ignores = {}
            for token in tokenize.tokenize(io.BytesIO(content).readline):
                found = _IGNORING.search(token.string) if token.type == tokenize.COMMENT else None
                if found is not None:
                    codes = re.split(r"[\s,]+", found["codes"] or "")
                    ignores[token.start[0]] = [code for code in codes if code]
            source = SourceFile(module, package, shown.as_posix(), ast.parse(content), ignores)
            files.append(source)
            for name in (*source.names.values(), module):
                steps = name.split(".")
                waiting += [".".join(steps[:length]) for length in range(1, len(steps) + 1)]
        return cls(files)

    def class_of(self, cls: type) -> tuple[SourceFile, ast.ClassDef] | None:
        """Return where a class is written, None if that is not in these files."""
        for source in self.files:
            for node in source.tree.body if source.module == cls.__module__ else ():
                if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                    return source, node
        return None

    def bodies_of(self, cls: type) -> Iterator[tuple[SourceFile, ast.stmt]]:
        """Yield the statements of a class and its bases, as far as they are written in these files."""
        for source, node in filter(None, map(self.class_of, cls.__mro__)):
            yield from ((source, each) for each in node.body)

    def in_checks(self) -> Iterator[tuple[SourceFile, Function]]:
        """Yield the functions that operations reach."""
        methods = [each for found in self._methods.values() for each in found]
        waiting = [(source, node) for source, node in methods if source.is_decorated(node, "operation")]
        seen = {node for _, node in waiting}
        while waiting:
            source, function = waiting.pop()
            yield source, function
            for node in inside(function):
                reached = list(self._functions.get(source.full_name(node), ()))
                if isinstance(node, ast.Attribute):
                    reached += self._methods.get(node.attr, ())
                waiting += [each for each in reached if each[1] not in seen]
                seen.update(each for _, each in reached)

    def at_import(self) -> Iterator[tuple[SourceFile, ast.AST]]:
        """Yield every node that runs while the modules are imported."""
        seen: set[Function] = set()
        waiting = [(source, _run_by(source.tree.body)) for source in self.files]
        while waiting:
            source, nodes = waiting.pop()
            for node in nodes:
                yield source, node
                called = source.full_name(node.func) if isinstance(node, ast.Call) else ""
                for file, function in self._functions.get(called, ()):
                    if function not in seen:
                        seen.add(function)
                        waiting.append((file, _run_by(function.body)))

    def value(  # noqa: C901, PLR0911 - a case a kind of expression
        self, source: SourceFile, function: Function | None, node: ast.AST | None, depth: int = 9
    ) -> str | PurePosixPath | None:
        """Return the string or path that an expression is; a path that is not known is relative."""
        if depth == 0 or node is None:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                if function is not None:
                    own = [value for each, value in _assignments(inside(function)) if each == name]
                    if own or name in {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}:
                        return self.value(source, function, own[0], depth - 1) if len(own) == 1 else None
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined(source, function, [left, right], depth)
            case ast.Call(func=called, args=arguments) if source.full_name(called) in _PATH:
                return self._joined(source, function, arguments, depth)
            case ast.Call(func=called, args=arguments) if source.full_name(called) == "os.path.join":
                joined = self._joined(source, function, arguments, depth)
                return None if joined == SOME_PATH else str(joined)
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Attribute(value=inner):
                of_path = source.full_name(inner) in _PATH  # Path.cwd()
                if of_path or isinstance(self.value(source, function, inner, depth - 1), PurePosixPath):
                    return SOME_PATH  # its parent, or what it resolves to
        module, _, name = source.full_name(node).rpartition(".")
        home = next((each for each in self.files if each.module == module), None)
        return None if home is None else self.value(home, None, home.constants.get(name), depth - 1)

    def _joined(
        self, source: SourceFile, function: Function | None, nodes: Sequence[ast.AST], depth: int
    ) -> PurePosixPath:
        parts = [self.value(source, function, each, depth - 1) for each in nodes]
        known = [each for each in parts if each is not None and each != SOME_PATH]
        return PurePosixPath(*known) if len(known) == len(nodes) else SOME_PATH


def inside(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes that run when a function is called, those of functions in it too."""
    for statement in function.body:
        yield from ast.walk(statement)


def _run_by(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes that run with some others: of functions their decorators and defaults alone."""
    for node in nodes:
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
                yield from _run_by([*defaults, *getattr(node, "decorator_list", ())])
            case ast.AnnAssign():
                yield from _run_by(filter(None, [node.value]))
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from _run_by(node.orelse)
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                yield from _run_by(node.orelse)
            case _:
                yield from _run_by(ast.iter_child_nodes(node))
