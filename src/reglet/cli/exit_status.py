"""What the command's exit status says."""

from __future__ import annotations

from enum import IntEnum

from reglet.domain.entities.result import Result, ResultStatus


class ExitStatus(IntEnum):
    """The statuses of every command."""

    SUCCESS = 0
    """The check succeeded; nothing was found; there is no difference."""
    FAILURE = 1
    """The check failed; something was found; there is a difference."""
    ERROR = 2
    """The check could not be made."""
    USAGE = 3
    """The command could not be carried out: arguments, build, not a plugin, config, a missing extra."""
    INTERRUPTED = 130
    """Ctrl-C."""


_BY_RESULT = {
    ResultStatus.SUCCESS: ExitStatus.SUCCESS,
    ResultStatus.FAILURE: ExitStatus.FAILURE,
    ResultStatus.ERROR: ExitStatus.ERROR,
}


def status_of(result: Result) -> ExitStatus:
    """Return the exit status that stands for a Result."""
    return _BY_RESULT[result.status]
