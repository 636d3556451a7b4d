"""Made by users: the runtime and a plugin become one core module, or a component."""

from reglet.infrastructure.build.build import (
    BUILD_SECTION,
    BuildReport,
    CheckReport,
    build_plugin,
    check_build,
)
from reglet.infrastructure.build.errors import (
    BuildError,
    ImportSideEffectError,
    OutputError,
    PluginImportError,
    TargetError,
)
from reglet.infrastructure.build.in_process import load_plugin_in_process
from reglet.infrastructure.build.project import Project, find_project
from reglet.infrastructure.build.stages import Progress, Stage

__all__ = [
    "BUILD_SECTION",
    "BuildError",
    "BuildReport",
    "CheckReport",
    "ImportSideEffectError",
    "OutputError",
    "PluginImportError",
    "Progress",
    "Project",
    "Stage",
    "TargetError",
    "build_plugin",
    "check_build",
    "find_project",
    "load_plugin_in_process",
]
