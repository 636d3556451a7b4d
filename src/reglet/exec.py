"""Programs, run through the host without a shell."""

from reglet.application.exec import run
from reglet.domain.entities.requests import CommandRequest, CommandResult

__all__ = ["CommandRequest", "CommandResult", "run"]
