"""Which command to run, and what its end means to the shell."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import NoReturn

from reglet.cli.command import ExitStatus
from reglet.cli.commands import COMMANDS
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import add_with, extra_of


class _Parser(argparse.ArgumentParser):
    """A parser whose errors have the status that this command documents."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {message}\n")


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return its exit status."""
    _prepare_streams()
    command = next((each for each in COMMANDS if arguments and each.name == arguments[0]), None)
    own, passed_on = list(arguments), []
    if command is not None and command.passes_on and "--" in own:
        index = own.index("--")
        own, passed_on = own[:index], own[index + 1 :]

    def run() -> int:
        options = _parser().parse_args(own)
        options.passed_on = passed_on
        status: int = options.run(options)
        return status

    return run_command(run, ExitStatus.USAGE if command is None else command.unexpected)


def run_command(run: Callable[[], int], unexpected: ExitStatus = ExitStatus.USAGE) -> int:
    """Run what a command does, and return the status that its end stands for.

    Whatever is raised becomes one line: a traceback would have the status of a check that failed.
    `unexpected` is the status for what should not happen.
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
            sys.stderr.write(getattr(error, "traceback", ""))
        return _fail(*_explained(error, unexpected))


def _explained(error: Exception, unexpected: ExitStatus) -> tuple[str, ExitStatus]:
    """Return what to say of an error, and its status."""
    match error:
        case RegletError():
            return str(error), ExitStatus.USAGE
        case OSError():
            what = error.filename or "cannot write the output"
            return f"{what}: {error.strerror or error}", ExitStatus.USAGE
        case ModuleNotFoundError(name=name) if extra := extra_of(name):
            return f"{name} is not installed; {add_with(extra)}", ExitStatus.USAGE
    frames = extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{at}: {str(error).partition(chr(10))[0]}", unexpected


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="reglet-plugin", description="Make, run and test Reglet plugins written in Python.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _prepare_streams() -> None:
    """Open what the shell closed, and write as an escape what a terminal cannot show: no reason to stop."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))
        elif descriptor and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(message: str, status: ExitStatus) -> int:
    with suppress(OSError):
        sys.stderr.write(f"reglet-plugin: {message}\n")
    _discard_unwritten()
    return int(status)


def _discard_unwritten() -> None:
    """Keep the interpreter from complaining at its end of what it could not write."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
