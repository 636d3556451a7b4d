"""Programs, run through the host without a shell."""

from reglet.application.checks import run
from reglet.domain.entities.records import CommandRequest, CommandResult

__all__ = ["CommandRequest", "CommandResult", "run"]
