"""What a plugin does that works while it is built and may not in a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.application.unsupported_modules import unsupported_reason
from reglet.infrastructure.build.replacements import unusable_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reglet.infrastructure.build.bytecode import Source, WaitingImport
    from reglet.infrastructure.build.plugin_guest import Noticed, PluginGuest

_PLUGIN = "/plugin/"


def find_warnings(
    guest: PluginGuest, noticed: Noticed, modules: Sequence[str], trace: Callable[[], dict[str, str]]
) -> Iterator[str]:
    """Give one sentence a finding, with what to do.

    Args:
        guest: the guest that the plugin was imported into.
        noticed: what the plugin did while it was imported.
        modules: the modules that the built plugin has.
        trace: imports the plugin again and returns where it reads the clock and takes random bytes.
    """
    yield from _baked_in(guest, noticed, trace)
    yield from _unusable(guest.sources)
    present = frozenset(modules)
    packages: dict[str, set[str]] = {}
    for source in guest.sources:
        for each in source.waiting_imports:
            missing = missing_module(source, each, present)
            if missing is None:
                continue
            if source.guest_path.startswith(_PLUGIN):
                yield _too_late(source, each.line, missing)
            else:
                packages.setdefault(_package(source), set()).add(missing)
    for package, names in sorted(packages.items()):
        yield (
            f"package {package} imports inside its functions: {', '.join(sorted(names))}; a check that comes "
            "there fails, unless the plugin imports them at the top of its module"
        )


def _unusable(sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        if source.guest_path.startswith(_PLUGIN):
            for line, module, problem in unusable_imports(source):
                yield _of_no_use(source, line, module, problem)


def _too_late(source: Source, line: int, module: str) -> str:
    problem = unsupported_reason(module)
    if problem is not None:
        return _of_no_use(source, line, module, problem)
    return (
        f"{source.path}:{line} imports {module} inside a function, when a built plugin can "
        f"import nothing more: import {module} at the top of the module"
    )


def _of_no_use(source: Source, line: int, module: str, problem: str) -> str:
    return f"{source.path}:{line} imports {module}, which {problem}"


def missing_module(source: Source, waiting: WaitingImport, present: frozenset[str]) -> str | None:
    """Return the module that an import in a function asks for in vain; None if it is there."""
    module = _absolute(source, waiting)
    return None if module in present else module


def _absolute(source: Source, waiting: WaitingImport) -> str:
    if not waiting.level:
        return waiting.module
    *parts, file = source.guest_path.split("/")[2:]
    del file
    parents = parts[: len(parts) - (waiting.level - 1)]
    return ".".join([*parents, *([waiting.module] if waiting.module else [])])


def _package(source: Source) -> str:
    return source.guest_path.split("/")[2].removesuffix(".py")


def _baked_in(guest: PluginGuest, noticed: Noticed, trace: Callable[[], dict[str, str]]) -> Iterator[str]:
    for name, where in {name: where for name, where in noticed.environment if where}.items():
        yield _at(
            guest.shown(where),
            f"the plugin reads the environment variable {name} at import, where it is the build's and not "
            "the host's: read it in the handler",
        )
    if not noticed.clock_readings and not noticed.random_requests:
        return
    found = trace()  # empty where only the standard library reads, in its own import
    if noticed.clock_readings and found.get("clock") != "":
        yield _at(
            found.get("clock"),
            "the plugin reads the clock at import, and keeps that time for ever: read it in the handler",
        )
    if noticed.random_requests and found.get("random") != "":
        yield _at(
            found.get("random"),
            "the plugin takes random bytes at import, the same in every run: take them in the handler",
        )


def _at(where: str | None, warning: str) -> str:
    return f"{warning}\n{where.rstrip()}" if where else warning
