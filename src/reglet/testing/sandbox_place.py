"""A built plugin in our own sandbox, its host calls answered by a test."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.result import Result
from reglet.domain.ports import HostFunctions
from reglet.sandbox import Sandbox
from reglet.testing.audit.touched import note_file

if TYPE_CHECKING:
    from reglet.infrastructure.host.module import Module


class _Switch:
    """Host functions that pass on to those of the check that runs."""

    def __init__(self) -> None:
        self.functions: HostFunctions | None = None

    def call(self, name: str, request: bytes) -> bytes:
        """Pass a call on."""
        if self.functions is None:
            raise RuntimeError(f"{name} was called outside of a check")
        return self.functions.call(name, request)


class InSandbox:
    """A built plugin with what it declares granted: files through preopens, variables, nothing else.

    A context manager. Checks run one by one; the module is loaded again only when the environment or the
    working directory is not the same, as a sandbox takes both when it starts.
    """

    def __init__(self, module: Path, grants: GrantSet) -> None:
        """Run `module`."""
        self._path = module
        self._grants = grants
        self._switch = _Switch()
        self._loaded: tuple[object, Sandbox, Module] | None = None

    def check(self, functions: HostFunctions, config: bytes) -> Result:
        """Run one check in a guest of its own."""
        module = self._module()
        self._switch.functions = functions
        try:
            return module.check(config)
        finally:
            self._switch.functions = None

    def close(self) -> None:
        """Let go of the module."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _module(self) -> Module:
        surroundings = (dict(os.environ), Path.cwd())
        if self._loaded is None or self._loaded[0] != surroundings:
            self.close()
            sandbox = Sandbox(
                self._grants,
                functions=self._switch,
                file_observer=note_file,
                environment=surroundings[0],
            )
            self._loaded = (surroundings, sandbox, sandbox.load(self._path))
        return self._loaded[2]
