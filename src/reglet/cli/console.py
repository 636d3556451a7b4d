"""What a person sees: results on stdout, all else on stderr, drawn with rich; and files that are written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from attrs import frozen

from reglet.cli.command import UsageError
from reglet.domain.entities.result import Result, ResultStatus

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.text import Text

    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.domain.entities.records import LogMessage


_COLOURS = {ResultStatus.SUCCESS: "green", ResultStatus.FAILURE: "yellow", ResultStatus.ERROR: "red"}
_MARKS = {ResultStatus.SUCCESS: "✔", ResultStatus.FAILURE: "✘", ResultStatus.ERROR: "⚠"}


def output() -> Console:
    """Return the console for results; a closed pipe raises `BrokenPipeError` as elsewhere in Python."""
    from rich.console import Console

    class PipeAware(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PipeAware(highlight=False)


def messages() -> Console:
    """Return the console for everything that is not a result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def plugin_output() -> AbstractContextManager[object]:
    """Send what a plugin in process prints to stderr, so that a pipe gets results alone.

    A terminal shows both, and there a debugger edits its line only on the true stdout.
    """
    return nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr)


def show_result(result: Result) -> None:
    """Draw a Result on stdout."""
    from rich.text import Text

    colour, mark = _COLOURS[result.status], _MARKS[result.status]
    console = output()
    console.print(
        Text(f"{mark} {result.status}", style=f"bold {colour}"), result.message, markup=False, soft_wrap=True
    )
    for line in _error_lines(result.error) if result.error is not None else ():
        console.print(line, soft_wrap=True)
    show_rows([(name, _shown(value)) for name, value in result.data.items()] if result.data else [])


def _error_lines(error: ErrorDetail) -> Iterator[Text]:
    from rich.text import Text

    facts = [("type", error.type), ("code", error.code)]
    facts += [(name, _shown(value)) for name, value in error.details.items()]
    for name, value in facts:
        if value:
            yield Text(f"  {name}: {value}", style="dim")
    if error.stack:
        yield Text(error.stack.decode("utf-8", "replace").rstrip(), style="dim")


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Draw names and values on stdout, a line each; nothing is folded, so that a pipe gets whole values."""
    from rich.text import Text

    console = output()
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        first, *more = value.splitlines() or [""]
        line = Text.assemble("  ", (f"{name:<{width}}", "bold"), "    ", first)
        for each in more:
            line.append(f"\n{' ' * (width + 6)}{each}")
        line.rstrip()
        console.print(line, soft_wrap=True)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@frozen
class StderrLog:
    """Takes log messages and writes their level, text and attributes."""

    def write(self, message: LogMessage) -> None:
        """Write one line."""
        attributes = "".join(f" {attribute.key}={attribute.value}" for attribute in message.attributes)
        sys.stderr.write(f"{message.level} {message.message}{attributes}\n")


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was.

    Raises:
        UsageError: it cannot be written there.
    """
    from reglet.infrastructure.atomic import write_atomic

    try:
        write_atomic(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
