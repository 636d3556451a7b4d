"""What TARGET names: a built module, or a plugin to run in process."""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from reglet.application.names import PROJECT_FILE
from reglet.cli.command import UsageError, require_extra
from reglet.cli.console import plugin_output, write_message
from reglet.infrastructure.atomic import read_bounded

if TYPE_CHECKING:
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.ports import Plugin
    from reglet.sandbox import Dialect, Module
    from reglet.testing.runners import Runner


class LoadedPlugin(Protocol):
    """A plugin that a command is about: its manifest and its checks."""

    @property
    def digest(self) -> str:
        """What grants that are kept for always belong to: SHA-256, hexadecimal."""
        ...

    def manifest(self) -> Manifest:
        """Return the plugin's description of itself."""
        ...

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks with the files and variables of `grants`, on a host of a dialect."""
        ...


def load_target(target: str) -> LoadedPlugin:
    """Return what TARGET stands for: a module runs in the sandbox, anything else in process.

    A module is a `.wasm` file or, if no file is called that, the reference of one in a registry.

    Raises:
        UsageError: there is no such file, or an extra is missing.
        RegletError: what is there is no plugin, or it cannot be pulled or imported.
    """
    if is_module(target):
        return load_module(target)
    from reglet.infrastructure.build.project import load_plugin_in_process

    with plugin_output():
        return InProcessPlugin(load_plugin_in_process(target))


def load_module(target: str) -> BuiltPlugin:
    """Return the plugin of a TARGET that is a module; its file is read here and never again.

    Raises:
        UsageError: there is no such file, it cannot be read, or an extra is missing.
        RegletError: it cannot be pulled.
    """
    require_extra("build", "a .wasm target")
    path = local_path(target)
    if not path.is_file():
        raise UsageError(f"{target} is not there: build it with `reglet-plugin build PROJECT -o {target}`")
    try:
        with path.open("rb") as file:
            return BuiltPlugin(str(path), read_bounded(file))
    except OSError as error:
        raise UsageError(f"{target} cannot be read: {error.strerror}") from error


def manifest_of(target: str) -> Manifest:
    """Return the manifest of a TARGET."""
    return load_target(target).manifest()


def is_module(target: str) -> bool:
    """Whether TARGET is a WebAssembly file, by its name, or a plugin in a registry."""
    return target.endswith(".wasm") or _is_in_registry(target)


def local_path(target: str) -> Path:
    """Return the path that TARGET is, or of the file that was pulled for it.

    Raises:
        UsageError: an extra is missing.
        RegletError: it cannot be pulled.
    """
    if not _is_in_registry(target):
        return Path(target)
    require_extra("registry", "a plugin in a registry")
    from reglet.infrastructure.registry.artifact import digest_of
    from reglet.infrastructure.registry.reference import parse_reference
    from reglet.infrastructure.registry.store import PluginStore, pull_artifact

    store = PluginStore()
    artifact = pull_artifact(parse_reference(target), store)
    write_message(f"{target} is {artifact.digest}")
    return store.path(digest_of(artifact.module))


def _is_in_registry(target: str) -> bool:
    """Whether TARGET is a reference, which a file of that name would precede."""
    if os.path.exists(target):  # noqa: PTH110 - False for any string
        return False
    from reglet.infrastructure.registry.reference import is_reference

    return is_reference(target)


def require_project(path: Path) -> None:
    """Raise `UsageError` unless a path is a project's folder, which is what has tests."""
    if path.suffix == ".py" and path.is_file():
        raise UsageError(
            f"{path} is one file, and tests belong to a project: make one with `reglet-plugin new`"
        )
    if not (path / PROJECT_FILE).is_file():
        raise UsageError(
            f"{path} is no project: it has no {PROJECT_FILE}; name the project's folder, or make one "
            "with `reglet-plugin new`"
        )


@frozen
class InProcessPlugin:
    """A plugin imported into this interpreter: a debugger's breakpoints hold, files are not sandboxed."""

    definition: Plugin

    @property
    def digest(self) -> str:
        """The digest of the manifest, since there is no file."""
        from reglet.infrastructure.wire.exports import MANIFEST

        return hashlib.sha256(MANIFEST.encode(self.manifest())).hexdigest()

    def manifest(self) -> Manifest:
        """Ask the plugin, whose class may be the author's own.

        Raises:
            PluginImportError: it fails; the error has the author's traceback.
            UsageError: what it returns is no manifest.
        """
        from reglet.application.results import author_traceback, one_line
        from reglet.domain.context import Context
        from reglet.domain.entities.manifest import Manifest
        from reglet.infrastructure.build import PluginImportError

        try:
            with plugin_output():
                manifest: object = self.definition.manifest(Context())
        except Exception as error:
            text = f"the plugin cannot describe itself: {one_line(error)}"
            raise PluginImportError(text, author_traceback(error)) from error
        if not isinstance(manifest, Manifest):
            kind = type(manifest).__name__
            raise UsageError(f"the plugin's manifest() returned a {kind}; return a reglet.Manifest")
        return manifest

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks here: grants and dialect are those of the host functions alone."""
        from reglet.testing.runners import InProcessRunner

        del grants, dialect
        return nullcontext(InProcessRunner(self.definition))


@frozen
class BuiltPlugin:
    """A built module, run in the sandbox: the bytes that were read once are asked about, described and run.

    Attributes:
        name: what messages call it.
        content: the module.
    """

    name: str
    content: bytes = field(repr=False)

    @cached_property
    def _module(self) -> Module:
        """The module, with nothing granted."""
        from reglet.sandbox import Sandbox

        return Sandbox().load(self.content, self.name)

    @property
    def digest(self) -> str:
        """The digest of the module."""
        return self._module.digest

    def manifest(self) -> Manifest:
        """Ask the module, with nothing granted."""
        return self._module.manifest()

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks in the sandbox."""
        from reglet.testing.runners import SandboxRunner
        from reglet.testing.usage import note_file

        return SandboxRunner(self._module, grants, dialect=dialect, file_observer=note_file)
