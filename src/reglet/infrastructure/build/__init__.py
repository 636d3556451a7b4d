"""Made by users: the runtime and a plugin become one core module, or a component.

Here is why a build failed, said to the plugin's author. Nothing else: to find and import a plugin needs none
of what a build does.
"""

from __future__ import annotations

from reglet.domain.errors import RegletError


class BuildError(RegletError):
    """A plugin could not be built. The message is the cause in one line, with the fix where there is one."""


class TargetError(BuildError):
    """What was to be built or loaded is no plugin, or names none."""


class OutsideRootsError(BuildError):
    """A link leads out of the folders that a build takes files from."""


class BuildTimeoutError(BuildError):
    """A build took longer than it may."""


class PluginImportError(BuildError):
    """The plugin's own code failed while it was imported or described itself.

    Attributes:
        traceback: the author's own frames with source lines; may be empty.
        output: what the plugin printed until then.
    """

    def __init__(self, message: str, traceback: str = "", output: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback
        self.output = output


class ImportSideEffectError(BuildError):
    """The plugin did at import what only a run can do.

    Attributes:
        traceback: where it did; may be empty.
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class OutputError(BuildError):
    """The built file could not be written."""
