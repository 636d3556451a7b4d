"""The plugin that a target means (a project folder, `.py` file or `module:attribute`), found and imported."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

from attrs import frozen

from reglet.application.names import PROJECT_FILE
from reglet.application.plugin import PluginDefinition, plugin_of
from reglet.application.results import author_traceback, one_line, raising_frame
from reglet.domain.errors import DefinitionError
from reglet.domain.ports import Plugin
from reglet.infrastructure.build import PluginImportError, TargetError
from reglet.infrastructure.build.import_advice import advice


@frozen
class Project:
    """A plugin's source.

    Attributes:
        module: the module to import.
        attribute: the plugin's name in the module; None for the registered or the only one.
        roots: folders that imports start from, the first first.
        version: `[project] version`, if this is the plugin that the project names; None otherwise.
        folder: where the project lies.
        name: `[project] name`, where its version is.
    """

    module: str
    attribute: str | None
    roots: tuple[Path, ...]
    version: str | None
    folder: Path
    name: str | None = None


def find_project(target: str | Path) -> Project:
    """Find the plugin that a target means.

    Raises:
        TargetError: there is none; the message has what to write where.
    """
    path = Path(target)
    if path.is_dir():
        folder = path.resolve()
        tables = _read_project(folder)
        if tables is None:
            raise TargetError(
                f"{folder} is no plugin: it has no {PROJECT_FILE}; give the plugin's .py file, or start one "
                "with `reglet-plugin new`"
            )
        plugin = _table(tables, "tool", "reglet").get("plugin")
        if not isinstance(plugin, str) or not _is_name(plugin):
            seen = "has none" if plugin is None else f"says {plugin!r}"
            raise TargetError(
                f"{folder / PROJECT_FILE} does not name the plugin: [tool.reglet] plugin {seen}; write "
                f'plugin = "package.module:attribute"'
            )
        return _from_name(plugin, folder)
    if path.suffix == ".py":
        if not os.path.isfile(path):  # noqa: PTH113 - a name that is too long for a file is none
            raise TargetError(f"{path} does not exist")
        root, names = path.resolve().parent, [path.stem]
        while (root / "__init__.py").is_file():
            names.insert(0, root.name)
            root = root.parent
        return _project(".".join(names), None, (root,), root.parent if root.name == "src" else root)
    if path.suffix == ".wasm":
        raise TargetError(f"{target} is built already: give the project folder, .py file or module:attribute")
    file, colon, attribute = str(target).partition(".py:")
    if colon:
        raise TargetError(
            f"{target} is a file and a name: write {Path(file).name}:{attribute} in the file's folder"
        )
    if _is_name(str(target)):
        return _from_name(str(target), Path.cwd())
    raise TargetError(f"{target} does not exist: give a project folder, a .py file or module:attribute")


def is_plugin_project(folder: Path) -> bool:
    """Whether a folder's `pyproject.toml` names a plugin."""
    return folder.is_dir() and "plugin" in _table(_read_project(folder) or {}, "tool", "reglet")


def _from_name(name: str, folder: Path) -> Project:
    module, _, attribute = name.partition(":")
    roots = tuple(root for root in (folder / "src", folder) if root.is_dir())
    paths = [root.joinpath(*module.split(".")) for root in roots]
    files = [file for path in paths for file in (path.with_name(path.name + ".py"), path / "__init__.py")]
    if not any(map(os.path.isfile, files)):  # a name that is too long for a file is none
        raise TargetError(
            f"there is no module {module} in {' or '.join(str(root) for root in roots)}: correct "
            f'"{name}", in {PROJECT_FILE} [tool.reglet] plugin if it stands there'
        )
    return _project(module, attribute or None, roots, folder)


def _project(module: str, attribute: str | None, roots: tuple[Path, ...], folder: Path) -> Project:
    tables = _read_project(folder) or {}
    plugin, project = _table(tables, "tool", "reglet").get("plugin"), _table(tables, "project")
    version = project.get("version")
    named = plugin.partition(":")[0].partition(".")[0] if isinstance(plugin, str) else None
    if named != module.partition(".")[0] or not isinstance(version, str):
        version = None  # the project's, which a file that merely lies there does not share
    name = project.get("name") if version is not None else None
    return Project(module, attribute, roots, version, folder, name if isinstance(name, str) else None)


def _read_project(folder: Path) -> dict[str, Any] | None:
    path = folder / PROJECT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TargetError(f"{path} cannot be read: {error}") from error


def _table(tables: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a table by its path, empty where there is none or another kind of value."""
    for name in names:
        inner = tables.get(name)
        tables = inner if isinstance(inner, dict) else {}
    return tables


def _is_name(text: str) -> bool:
    module, colon, attribute = text.partition(":")
    parts = module.split(".") + (attribute.split(".") if colon else [])
    return all(part.isidentifier() for part in parts)


_OUR_FILE = re.compile(r"(from 'reglet[.\w]*') \(.*\)$", re.MULTILINE)


def load_plugin_in_process(target: str | Path | Project) -> Plugin:
    """Import the plugin that a target means, or that was found already.

    The folders of its source go to the front of `sys.path` and stay there, as handlers may import more.

    Raises:
        TargetError: there is no such plugin.
        PluginImportError: its code failed; it has the author's own traceback, and the cause is the error.
    """
    project = target if isinstance(target, Project) else find_project(target)
    sys.path[:0] = [str(root) for root in project.roots if str(root) not in sys.path]
    try:
        __import__(project.module)  # importlib.import_module would stand in the author's traceback
    except Exception as error:
        frame = raising_frame(error)
        reason = _OUR_FILE.sub(r"\1", one_line(error))
        shown = _OUR_FILE.sub(r"\1", author_traceback(error))
        known = {} if frame is None else frame.f_globals
        reason += advice(reason, shown, known, plugin_module=project.module)
        raise PluginImportError(f"{project.module} cannot be imported: {reason}", shown) from error
    except SystemExit as error:
        text = f"{project.module} cannot be imported: it ends the program with exit status {error.code}"
        raise PluginImportError(text, author_traceback(error)) from error
    module = sys.modules[project.module]
    try:
        plugin: object
        if project.attribute is None:
            plugin = plugin_of(module)
        else:
            plugin = reduce(getattr, project.attribute.split("."), module)
        if isinstance(plugin, type) or not isinstance(plugin, Plugin):
            raise TargetError(
                f"{project.module}:{project.attribute} is no plugin but a {type(plugin).__name__}: name a "
                "define_plugin(…) object"
            )
        if project.version is not None and isinstance(plugin, PluginDefinition):
            plugin.adopt_version(project.version)
    except AttributeError as error:
        more = advice(str(error), plugin_module=project.module)
        raise TargetError(f"{project.module}:{project.attribute} does not exist: {error}{more}") from error
    except DefinitionError as error:
        raise TargetError(f"{error}{advice(str(error), plugin_module=project.module)}") from error
    return plugin
