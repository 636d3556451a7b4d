"""Lint of a project: its manifest and its source, less what the author ignores.

The rules of the manifest stand in `reglet.application.lint`; those that only the source shows stand here.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from attrs import evolve, frozen

from reglet.application.lint import RULES, Finding, lint_manifest
from reglet.application.models.model_types import DictType, ListType, ModelType, Type, model_type
from reglet.application.names import PROJECT_FILE, suggestion
from reglet.application.plugin import PluginDefinition
from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.policy import Policy
from reglet.domain.ports import Plugin
from reglet.infrastructure.build import TargetError
from reglet.infrastructure.build.project import find_project, load_plugin_in_process
from reglet.testing.sources import SOME_PATH, Function, SourceFile, Sources, inside

_CLOCKS = frozenset(
    {
        "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today",
        "datetime.datetime.utcnow", "time.monotonic", "time.perf_counter", "time.time", "time.time_ns",
    }
)  # fmt: skip
_ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})
_VARIABLE_READING = frozenset({"os.environ.get", "os.environ.pop", "os.getenv"})
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
_CALLS = {
    "description": "define_plugin",
    "services": "define_plugin",
    "capabilities.network": "NetworkCapability",
    "capabilities.fs": "FileSystemCapability",
    "capabilities.env": "EnvironmentCapability",
    "capabilities.exec": "ExecCapability",
    "capabilities.kv": "KeyValueCapability",
}
"""The function whose call makes a part of the manifest."""


def lint_project(target: str | Path) -> list[Finding]:
    """Return what is found in a plugin that is imported in this process: a folder, a `.py` file or a name.

    A line with `# reglet: ignore[CODE]` and `[tool.reglet.lint] ignore` of the project take findings out.

    Raises:
        TargetError: there is no plugin, or what the project ignores is no code.
        PluginImportError: its code failed.
    """
    project = find_project(target)
    ignored = _ignored(project.folder)
    plugin = load_plugin_in_process(project)
    sources = Sources.of(project)
    manifest = plugin.manifest(Context())
    places = {where: (source, node) for where, source, node in reversed([*_places(plugin, sources)])}
    found: list[Located] = []
    for finding in lint_manifest(manifest):
        if finding.where in places:
            source, node = places[finding.where]
            found.append(Located(evolve(finding, file=source.shown, line=node.lineno), source.lines_of(node)))
        else:
            found.append(Located(finding))
    operations = plugin.operations if isinstance(plugin, PluginDefinition) else ()
    in_source = [
        *lint_outputs(sources, filter(None, (each.output for each in operations))),
        *lint_files(sources, manifest.capabilities),
        *lint_variables(sources, manifest.capabilities),
        *lint_state(sources),
        *lint_imports(sources),
    ]
    found += sorted(in_source, key=lambda each: (each.finding.file, each.finding.line))
    kept = dict.fromkeys(_not_ignored(found, sources.files))
    return [each for each in kept if each.code not in ignored]


def _ignored(folder: Path) -> frozenset[str]:
    """Return the codes of `[tool.reglet.lint] ignore`."""
    path = folder / PROJECT_FILE
    if not path.is_file():
        return frozenset()
    match tomllib.loads(path.read_text("utf-8")):
        case {"tool": {"reglet": {"lint": dict(table)}}}:
            pass
        case {"tool": {"reglet": {"lint": other}}}:
            raise TargetError(f'{path}: [tool.reglet] lint is {other!r}; write lint.ignore = ["R105"]')
        case _:
            return frozenset()
    for name in table:
        if name != "ignore":
            raise TargetError(f'{path}: [tool.reglet.lint] has no {name}; write ignore = ["R105"]')
    codes = table.get("ignore", [])
    if not isinstance(codes, list) or not all(isinstance(each, str) for each in codes):
        raise TargetError(f'{path}: [tool.reglet.lint] ignore is {codes!r}; write ignore = ["R105"]')
    for code in codes:
        if code not in RULES:
            raise TargetError(f"{path}: [tool.reglet.lint] ignore: {_unknown(code)}")
    return frozenset(codes)


def _unknown(code: str) -> str:
    return f"there is no {code!r}" + (suggestion(code, RULES) or f"; there are {', '.join(RULES)}")


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


def _places(  # noqa: C901 - a loop a kind of part
    plugin: Plugin, sources: Sources
) -> Iterator[tuple[str, SourceFile, ast.stmt | ast.expr]]:
    """Yield where parts of the manifest are written: their path in it, and the node."""
    for source in sources.files:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                called = source.full_name(node.func).rpartition(".")[2]
                yield from ((where, source, node) for where, name in _CALLS.items() if name == called)
    if not isinstance(plugin, PluginDefinition):
        return
    for operation in plugin.operations:
        for source, statement in sources.bodies_of(type(getattr(operation.handler, "__self__", None))):
            if getattr(statement, "name", "") == getattr(operation.handler, "__name__", ""):
                yield f"services.{operation}", source, statement
    for model in filter(None, (plugin.config, *(each.input for each in plugin.operations))):
        names = {each.attribute: each.name for each in model_type(model).fields}
        for source, statement in sources.bodies_of(model):
            name = names.get(getattr(getattr(statement, "target", None), "id", ""))
            if name is not None:
                yield f"config_schema.properties.{name}", source, statement


def _not_ignored(found: Iterable[Located], files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Yield the findings that no comment ignores, then the comments that ignore nothing (R501)."""
    comments = {(each.shown, line): codes for each in files for line, codes in each.ignores.items()}
    used: set[tuple[str, int, str]] = set()
    for each in found:
        at = [(each.finding.file, line) for line in each.lines]
        ignoring = [
            (*place, each.finding.code) for place in at if each.finding.code in comments.get(place, ())
        ]
        used.update(ignoring)
        if not ignoring:
            yield each.finding
    for (file, line), codes in comments.items():
        for code in codes or ("",):
            if (file, line, code) in used:
                continue
            message = "name what to ignore: # reglet: ignore[R105]"
            if code:
                message = f"there is no {code} to ignore here" if code in RULES else _unknown(code)
            yield Finding("R501", f"{file}:{line}", message, file, line)


