"""The entry point: which command, and what its failures mean to the shell."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from reglet.cli.commands import COMMANDS
from reglet.cli.errors import missing_extra
from reglet.cli.exit_status import ExitStatus
from reglet.domain.errors import RegletError


class _Parser(argparse.ArgumentParser):
    """A parser whose errors have the status that this command documents."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    _write_what_a_stream_cannot_encode_as_escapes()
    options = _parser().parse_args(arguments)
    return carry_out(lambda: options.run(options))


def carry_out(run: Callable[[], int]) -> int:
    """Run what a command does, and return the status that its end stands for."""
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_pipe()
    except KeyboardInterrupt:
        return _complain("interrupted", ExitStatus.INTERRUPTED)
    except ModuleNotFoundError as error:
        extra = missing_extra(error.name)
        if extra is None:
            raise
        return _complain(f"{error.name} is not installed: pip install 'reglet[{extra}]'", ExitStatus.USAGE)
    except RegletError as error:
        sys.stderr.write(getattr(error, "traceback", ""))
        return _complain(str(error), ExitStatus.USAGE)
    except OSError as error:
        return _failed_stream(error)
    return int(status)


def _write_what_a_stream_cannot_encode_as_escapes() -> None:
    """What a terminal cannot show is no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="reglet-plugin", description="Make, run and test Reglet plugins written in Python.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _complain(message: str, status: ExitStatus) -> int:
    sys.stderr.write(f"reglet-plugin: {message}\n")
    return int(status)


def _closed_pipe() -> int:
    """Whoever read our output has gone: end quietly."""
    _discard_output()
    return int(ExitStatus.SUCCESS)


def _failed_stream(error: OSError) -> int:
    """Name what the system refused: a file, or our output when the disk behind it is full."""
    if error.filename is None:
        _discard_output()
    return _complain(
        f"{error.filename or 'cannot write the output'}: {error.strerror or error}", ExitStatus.USAGE
    )


def _discard_output() -> None:
    """Keep the interpreter from flushing at its end what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
