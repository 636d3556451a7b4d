"""A plugin's source becomes a component, by componentize-py: for hosts of the component model."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.infrastructure.build import BuildTimeoutError, PluginImportError
from reglet.infrastructure.build.build import (
    MOST_SECONDS,
    BuildReport,
    Stages,
    imported_plugin,
    silent,
    within,
    write_output,
)
from reglet.infrastructure.build.plugin_guest import PACKAGE
from reglet.infrastructure.build.project import find_project
from reglet.infrastructure.build.sources import package_folders
from reglet.infrastructure.extras import MissingPackageError

if TYPE_CHECKING:
    from reglet.infrastructure.build.build import Described, Progress
    from reglet.infrastructure.build.project import Project

_WIT = PACKAGE / "infrastructure" / "guest" / "wit"
_APP = "reglet_component_app"
_APP_SOURCE = """\
from reglet.infrastructure.guest.component import world_of

WitWorld = world_of({module!r}, {attribute!r}, {version!r})
"""
_COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"
_MOST_LINES = 40


def build_component(
    target: Path | str,
    output: Path | None = None,
    *,
    python: Path | None = None,
    progress: Progress = silent,
    most_seconds: float = MOST_SECONDS,
) -> BuildReport:
    """Build the plugin that a target means as a component, and write it.

    It is imported first as for a core module, so that what is wrong with it is said in the same words.
    Unlike a core module, two builds are not the same bytes.

    Raises:
        BuildError: it cannot be built; nothing was written.
        MissingPackageError: componentize-py is not installed.
        RuntimeProductError: reglet's installation is not whole.
    """
    if find_spec("componentize_py") is None:
        raise MissingPackageError("componentize-py", "component")
    project = find_project(target)
    stages = Stages(progress)
    described = within(most_seconds, lambda: _described(project, python, stages))
    with stages.stage("componentize"):
        content = _componentized(project, python, most_seconds)
    with stages.stage("write"):
        path = write_output(output, f"{described.name}.component.wasm", content)
    return BuildReport(
        path=path,
        name=described.name,
        version=described.version,
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        stages=tuple(stages.ended),
        warnings=(),
        sources=(),
        output="",
    )


def _described(project: Project, python: Path | None, stages: Stages) -> Described:
    with imported_plugin(project, python, stages) as imported:
        return imported.described


def _componentized(project: Project, python: Path | None, most_seconds: float) -> bytes:
    with tempfile.TemporaryDirectory(prefix="reglet-component-") as name:
        folder = Path(name)
        source = _APP_SOURCE.format(
            module=project.module, attribute=project.attribute, version=project.version
        )
        (folder / f"{_APP}.py").write_text(source, encoding="utf-8")
        made = folder / "component.wasm"
        paths = [folder, *project.roots, PACKAGE.parent, *package_folders(python)]
        command = [sys.executable, "-c", _COMPONENTIZE, "-q", "-d", str(_WIT), "-w", "plugin", "componentize"]
        command += [option for path in paths for option in ("-p", str(path))]
        command += ["-o", str(made), _APP]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter
                command, cwd=folder, capture_output=True, check=False, text=True, timeout=most_seconds
            )
        except subprocess.TimeoutExpired as error:
            raise BuildTimeoutError(
                f"componentize-py did not end within {most_seconds:g} s: give it more time with --timeout"
            ) from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            cause = next((line for line in reversed(said) if "Error" in line), f"status {done.returncode}")
            traceback = "\n".join(said[-_MOST_LINES:])
            raise PluginImportError(f"componentize-py failed: {cause.strip()}", traceback)
        return made.read_bytes()
