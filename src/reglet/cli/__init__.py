"""`reglet-plugin`: which command to run, and what its end means to the shell."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from reglet.application import __version__
from reglet.cli.command import Command, Context, ExitStatus, UsageError
from reglet.cli.console import without_secrets, write_message
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import add_with, extra_of

__all__ = ["COMMANDS", "main", "run_command"]

_PROGRAM = "reglet-plugin"
_COMPLETION_VARIABLE = "_REGLET_PLUGIN_COMPLETE"

COMMANDS = {
    "new": "project",
    "build": "build",
    "run": "run",
    "grants": "grants",
    "manifest": "build",
    "inspect": "build",
    "test": "verify",
    "audit": "verify",
    "lint": "verify",
    "verify": "verify",
    "docs": "docs",
    "dev": "dev",
    "package": "publish",
    "push": "publish",
    "pull": "publish",
    "index": "publish",
    "doctor": "project",
    "completion": "",
    "help": "",
}
"""The commands in the order in which help shows them, and the module of each, imported when it is run."""


class _Commands(click.Group):
    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        home = import_module(f"{__name__}.{COMMANDS[cmd_name]}".rstrip("."))
        command: click.Command = getattr(home, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=_PROGRAM)
def commands() -> None:
    """Make, run and test Reglet plugins written in Python."""


@click.command("help", cls=Command)
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
def help(names: tuple[str, ...]) -> int:  # noqa: A001 - the command's name
    """Show the help of a command."""
    return _invoke([*names, "--help"])


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> int:
    r"""Print what a shell needs to complete commands and options.

    \b
    bash        eval "$(reglet-plugin completion bash)"         in ~/.bashrc
    zsh         eval "$(reglet-plugin completion zsh)"          in ~/.zshrc
    fish        reglet-plugin completion fish | source          in ~/.config/fish/config.fish
    powershell  reglet-plugin completion powershell | Out-String | Invoke-Expression    in $PROFILE
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    sys.stdout.write(kind(commands, {}, _PROGRAM, _COMPLETION_VARIABLE).source() + "\n")
    return ExitStatus.SUCCESS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments (by default the process's) name and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # the shell closed it
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show is no reason to stop
            stream.reconfigure(errors="backslashreplace" if descriptor else "replace")
    if sys.platform == "win32":  # whose older terminals show colours to those who ask; click brings colorama
        from colorama import just_fix_windows_console  # type: ignore[import-untyped,unused-ignore]  # no types

        just_fix_windows_console()
    instruction = os.environ.get(_COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return run_command(lambda: shell_complete(commands, {}, _PROGRAM, _COMPLETION_VARIABLE, instruction))
    unexpected = ExitStatus.ERROR if arguments[:1] == ["run"] else ExitStatus.USAGE
    return run_command(lambda: _invoke(arguments), unexpected)


def _invoke(arguments: Sequence[str]) -> int:
    """Parse the arguments, run the command and return its status, without click's own handling of errors."""
    try:
        with commands.make_context(_PROGRAM, list(arguments)) as context:
            status: int = commands.invoke(context)
            return status
    except click.exceptions.Exit as end:
        return end.exit_code


def run_command(run: Callable[[], int], unexpected: ExitStatus = ExitStatus.USAGE) -> int:
    """Run what a command does, and return the status that its end stands for.

    Whatever is raised becomes one line: a traceback would have the status of a check that failed.
    `unexpected` is the status for what should not happen. Above it stands the usage of a wrong call, or the
    author's own traceback, indented: what a plugin puts into it cannot look like a line of ours.
    """
    try:
        try:
            return int(run())
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_unwritten()
        return int(ExitStatus.SUCCESS)  # whoever read the output has gone: end quietly
    except KeyboardInterrupt:
        return _fail("interrupted", ExitStatus.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a bug is no failed check either
        with suppress(OSError):
            if isinstance(error, click.UsageError) and error.ctx is not None:
                click.echo(error.ctx.get_usage(), err=True)
            lines = getattr(error, "traceback", "").splitlines()
            _, colon, reason = lines[-1].partition(": ") if lines else ("", "", "")
            if colon and reason in str(error):
                lines.pop()  # the line that follows says it
            for line in lines:
                write_message(f"  {line}", "    ")
        return _fail(*_explained(error, unexpected))


def _explained(error: Exception, unexpected: ExitStatus) -> tuple[str, ExitStatus]:
    """Return what to say of an error, and its status."""
    match error:
        case RegletError():
            return str(error), ExitStatus.USAGE
        case click.ClickException():
            return error.format_message(), ExitStatus.USAGE
        case OSError():
            what = error.filename or "cannot write the output"
            return f"{what}: {error.strerror or error}", ExitStatus.USAGE
        case ModuleNotFoundError(name=name) if extra := extra_of(name):
            return f"{name} is not installed; {add_with(extra)}", ExitStatus.USAGE
    from traceback import extract_tb  # for what should not happen alone

    frames = extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{at}: {str(error).partition(chr(10))[0]}", unexpected


def _fail(message: str, status: ExitStatus) -> int:
    with suppress(OSError):
        write_message(f"{_PROGRAM}: {without_secrets(message)}")
    _discard_unwritten()
    return int(status)


def _discard_unwritten() -> None:
    """Keep the interpreter from complaining at its end of what it could not write."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
