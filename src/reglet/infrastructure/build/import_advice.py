"""Advice on imports that fail in a build, and warnings of what a plugin does at import or puts off."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import signature
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

from reglet.application.names import closest_name, suggestion
from reglet.infrastructure import PLUGIN_ROOT, STANDARD_LIBRARY_ROOT, unsupported_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reglet.infrastructure.build.plugin_guest import Absences, ImportEffects, PluginGuest
    from reglet.infrastructure.build.sources import Source, WaitingImport


_PLUGIN_FILES = PLUGIN_ROOT + "/"
_MISSING = re.compile(r"No module named '(?P<name>[^']+)'(?P<why>:?)")
_NATIVE = re.compile(r"No module named '(?P<name>[^']+)': it is a native")


def advice(
    error: str,
    traceback: str = "",
    known: Mapping[str, object] = MappingProxyType({}),
    *,
    plugin_module: str = "",
) -> str:
    """Return what to do about an import that failed, to stand behind its one line; empty for other errors.

    Packages wrap the failure of their native part in words of their own; the traceback still has it.

    Args:
        error: the one line.
        traceback: the author's part of it.
        known: what the names of the failing module mean, where it runs in this process.
        plugin_module: the module that was to be imported.
    """
    own = plugin_module.partition(".")[0]
    if own in sys.stdlib_module_names and re.search(rf"(module|named|from) '?{own}\b", error):
        return f"; Python has a module {own} too, and one is taken for the other: rename the plugin's"
    found = _MISSING.search(error) or _NATIVE.search(traceback)
    if found is None:
        lacks = [what for said, what in _WHAT_A_BUILD_LACKS.items() if re.search(said, error)]
        if name := _NO_STANDARD_NAME.search(error):
            lacks = [f"{name['module']}.{name['name']} is {_absent(name['name'])}"]
        return f"; {lacks[0]}" if lacks else _advice_on_names(error, known)
    module = _PUBLIC.get(found["name"], found["name"].removeprefix("_"))  # ssl fails for want of _ssl
    if module.startswith("reglet."):
        return f"; what plugins import is in {', '.join(_FACES)}"
    reason = unsupported_reason(module)
    if module in _REMOVED:
        reason = "is no longer part of Python: do without it, or install a package of that name"
    if reason is not None:
        subject = module if module in _PUBLIC.values() else module.partition(".")[0]
        return f"; {subject} {reason}"
    if found.groupdict().get("why"):
        return ""
    return (
        "; a plugin has most of the standard library and the packages of the Python that builds it: "
        f"correct the name, or install {module} there, or name another interpreter with --python"
    )


_PUBLIC = {"_lsprof": "cProfile", "_zstd": "compression.zstd"}
"""Modules that others of the standard library want, and are not called as these are."""

_REMOVED = frozenset(
    {
        "aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr",
        "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr",
        "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    }
)  # fmt: skip
"""Modules that the standard library of an earlier Python had, of those that may run a build."""

_WHAT_A_BUILD_LACKS = {
    r"can't start new thread": "do without: a plugin has one thread",
    r"wasi does not support processes": "a plugin starts none: use ctx.client(CommandRunner) in the handler",
    r"No usable temporary directory": "a build has none: make temporary files in the handler",
    r"PermissionError: \[Errno 63\] [^:]*: '[^/]": (
        "a build has no working directory: open what lies beside the code by Path(__file__).with_name(…)"
    ),
    r"PermissionError: \[Errno 63\] [^:]*: '/": (
        "a build sees the files beside the plugin's code, and not this machine: look at the host's in the "
        "handler"
    ),
}
"""What an error at import says, and what to do."""


def one_sentence(error: str) -> str:
    """Return an error's first line that says something; its traceback has the others."""
    kind, colon, text = error.partition(": ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{kind}: {lines[0]}" if colon and lines else kind.strip().rstrip(":")


_FACES = (
    "reglet", "reglet.answers", "reglet.config", "reglet.errors", "reglet.exec", "reglet.log",
    "reglet.testing", "reglet.sandbox", "reglet.policy",
)  # fmt: skip
"""The modules that authors import, those first that plugins may."""

_NO_STANDARD_NAME = re.compile(
    r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)' "
    rf"\({STANDARD_LIBRARY_ROOT}/"
)
_NO_NAME = re.compile(
    r"cannot import name '(?P<name>\w+)' from '(?P<module>reglet[.\w]*)'"
    r"|module '(?P<of>reglet[.\w]*)' has no attribute '(?P<attribute>\w+)'"
)
_WRONG_CALL = re.compile(
    r"(?P<call>\w+)(?:\.(?P<method>\w+))?\(\) "
    r"(?:got an unexpected keyword argument '(?P<argument>\w+)'(?!\. Did you mean)"
    r"|takes \d+ positional|missing \d+ required)"
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
    absences: Absences,
    trace: Callable[[], dict[str, str]],
) -> Iterator[str]:
    """Yield one sentence a finding, with what to do.

    Args:
        guest: the guest that the plugin was imported into.
        effects: what the plugin did while it was imported.
        modules: the modules that the built plugin has.
        absences: what functions need and the built plugin has not.
        trace: imports the plugin again and returns where it reads the clock and takes random bytes.
    """
    yield from _baked_in(guest, effects, trace)
    own = [each for each in guest.sources if each.guest_path.startswith(_PLUGIN_FILES)]
    for source in own:
        for line, module, reason in unusable_imports(source):
            yield f"{source.path}:{line} imports {module}, which {reason}"
    present = frozenset(modules)
    for source in own:
        for each in source.waiting_imports:
            for name in _missing(source, each, present, absences):
                why = unsupported_reason(name)
                late = (
                    " inside a function, when a built plugin can import nothing more: import "
                    f"{name} at the top of the module"
                )
                yield f"{source.path}:{each.line} imports {name}{f', which {why}' if why else late}"
        for line, call in source.computed_imports:
            yield (
                f"{source.path}:{line} looks for modules inside a function, when a built plugin can import "
                f"nothing more: {_shortened(call)}; import what it may name at the top of the module"
            )
        yield from _absent_names(source, absences, effects.hidden)
    yield from _late_in_packages(guest, present, absences)
    if "zoneinfo" in present and "tzdata" not in map(_package_of, guest.sources):
        yield from _no_time_zones(guest)
    yield from _unread_data(guest, own)