def lint_imports(sources: Sources) -> Iterator[Located]:
    """Yield what is read at import, where it is the build's and stays so (R403 to R405)."""
    for source, node in sources.at_import():
        if not isinstance(node, ast.expr):
            continue
        name = source.full_name(node)
        called = source.full_name(node.func) if isinstance(node, ast.Call) else ""
        if name in _ENVIRONMENT:
            message = f"{name} is read at import, where it is the build's; read it in the operation"
            yield Located.at("R404", source, node, message)
        elif called in _CLOCKS:
            message = f"{called}() at import is the time of the build; call ctx.now() in the operation"
            yield Located.at("R403", source, node, message)
        elif called in _RANDOM or (called.startswith(("random.", "secrets.")) and called not in _SEEDED):
            message = f"{called}() at import gives the same in every run; call it in the operation"
            yield Located.at("R405", source, node, message)


def lint_files(sources: Sources, declared: GrantSet) -> Iterator[Located]:
    """Yield looks of checks at paths that no capability covers (R401)."""
    policy = Policy(declared)
    for source, function in sources.in_checks():
        for node in inside(function):
            if not isinstance(node, ast.Call) or (look := _look(sources, source, function, node)) is None:
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


def lint_variables(sources: Sources, declared: GrantSet) -> Iterator[Located]:
    """Yield where checks read variables that no capability covers and the plugin does not set (R406)."""
    policy = Policy(declared)
    own = {name for source in sources.files for name in _set_variables(sources, source)}
    for source, function in sources.in_checks():
        for node in inside(function):
            match node:
                case ast.Call(func=called, args=[name, *_]) if source.full_name(called) in _VARIABLE_READING:
                    pass
                case (
                    ast.Subscript(value=read, slice=name, ctx=ast.Load())
                    | ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[read])
                ) if source.full_name(read) == "os.environ":
                    pass
                case _:
                    continue
            variable = sources.value(source, function, name)
            if isinstance(variable, str) and variable not in own and not policy.environment(variable):
                message = (
                    f"a check reads the variable {variable}, which no capability covers: no host gives it; "
                    f'add reglet.EnvironmentCapability(vars=["{variable}"])'
                )
                yield Located.at("R406", source, node, message)


def _set_variables(sources: Sources, source: SourceFile) -> Iterator[str | PurePosixPath | None]:
    """Yield the names of variables that a file sets: a build keeps those that are set at import."""
    for node in ast.walk(source.tree):
        match node:
            case (
                ast.Subscript(value=changed, slice=name, ctx=ast.Store())
                | ast.Call(func=ast.Attribute(value=changed, attr="setdefault"), args=[name, *_])
            ) if source.full_name(changed) == "os.environ":
                yield sources.value(source, None, name)


def _look(
    sources: Sources, source: SourceFile, function: Function, call: ast.Call
) -> tuple[PurePosixPath, str] | None:
    """Return the path that a call looks at and whether it is a read or a write, None if it looks at none."""
    name = source.full_name(call.func)
    if name in _READING | _WRITING:
        kind = "write" if name in _WRITING else "read"
        path = PurePosixPath(sources.value(source, function, call.args[0]) or "") if call.args else SOME_PATH
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
        nodes = list(inside(function))
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
