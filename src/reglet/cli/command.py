"""What a command is: its name, arguments, action and exit status, and what can be wrong with a call."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from enum import IntEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrs import frozen

from reglet.domain.entities.result import Result, ResultStatus
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import EXTRAS, Extra, add_with

if TYPE_CHECKING:
    from argparse import _SubParsersAction


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


class UsageError(RegletError):
    """A command was called in a way that cannot work; the message has the way that does."""

    error_type = "config"


def require_extra(extra: Extra, command: str, is_there: Callable[[str], object] = find_spec) -> None:
    """Raise `UsageError` with the pip line that adds `extra`, if a module of it is not there."""
    missing = [package for module, package in EXTRAS[extra].items() if not is_there(module)]
    if missing:
        raise UsageError(f"{command} needs {', '.join(missing)}, which is not installed; {add_with(extra)}")


Run = Callable[[argparse.Namespace], int]
Configure = Callable[[argparse.ArgumentParser], None]


@frozen
class Command:
    """One command of `reglet-plugin`.

    Attributes:
        name: what it is called.
        summary: what it does, for the help.
        configure: adds its arguments to a parser.
        run: does it, and returns the exit status.
        passes_on: whether what stands behind `--` is for another program, as `options.passed_on`.
        unexpected: the status that stands for what should not happen.
    """

    name: str
    summary: str
    configure: Configure
    run: Run
    passes_on: bool = False
    unexpected: ExitStatus = ExitStatus.USAGE

    def add_to(self, commands: _SubParsersAction[Any]) -> None:
        """Add the command to the parser's commands."""
        parser = commands.add_parser(self.name, help=self.summary, description=self.summary)
        self.configure(parser)
        parser.set_defaults(run=self.run)