def _missing(
    source: Source, waiting: WaitingImport, present: frozenset[str], absences: Absences
) -> Sequence[str]:
    """Return the modules that an import in a function will not find."""
    module = imported_module(source, waiting)
    if module in present:
        return [
            name for name in (f"{module}.{name}" for name in waiting.names) if name in absences.submodules
        ]
    if waiting.may_fail and (module not in absences.found or unsupported_reason(module)):
        return ()
    return (module,)


def _late_in_packages(guest: PluginGuest, present: frozenset[str], absences: Absences) -> Iterator[str]:
    """Yield a sentence for each package whose functions import what is not there, or what is computed."""
    names: dict[str, set[str]] = {}
    calls: dict[str, list[str]] = {}
    for source in guest.sources:
        package = _package_of(source)
        if source.guest_path.startswith(_PLUGIN_FILES):
            continue
        for each in source.waiting_imports:
            names.setdefault(package, set()).update(_missing(source, each, present, absences))
        for line, call in source.computed_imports:
            calls.setdefault(package, []).append(f"{source.path.name}:{line} {_shortened(call)}")
    for package, found in sorted(names.items()):
        if found:
            yield (
                f"package {package} imports inside its functions: {', '.join(sorted(found))}; a check that "
                "comes there fails, unless the plugin imports them at the top of its module"
            )
    for package, lines in sorted(calls.items()):
        yield (
            f"package {package} looks for modules inside its functions, by names that are computed: "
            f"{_first_of(lines)}; a check that comes there finds only what the plugin imported at the top of "
            "its module"
        )


