"""What is said of imports: those that fail in a build, are of no use, or do what a host may not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING

from reglet.application.names import closest_name, suggestion
from reglet.application.unsupported_modules import unsupported_reason
from reglet.infrastructure.build_contract import PLUGIN_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reglet.infrastructure.build.plugin_guest import ImportEffects, PluginGuest
    from reglet.infrastructure.build.sources import Source, WaitingImport


_PLUGIN_FILES = PLUGIN_ROOT + "/"
_MISSING = re.compile(r"No module named '(?P<name>[^']+)'(?P<why>:?)")
_NATIVE = re.compile(r"No module named '(?P<name>[^']+)': it is a native")


def advice(error: str, traceback: str = "", known: Mapping[str, object] = MappingProxyType({})) -> str:
    """Return what to do about an import that failed, to stand behind its one line; empty for other errors.

    Packages wrap the failure of their native part in words of their own; the traceback still has it.
    `known` has what the names of the failing module mean, where it runs in this process.
    """
    found = _MISSING.search(error) or _NATIVE.search(traceback)
    if found is None:
        return _advice_on_names(error, known)
    module = found["name"].removeprefix("_")  # ssl fails for want of _ssl
    if module.startswith("reglet."):
        return f"; what plugins import is in {', '.join(_FACES)}"
    reason = unsupported_reason(module)
    if reason is not None:
        return f"; {module.partition('.')[0]} {reason}"
    if not found.groupdict().get("why"):
        return (
            "; a plugin has most of the standard library and the packages of the Python that builds it: "
            f"correct the name, or install {module} there, or name another interpreter with --python"
        )
    return ""


_FACES = (
    "reglet", "reglet.answers", "reglet.config", "reglet.errors", "reglet.exec", "reglet.log",
    "reglet.testing", "reglet.sandbox", "reglet.policy",
)  # fmt: skip
"""The modules that authors import, those first that plugins may."""

_NO_NAME = re.compile(
    r"cannot import name '(?P<name>\w+)' from '(?P<module>reglet[.\w]*)'"
    r"|module '(?P<of>reglet[.\w]*)' has no attribute '(?P<attribute>\w+)'"
)
_WRONG_CALL = re.compile(
    r"(?P<call>\w+)(?:\.(?P<method>\w+))?\(\) "
    r"(?:got an unexpected keyword argument '(?P<argument>\w+)'|takes \d+ positional|missing \d+ required)"
)


def _advice_on_names(error: str, known: Mapping[str, object]) -> str:
    """Return what to write in place of a name or an argument that reglet, or a class of `known`, lacks."""
    home_of: dict[str, str] = {}
    found, call = _NO_NAME.search(error), _WRONG_CALL.search(error)
    for face in _FACES if found or call else ():
        with suppress(ImportError):  # of an extra that is not installed
            home_of |= {each: face for each in import_module(face).__all__ if each not in home_of}
    if found is not None:
        name, module = found["name"] or found["attribute"], found["module"] or found["of"]
        own = [each for each, home in home_of.items() if home == module]
        for names in ([name], own, home_of) if name in home_of else (own, home_of):
            beginning = [each for each in names if each.lower().startswith(name.lower())]
            if len(beginning) > 1 and name not in names:
                return f"; there are {', '.join(beginning)}"
            closest = name if name in names else beginning[0] if beginning else closest_name(name, names)
            if closest:
                where = "" if home_of[closest] == module else f" of {home_of[closest]}"
                return f'; did you mean "{closest}"{where}?'
    if call is None:
        return ""
    name = call["call"]
    called = getattr(import_module(home_of[name]), name) if name in home_of else known.get(name)
    if call["method"] and call["method"] != "__init__":
        called = getattr(called, call["method"], None)
    if not callable(called):
        return ""
    parameters = [each for each in signature(called).parameters.values() if each.name != "self"]
    names = [each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY]
    if call["argument"]:
        return suggestion(call["argument"], names) or f"; it takes {', '.join(names)}"
    names = [each.name for each in parameters if each.default is each.empty] or names
    return f"; write {name}({', '.join(f'{each}=…' for each in names)})"


def unusable_imports(source: Source) -> Iterator[tuple[int, str, str]]:
    """Yield line, module and reason of each import at a file's top that works and then is of no use."""
    try:
        tree = ast.parse(source.path.read_bytes())
    except SyntaxError:  # written for the plugin's Python, which is later than this one
        return
    for node in tree.body:
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            modules = [node.module]
        for module in modules:
            reason = unsupported_reason(module)
            if reason is not None:
                yield node.lineno, module, reason


