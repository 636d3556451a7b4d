"""Where a TARGET runs: in process, or in the sandbox. Either tells its manifest and answers with Results."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from reglet.cli.console import messages, plugin_output
from reglet.cli.errors import UsageError, require_extra
from reglet.cli.targets import is_module, module_path

if TYPE_CHECKING:
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.result import Result
    from reglet.domain.ports import HostFunctions, Plugin


class Place(Protocol):
    """A plugin, wherever it runs."""

    @property
    def digest(self) -> str:
        """What grants that are kept for always belong to: SHA-256, hexadecimal."""
        ...

    def manifest(self) -> Manifest:
        """Return what the plugin says of itself."""
        ...

    def check(self, config: bytes, functions: HostFunctions, grants: GrantSet) -> Result:
        """Run a check whose host calls `functions` answer, with the files and variables of `grants`."""
        ...


def place_of(target: str) -> Place:
    """Return the place that TARGET stands for.

    Raises:
        UsageError: there is no such file, or an extra is missing.
        RegletError: what is there is no plugin, or cannot be imported.
    """
    if is_module(target):
        require_extra("build", "a .wasm target")
        return InSandbox(module_path(target))
    from reglet.infrastructure.build.project import load_plugin_in_process

    with plugin_output():
        return InProcess(load_plugin_in_process(target))


def manifest_of(target: str) -> Manifest:
    """Return the manifest of a TARGET."""
    return place_of(target).manifest()


@frozen
class InProcess:
    """A plugin imported into this interpreter: a debugger's breakpoints hold, files are not sandboxed."""

    plugin: Plugin

    @property
    def digest(self) -> str:
        """The digest of the manifest, since there is no file."""
        from reglet.infrastructure.wire.manifest import MANIFEST

        return hashlib.sha256(MANIFEST.encode(self.manifest())).hexdigest()

    def manifest(self) -> Manifest:
        """Ask the plugin, whose class may be the author's own.

        Raises:
            PluginImportError: it fails; the error has the author's traceback.
            UsageError: what it answers is no manifest.
        """
        from reglet.application.results import author_traceback, one_line
        from reglet.domain.context import Context
        from reglet.domain.entities.manifest import Manifest
        from reglet.infrastructure.build.errors import PluginImportError

        try:
            with plugin_output():
                manifest: object = self.plugin.manifest(Context())
        except Exception as problem:
            text = f"the plugin cannot describe itself: {one_line(problem)}"
            raise PluginImportError(text, author_traceback(problem)) from problem
        if not isinstance(manifest, Manifest):
            kind = type(manifest).__name__
            raise UsageError(f"the plugin's manifest() returned a {kind}; return a reglet.Manifest")
        return manifest

    def check(self, config: bytes, functions: HostFunctions, grants: GrantSet) -> Result:
        """Run a check here; `grants` hold at the seam alone, which stderr says."""
        from reglet.infrastructure.guest.exports import Exports
        from reglet.infrastructure.wire.result import RESULT

        del grants
        messages().print("in process: files and environment are not sandboxed", style="dim")
        with plugin_output():
            return RESULT.decode(Exports(self.plugin, functions).observe(config))


@frozen
class InSandbox:
    """A built module on our own host."""

    path: Path

    @property
    def digest(self) -> str:
        """The digest of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def manifest(self) -> Manifest:
        """Ask the module, with nothing granted."""
        from reglet.sandbox import Sandbox

        with Sandbox() as sandbox:
            return sandbox.load(self.path).manifest()

    def check(self, config: bytes, functions: HostFunctions, grants: GrantSet) -> Result:
        """Run a check in a fresh instance."""
        from reglet.sandbox import Sandbox

        with Sandbox(grants=grants, functions=functions) as sandbox:
            return sandbox.load(self.path).check(config)
