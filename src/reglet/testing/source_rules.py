"""The rules of lint that only the author's source shows: what a check does, and what happens at import.

What is read is the syntax; nothing is run. A function belongs to a check if an operation's method names it,
or something that such a function names. It belongs to the import if the top of a module calls it. Names are
followed through imports and constants, values are not: what is reached by way of a parameter, an object or a
package is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeAlias

from attrs import define, field, frozen

from reglet.application.lint import Finding
from reglet.application.models.model_types import DictType, ListType, ModelType, Type, model_type
from reglet.domain.entities.grants import GrantSet
from reglet.domain.policy import Policy

_CLOCKS = frozenset(
    {
        "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today",
        "datetime.datetime.utcnow", "time.monotonic", "time.perf_counter", "time.time", "time.time_ns",
    }
)  # fmt: skip
_ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})
_RANDOM = frozenset({"os.urandom", "uuid.uuid1", "uuid.uuid4"})
_SEEDED = frozenset({"random.Random", "random.seed"})

_READING = frozenset(
    {
        "glob.glob", "glob.iglob", "io.open", "open", "os.access", "os.listdir", "os.lstat", "os.open",
        "os.path.exists", "os.path.getmtime", "os.path.getsize", "os.path.isdir", "os.path.isfile",
        "os.path.islink", "os.readlink", "os.scandir", "os.stat", "os.walk",
    }
)  # fmt: skip
_WRITING = frozenset(
    {
        "os.chmod", "os.makedirs", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.unlink",
    }
)  # fmt: skip
"""Functions whose first argument is a path."""

_PATH_READING = frozenset(
    {
        "exists", "glob", "is_dir", "is_file", "is_symlink", "iterdir", "lstat", "open", "read_bytes",
        "read_text", "readlink", "rglob", "stat",
    }
)  # fmt: skip
_PATH_WRITING = frozenset(
    {
        "chmod", "mkdir", "rename", "rmdir", "touch", "unlink", "write_bytes", "write_text",
    }
)  # fmt: skip
"""Methods of a `Path`."""

_PATH = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"})
_SOME_PATH = PurePosixPath()
"""Stands for a path that only a run would show."""

_CHANGES = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop",
        "popitem", "popleft", "remove", "reverse", "setdefault", "sort", "update",
    }
)  # fmt: skip
_CONTAINERS = frozenset(
    {
        "bytearray", "dict", "list", "set", "collections.Counter", "collections.OrderedDict",
        "collections.defaultdict", "collections.deque", "itertools.count",
    }
)  # fmt: skip
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)

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


@frozen
class Located:
    """A finding, and the lines of its file where a comment may ignore it."""

    finding: Finding
    lines: range = range(0)

    @classmethod
    def at(cls, code: str, source: SourceFile, node: ast.stmt | ast.expr, message: str) -> Located:
        """Return what is found at a node."""
        finding = Finding(code, f"{source.shown}:{node.lineno}", message, source.shown, node.lineno)
        return cls(finding, source.lines_of(node))


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
            for node in _inside(function):
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
                    own = [value for each, value in _assignments(_inside(function)) if each == name]
                    if own or name in {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}:
                        return self.value(source, function, own[0], depth - 1) if len(own) == 1 else None
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined(source, function, [left, right], depth)
            case ast.Call(func=called, args=arguments) if source.full_name(called) in _PATH:
                return self._joined(source, function, arguments, depth)
            case ast.Call(func=called, args=arguments) if source.full_name(called) == "os.path.join":
                joined = self._joined(source, function, arguments, depth)
                return None if joined == _SOME_PATH else str(joined)
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Attribute(value=inner):
                of_path = source.full_name(inner) in _PATH  # Path.cwd()
                if of_path or isinstance(self.value(source, function, inner, depth - 1), PurePosixPath):
                    return _SOME_PATH  # its parent, or what it resolves to
        module, _, name = source.full_name(node).rpartition(".")
        home = next((each for each in self.files if each.module == module), None)
        return None if home is None else self.value(home, None, home.constants.get(name), depth - 1)

    def _joined(
        self, source: SourceFile, function: Function | None, nodes: Sequence[ast.AST], depth: int
    ) -> PurePosixPath:
        parts = [self.value(source, function, each, depth - 1) for each in nodes]
        known = [each for each in parts if each is not None and each != _SOME_PATH]
        return PurePosixPath(*known) if len(known) == len(nodes) else _SOME_PATH


def _inside(function: Function) -> Iterator[ast.AST]:
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


def lint_imports(sources: Sources) -> Iterator[Located]:
    """Yield what is read at import, where it is the build's and stays so (R403 to R405)."""
    for source, node in sources.at_import():
        name = source.full_name(node)
        called = source.full_name(node.func) if isinstance(node, ast.Call) else ""
        if name in _ENVIRONMENT and isinstance(node, ast.expr):
            message = f"{name} is read at import, where it is the build's; read it in the operation"
            yield Located.at("R404", source, node, message)
        elif called in _CLOCKS and isinstance(node, ast.expr):
            message = f"{called}() at import is the time of the build; call ctx.now() in the operation"
            yield Located.at("R403", source, node, message)
        elif isinstance(node, ast.expr) and (
            called in _RANDOM or (called.startswith(("random.", "secrets.")) and called not in _SEEDED)
        ):
            message = f"{called}() at import gives the same in every run; call it in the operation"
            yield Located.at("R405", source, node, message)


