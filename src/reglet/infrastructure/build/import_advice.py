"""What is said of imports: those that fail in a build, are of no use, or do what a host may not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reglet.application.unsupported_modules import unsupported_reason
from reglet.infrastructure.build_contract import PLUGIN_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reglet.infrastructure.build.plugin_guest import ImportEffects, PluginGuest
    from reglet.infrastructure.build.sources import Source, WaitingImport


_PLUGIN_FILES = PLUGIN_ROOT + "/"
_MISSING = re.compile(r"No module named '(?P<name>[^']+)'(?P<why>:?)")
_NATIVE = re.compile(r"No module named '(?P<name>[^']+)': it is a native")


def advice(error: str, traceback: str = "") -> str:
    """Return what to do about an import that failed, to stand behind its one line; empty for other errors.

    Packages wrap the failure of their native part in words of their own; the traceback still has it.
    """
    found = _MISSING.search(error) or _NATIVE.search(traceback)
    if found is None:
        return ""
    module = found["name"].removeprefix("_")  # ssl fails for want of _ssl
    reason = unsupported_reason(module)
    if reason is not None:
        return f"; {module.partition('.')[0]} {reason}"
    if not found.groupdict().get("why"):
        return (
            "; a plugin has most of the standard library and the packages of the Python that builds it: "
            f"correct the name, or install {module} there, or name another interpreter with --python"
        )
    return ""


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
    guest: PluginGuest, effects: ImportEffects, modules: Sequence[str], trace: Callable[[], dict[str, str]]
) -> Iterator[str]:
    """Yield one sentence a finding, with what to do.

    Args:
        guest: the guest that the plugin was imported into.
        effects: what the plugin did while it was imported.
        modules: the modules that the built plugin has.
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
            missing = missing_module(source, each, present)
            if missing is None:
                continue
            if source.guest_path.startswith(_PLUGIN_FILES):
                yield _too_late(source, each.line, missing)
            else:
                package = source.guest_path.split("/")[2].removesuffix(".py")
                packages.setdefault(package, set()).add(missing)
    for package, names in sorted(packages.items()):
        yield (
            f"package {package} imports inside its functions: {', '.join(sorted(names))}; a check that comes "
            "there fails, unless the plugin imports them at the top of its module"
        )


def _too_late(source: Source, line: int, module: str) -> str:
    reason = unsupported_reason(module)
    if reason is not None:
        return f"{source.path}:{line} imports {module}, which {reason}"
    return (
        f"{source.path}:{line} imports {module} inside a function, when a built plugin can "
        f"import nothing more: import {module} at the top of the module"
    )


def missing_module(source: Source, waiting: WaitingImport, present: frozenset[str]) -> str | None:
    """Return the module that an import in a function asks for in vain; None if it is there."""
    module = waiting.module
    if waiting.level:
        folders = source.guest_path.split("/")[2:-1]
        parents = folders[: len(folders) - (waiting.level - 1)]
        module = ".".join([*parents, *([module] if module else [])])
    return None if module in present else module


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