def _absent_names(source: Source, absences: Absences, hidden: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each name that functions take from a module which lacks it."""
    imported = {(each.module, name) for each in source.waiting_imports for name in each.names}
    lines = {(module, name): line for line, module, name in reversed(source.attributes)}
    for (module, name), line in sorted(lines.items(), key=itemgetter(1)):
        if (module, name) not in absences.attributes or module in hidden:
            continue
        use = f"{source.path}:{line} uses {module}.{name}"
        if f"{module}.{name}" not in absences.submodules:
            yield f"{use}, which is {_absent(name)}"
        elif (module, name) not in imported:
            yield f"{use}, a module that nothing imports: import it at the top of the module"


def _absent(name: str) -> str:
    """Return what is said of a name that a module of the standard library lacks."""
    instead = "use ctx.client(CommandRunner)" if name in _OF_PROCESSES else "do without it"
    return f"not in a plugin's Python: {instead}"


_OF_PROCESSES = frozenset({"fork", "forkpty", "kill", "popen", "posix_spawn", "startfile", "system", "wait"})


def _no_time_zones(guest: PluginGuest) -> Iterator[str]:
    users = dict.fromkeys(
        str(each.path) if each.guest_path.startswith(_PLUGIN_FILES) else f"package {_package_of(each)}"
        for each in guest.sources
        if b"ZoneInfo" in each.path.read_bytes()
    )
    if users and not guest.has_package("tzdata"):
        yield (
            f"{_first_of([*users])} may ask for time zones, of which a built plugin has UTC alone: install "
            "tzdata in the Python that builds it, or read them from the host's /usr/share/zoneinfo by a grant"
        )


def _shortened(call: str) -> str:
    return call if len(call) <= _MOST_OF_CALL else call[:_MOST_OF_CALL] + "…"


_MOST_OF_CALL = 80


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


_READS_FILES = re.compile(
    rb"__file__|__path__|__loader__|__spec__|get_data\b|PackageLoader"
    rb"|importlib\s*(\.|import)\s*(\w+,\s*)*resources|importlib_resources"
)
_LISTS_FILES = re.compile(rb"\b(listdir|scandir|iterdir|walk|r?glob)\b")
_NO_DATA = (".py", ".pyc", ".pyi", ".typed", ".so", ".pyd", ".md", ".rst", ".toml", ".cfg", ".lock", ".wasm")
_NO_DATA_FOLDERS = ("node_modules", "venv", "env", "build", "dist", "tests", "htmlcov")
_MOST_NAMED = 5
_MOST_FILES = 5_000


def _unread_data(guest: PluginGuest, own: Sequence[Source]) -> Iterator[str]:
    """Yield, for each package whose code looks for files beside it, those that it has not read at import."""
    found: dict[str, list[Path]] = {}
    seen = set(guest.read_files)
    named = b"\n".join(each.path.read_bytes() for each in own)
    for source in guest.sources:
        is_own = source in own
        content = named if is_own else source.path.read_bytes()
        reads = _READS_FILES.search(source.path.read_bytes()) is not None
        folder = source.path.parent
        all_of_it = reads and ((folder / "__init__.py").is_file() or _LISTS_FILES.search(content) is not None)
        if not reads and not is_own:
            continue
        below = is_own or (folder / "__init__.py").is_file()  # beside a single file lie other packages
        for path in islice(_data_files(folder, below=below), _MOST_FILES):
            if path in seen:
                continue
            relative = path.relative_to(folder)
            outermost = rf"""["'/]{re.escape(relative.parts[0])}["'/]"""
            is_named = all_of_it or path.name.encode() in content
            if is_named or (len(relative.parts) > 1 and re.search(outermost.encode(), content)):
                seen.add(path)
                subject = str(source.path) if is_own else f"package {_package_of(source)}"
                found.setdefault(subject, []).append(relative)
    for subject, paths in found.items():
        yield (
            f"{subject} may read files beside it in a check, which a built plugin has not: "
            f"{_first_of([each.as_posix() for each in paths])}; read them at the top of a module, and keep "
            "them"
        )


def _data_files(folder: Path, *, below: bool) -> Iterator[Path]:
    """Yield the data in a folder, and that in folders below it."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_file() and not path.name.endswith(_NO_DATA):
            yield path
        elif below and path.is_dir() and path.name not in _NO_DATA_FOLDERS:
            yield from _data_files(path, below=True)


def _package_of(source: Source) -> str:
    return source.guest_path.split("/")[2].removesuffix(".py")


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
    variables = {name: where for name, where in effects.environment if where}
    if "" in variables:
        variables = {"": variables[""]}
    for name, where in variables.items():
        what = f"the environment variable {name}" if name else "all environment variables"
        yield _at(
            guest.shown(where),
            f"the plugin reads {what} at import, where {'it is' if name else 'they are'} the build's and not "
            f"the host's: read {'it' if name else 'them'} in the handler",
        )
    if effects.looks:
        yield (
            f"the plugin looks for {_first_of(effects.looks)} at import, where it sees only the files beside "
            "its code: look for what is on the host's machine in the handler"
        )
    for name in effects.hidden:
        yield (
            f"the plugin's own module {name} is not imported, for Python's module of that name is in every "
            "plugin: give it another name"
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