def lint_files(sources: Sources, declared: GrantSet) -> Iterator[Located]:
    """Yield looks of checks at paths that no capability covers (R401)."""
    policy = Policy(declared)
    for source, function in sources.in_checks():
        for node in _inside(function):
            look = _look(sources, source, function, node) if isinstance(node, ast.Call) else None
            if look is None or not isinstance(node, ast.Call):
                continue
            path, kind = look
            if path.is_absolute():
                granted = bool(policy.read(str(path)) if kind == "read" else policy.write(str(path)))
                message = f"a check {kind}s {path}, which no capability covers"
                advice = f'add reglet.FileSystemRule({kind}=["{path}"])'
            else:  # it is not known, but any at all takes a capability
                granted = declared.fs is not None
                message = "a check looks at a file, and no capability covers any"
                advice = "add fs=reglet.FileSystemCapability(…)"
            if not granted:
                yield Located.at("R401", source, node, f"{message}; {advice}")


def _look(
    sources: Sources, source: SourceFile, function: Function, call: ast.Call
) -> tuple[PurePosixPath, str] | None:
    """Return the path that a call looks at and whether it is a read or a write, None if it looks at none."""
    name = source.full_name(call.func)
    if name in _READING | _WRITING:
        kind = "write" if name in _WRITING else "read"
        path = PurePosixPath(sources.value(source, function, call.args[0]) or "") if call.args else _SOME_PATH
        modes = call.args[1:2]
    elif isinstance(call.func, ast.Attribute) and call.func.attr in _PATH_READING | _PATH_WRITING:
        kind = "write" if call.func.attr in _PATH_WRITING else "read"
        receiver = sources.value(source, function, call.func.value)
        if not isinstance(receiver, PurePosixPath):
            return None
        name, path, modes = call.func.attr, receiver, call.args[:1]
    else:
        return None
    modes += [each.value for each in call.keywords if each.arg == "mode"]
    mode = sources.value(source, function, modes[0]) if modes and name in ("open", "io.open") else "r"
    writes = isinstance(mode, str) and not {*mode}.isdisjoint("wax+")
    return path, "write" if writes else kind


