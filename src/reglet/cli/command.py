"""What commands share: exit statuses, what can be wrong with a call, and arguments that several take."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from reglet.domain.entities.result import Result, ResultStatus
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import EXTRAS, Extra, add_with

_Function = TypeVar("_Function", bound=Callable[..., Any])


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


class HelpFormatter(click.HelpFormatter):
    """Help with headings and names that stand out; a pipe gets it without colour."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(click.style(heading, bold=True))

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and what they mean."""
        super().write_dl([(click.style(name, fg="cyan"), text) for name, text in rows], col_max, col_spacing)


class Context(click.Context):
    """A click context whose help has our look, as wide as the terminal up to 110 columns."""

    formatter_class = HelpFormatter


class Command(click.Command):
    """One command of `reglet-plugin`; its function returns the exit status.

    Attributes:
        passes_on: whether what stands behind `--` is for another program, as the argument `passed_on`.
    """

    context_class = Context

    def __init__(
        self,
        *arguments: Any,
        passes_on: bool = False,
        **options: Any,
    ) -> None:
        """Take what a click command takes."""
        options["context_settings"] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
        super().__init__(*arguments, **options)
        self.passes_on = passes_on

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments before `--`; what follows is another program's, wherever it stands."""
        if self.passes_on:
            index = args.index("--") if "--" in args else len(args)
            args, ctx.params["passed_on"] = args[:index], tuple(args[index + 1 :])
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not self.passes_on:
                raise
            raise click.UsageError(
                f"{error.format_message()} Options of pytest stand behind --.", ctx
            ) from error


FILE: click.ParamType[Path] = click.Path(path_type=Path)
"""The type of an argument that is a path, there or not."""

TARGET_HELP = (
    "TARGET is a .wasm file, the reference of a plugin in a registry, a project folder, a .py file or "
    "module:attribute; the last three run in process."
)


def project_argument(command: _Function) -> _Function:
    """Add `[PATH]`, a project's folder, as `path`."""
    return click.argument("path", type=FILE, default=".", metavar="[PATH]")(command)


def target_argument(command: _Function) -> _Function:
    """Add `[TARGET]`, as `target`."""
    return click.argument("target", default=".", metavar="[TARGET]")(command)


def json_option(command: _Function) -> _Function:
    """Add `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")(command)