def find_warnings(
    guest: PluginGuest,
    effects: ImportEffects,
    modules: Sequence[str],
    absent: frozenset[str],
    trace: Callable[[], dict[str, str]],
) -> Iterator[str]:
    """Yield one sentence a finding, with what to do.

    Args:
        guest: the guest that the plugin was imported into.
        effects: what the plugin did while it was imported.
        modules: the modules that the built plugin has.
        absent: submodules that it has not, though a function takes them from their package.
        trace: imports the plugin again and returns where it reads the clock and takes random bytes.
    """
    yield from _baked_in(guest, effects, trace)
    for source in guest.sources:
        if source.guest_path.startswith(_PLUGIN_FILES):
            for line, module, reason in unusable_imports(source):
                yield f"{source.path}:{line} imports {module}, which {reason}"
    present = frozenset(modules)
    packages: dict[str, set[str]] = {}
    for source in guest.sources:
        for each in source.waiting_imports:
            module = imported_module(source, each)
            missing = [name for name in (f"{module}.{name}" for name in each.names) if name in absent]
            for name in [module] if module not in present else missing:
                if source.guest_path.startswith(_PLUGIN_FILES):
                    yield _too_late(source, each.line, name)
                else:
                    packages.setdefault(_package_of(source), set()).add(name)
    for package, names in sorted(packages.items()):
        yield (
            f"package {package} imports inside its functions: {', '.join(sorted(names))}; a check that comes "
            "there fails, unless the plugin imports them at the top of its module"
        )
    yield from _unread_data(guest)


_READS_FILES = re.compile(rb"__file__|__path__|importlib.resources|importlib_resources|get_data\b")
_NO_DATA = (".py", ".pyc", ".pyi", ".typed", ".so", ".pyd", ".md", ".rst", ".toml", ".cfg", ".lock", ".wasm")
_MOST_NAMED = 5


def _unread_data(guest: PluginGuest) -> Iterator[str]:
    """Yield, for each package whose code looks for files beside it, those that it has not read at import."""
    found: dict[str, dict[str, None]] = {}
    for source in guest.sources:
        content = source.path.read_bytes()
        if not _READS_FILES.search(content):
            continue
        folder = source.path.parent
        is_package = (folder / "__init__.py").is_file()
        for path in _data_files(folder):
            if path not in guest.read_files and (is_package or path.name.encode() in content):
                is_own = source.guest_path.startswith(_PLUGIN_FILES)
                subject = str(source.path) if is_own else f"package {_package_of(source)}"
                found.setdefault(subject, {})[path.relative_to(folder).as_posix()] = None
    for subject, names in found.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield (
            f"{subject} may read files beside it in a check, which a built plugin has not: "
            f"{', '.join([*names][:_MOST_NAMED])}{more}; read them at the top of a module, and keep them"
        )


def _data_files(folder: Path) -> Iterator[Path]:
    """Yield the data of a package: files in its folder, and in folders there that are no packages."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_file() and not path.name.endswith(_NO_DATA):
            yield path
        elif path.is_dir() and (folder / "__init__.py").is_file() and not (path / "__init__.py").exists():
            yield from (each for each in sorted(path.rglob("*")) if each.is_file())


def _package_of(source: Source) -> str:
    return source.guest_path.split("/")[2].removesuffix(".py")


def _too_late(source: Source, line: int, module: str) -> str:
    reason = unsupported_reason(module)
    if reason is not None:
        return f"{source.path}:{line} imports {module}, which {reason}"
    return (
        f"{source.path}:{line} imports {module} inside a function, when a built plugin can "
        f"import nothing more: import {module} at the top of the module"
    )


def imported_module(source: Source, waiting: WaitingImport) -> str:
    """Return the whole name of the module that an import in a function means."""
    module = waiting.module
    if waiting.level:
        folders = source.guest_path.split("/")[2:-1]
        parents = folders[: len(folders) - (waiting.level - 1)]
        module = ".".join([*parents, *([module] if module else [])])
    return module


def _baked_in(
    guest: PluginGuest, effects: ImportEffects, trace: Callable[[], dict[str, str]]
) -> Iterator[str]:
    for name, where in {name: where for name, where in effects.environment if where}.items():
        yield _at(
            guest.shown(where),
            f"the plugin reads the environment variable {name} at import, where it is the build's and not "
            "the host's: read it in the handler",
        )
    if not effects.clock_readings and not effects.random_requests:
        return
    found = trace()  # empty where only the standard library reads, in its own import
    if effects.clock_readings and found.get("clock") != "":
        yield _at(
            found.get("clock"),
            "the plugin reads the clock at import, and keeps that time for ever: read it in the handler",
        )
    if effects.random_requests and found.get("random") != "":
        yield _at(
            found.get("random"),
            "the plugin takes random bytes at import, the same in every run: take them in the handler",
        )


def _at(where: str | None, warning: str) -> str:
    return f"{warning}\n{where.rstrip()}" if where else warning