def lint_state(sources: Sources) -> Iterator[Located]:
    """Yield what checks change in a module or a service, where the next check finds it (R402)."""
    containers = {
        f"{source.module}.{name}"
        for source in sources.files
        for name, value in source.constants.items()
        if isinstance(value, _DISPLAYS)
        or (isinstance(value, ast.Call) and source.full_name(value.func) in _CONTAINERS)
    }
    lasting = {
        f"{source.module}.{node.name}"
        for source in sources.files
        for node in source.tree.body
        if isinstance(node, ast.ClassDef)
    } | {source.module for source in sources.files}
    for source, function in sources.in_checks():
        if function.name in ("__init__", "__attrs_post_init__"):
            continue
        nodes = list(_inside(function))
        shared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        arguments = [each.arg for each in ast.walk(function) if isinstance(each, ast.arg)]
        own = {*arguments, *stored} - shared
        owner = source.parents[function]
        is_service = isinstance(owner, ast.ClassDef) and source.is_decorated(owner, "service")
        for node in nodes:
            target = _changed(node)
            if target is None or not isinstance(node, ast.expr):
                continue
            root = target
            while isinstance(root, ast.Attribute):
                root = root.value
            is_own = isinstance(root, ast.Name) and root.id in own
            if isinstance(target, ast.Name) and target is node:
                kept = target.id in shared
            elif is_own:
                kept = is_service and target is not root and getattr(root, "id", "") == arguments[0]
            elif target is node and isinstance(target, ast.Attribute):
                kept = source.full_name(target.value) in lasting
            else:
                kept = source.full_name(target) in containers
            if kept:
                message = (
                    f"a check changes {ast.unparse(target)}, and on a host that keeps the plugin the next "
                    "one finds it so; use a local name"
                )
                yield Located.at("R402", source, node, message)


def _changed(node: ast.AST) -> ast.expr | None:
    """Return the name, attribute or container that a node changes, None if it changes nothing."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            return node
        case ast.Subscript(ctx=ast.Store() | ast.Del(), value=container):
            return container
        case ast.Call(func=ast.Attribute(attr=method, value=container)) if method in _CHANGES:
            return container
        case ast.Call(func=ast.Name(id="next"), args=[counter, *_]):
            return counter
    return None


def lint_outputs(sources: Sources, outputs: Iterable[type]) -> Iterator[Located]:
    """Yield fields of outputs that nothing sets, though the file makes the output (R203).

    A class that is handed on, or made with `*` or `**`, may be set in ways that are not seen.
    """
    models = {each.cls: each for output in outputs for each in _models_in(model_type(output))}
    for cls, model in models.items():
        written = sources.class_of(cls)
        given = None if written is None else _arguments_given(sources, written, model)
        if written is None or given is None:
            continue
        source, body = written
        for each in model.fields:
            if each.argument not in given:
                fields = (node for node in body.body if isinstance(node, ast.AnnAssign))
                own = (node for node in fields if getattr(node.target, "id", "") == each.attribute)
                message = (
                    f"{cls.__name__}.{each.attribute} is never set, so it is its default in every Result; "
                    "set it or leave it out"
                )
                yield Located.at("R203", source, next(own, body), message)


def _models_in(type_: Type) -> Iterator[ModelType]:
    match type_:
        case ModelType():
            yield type_
            for each in type_.fields:
                yield from _models_in(each.type)
        case ListType(item=inner) | DictType(value=inner):
            yield from _models_in(inner)


def _arguments_given(
    sources: Sources, written: tuple[SourceFile, ast.ClassDef], model: ModelType
) -> set[str] | None:
    """Return the arguments that calls of a class give; None without calls, or where it cannot be known."""
    home, body = written
    name = f"{home.module}.{body.name}"
    if any(isinstance(node, ast.Name) and node.id == "cls" for node in ast.walk(body)):
        return None
    order, given, is_made = [each.argument for each in model.fields], set[str](), False
    for source in sources.files:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and source.full_name(node.func).endswith("evolve"):
                given |= {each.arg for each in node.keywords if each.arg}
            if source.full_name(node) != name:
                continue
            call = source.parents[node]
            if not isinstance(call, ast.Call) or call.func is not node:
                if _is_handed_on(source, node):
                    return None
                continue
            is_made = True
            keywords = [each.arg for each in call.keywords]
            if None in keywords or any(isinstance(each, ast.Starred) for each in call.args):
                return None
            given |= {*order[: len(call.args)], *(each for each in keywords if each)}
    return given if is_made else None


def _is_handed_on(source: SourceFile, node: ast.AST) -> bool:
    """Whether a class is a value here, and not a part of an annotation or a question of `isinstance`."""
    child, parent = node, source.parents.get(node)
    while parent is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.arg | ast.Subscript):
            return False
        if isinstance(parent, ast.Call):
            return source.full_name(parent.func) not in ("isinstance", "issubclass")
        child, parent = parent, source.parents.get(parent)
    match parent:
        case ast.AnnAssign(annotation=annotation):
            return child is not annotation
        case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
            return child is not returns
        case ast.ClassDef():
            return False
    return True
