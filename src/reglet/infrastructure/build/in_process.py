"""The plugin of a target, imported into this process."""

from __future__ import annotations

import sys
from functools import reduce
from typing import TYPE_CHECKING

from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.application.results import author_traceback, one_line
from reglet.domain.errors import DefinitionError
from reglet.domain.ports import Plugin
from reglet.infrastructure.build.errors import PluginImportError, TargetError
from reglet.infrastructure.build.project import find_project

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from reglet.infrastructure.build.project import Project


def load_plugin_in_process(target: str | Path) -> Plugin:
    """Import the plugin that a target means.

    The folders of its source go to the front of `sys.path` and stay there, as handlers may import more.

    Raises:
        TargetError: there is no such plugin.
        PluginImportError: its code failed; it has the author's own traceback, and the cause is the error.
    """
    project = find_project(target)
    module = _import(project)
    try:
        plugin = _plugin(module, project)
        if project.version is not None and isinstance(plugin, PluginDefinition):
            plugin.adopt_version(project.version)
    except DefinitionError as problem:
        raise TargetError(str(problem)) from problem
    return plugin


def _import(project: Project) -> ModuleType:
    sys.path[:0] = [str(root) for root in project.roots if str(root) not in sys.path]
    try:
        __import__(project.module)  # importlib.import_module would stand in the author's traceback
    except Exception as problem:
        raise PluginImportError(
            f"{project.module} cannot be imported: {one_line(problem)}", author_traceback(problem)
        ) from problem
    except SystemExit as problem:
        text = f"{project.module} cannot be imported: it ends the program with exit status {problem.code}"
        raise PluginImportError(text, author_traceback(problem)) from problem
    return sys.modules[project.module]


def _plugin(module: ModuleType, project: Project) -> Plugin:
    if project.attribute is None:
        return plugin_of(module)
    name = f"{project.module}:{project.attribute}"
    try:
        found: object = reduce(getattr, project.attribute.split("."), module)
    except AttributeError as problem:
        raise TargetError(f"{name} does not exist: {problem}") from problem
    if isinstance(found, type) or not isinstance(found, Plugin):
        raise TargetError(f"{name} is no plugin but a {type(found).__name__}: name a define_plugin(…) object")
    return found
