"""Lint of a project: its manifest and its source, less what the author ignores."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import evolve

from reglet.application.lint import RULES, Finding, lint_manifest
from reglet.application.models.model_types import model_type
from reglet.application.names import PROJECT_FILE, suggestion
from reglet.application.plugin import PluginDefinition
from reglet.domain.context import Context
from reglet.domain.ports import Plugin
from reglet.infrastructure.build import TargetError
from reglet.infrastructure.build.project import Project, find_project, load_plugin_in_process
from reglet.testing.source_rules import (
    Located,
    SourceFile,
    Sources,
    lint_files,
    lint_imports,
    lint_outputs,
    lint_state,
)

_COMMENT = re.compile(r"#\s*reglet:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")
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
    plugin = load_plugin_in_process(target)
    sources = Sources(list(_files(project)))
    operations = plugin.operations if isinstance(plugin, PluginDefinition) else ()
    in_source = [
        *lint_outputs(sources, filter(None, (each.output for each in operations))),
        *lint_files(sources, plugin.manifest(Context()).capabilities),
        *lint_state(sources),
        *lint_imports(sources),
    ]
    in_source.sort(key=lambda each: (each.finding.file, each.finding.line))
    kept = dict.fromkeys(_not_ignored([*_of_manifest(plugin, sources), *in_source], sources.files))
    return [each for each in kept if each.code not in ignored]


def _ignored(folder: Path) -> frozenset[str]:
    """Return the codes of `[tool.reglet.lint] ignore`."""
    path = folder / PROJECT_FILE
    if not path.is_file():
        return frozenset()
    table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("reglet", {}).get("lint", {})
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


def _files(project: Project) -> Iterator[SourceFile]:
    """Yield the plugin's module and what it imports from the folders of its project, and so on."""
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
        text = path.read_bytes()
        source = SourceFile(module, package, shown.as_posix(), ast.parse(text), _comments(text))
        yield source
        for name in (*source.names.values(), module):
            steps = name.split(".")
            waiting += [".".join(steps[:length]) for length in range(1, len(steps) + 1)]


_Place: TypeAlias = tuple[str, SourceFile, ast.stmt | ast.expr]


def _places(  # noqa: C901 - a loop a kind of part
    plugin: Plugin, sources: Sources
) -> Iterator[_Place]:
    """Yield where parts of the manifest are written: their path in it, and the node."""
    for source in sources.files:
        for node in ast.walk(source.tree):
            called = source.full_name(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call):
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


def _of_manifest(plugin: Plugin, sources: Sources) -> Iterator[Located]:
    """Yield what is found in the manifest, with its place in the source where that can be told."""
    places = {where: (source, node) for where, source, node in reversed([*_places(plugin, sources)])}
    for finding in lint_manifest(plugin.manifest(Context())):
        if finding.where in places:
            source, node = places[finding.where]
            yield Located(evolve(finding, file=source.shown, line=node.lineno), source.lines_of(node))
        else:
            yield Located(finding)


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


def _comments(text: bytes) -> dict[int, list[str]]:
    """Return the codes of each line that ignores some; of a comment without codes, none."""
    ignores = {}
    for token in tokenize.tokenize(io.BytesIO(text).readline):
        found = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
        if found is not None:
            codes = re.split(r"[\s,]+", found["codes"] or "")
            ignores[token.start[0]] = [code for code in codes if code]
    return ignores
