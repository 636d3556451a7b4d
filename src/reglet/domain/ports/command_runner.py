"""The port for programs."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reglet.domain.entities.requests import CommandRequest, CommandResult


@runtime_checkable
class CommandRunner(Protocol):
    """Runs programs, without a shell."""

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end. A non-zero exit code is a result.

        Raises `ExecError` when it could not be started, `CapabilityError` when no grant covers it.
        """
        ...
