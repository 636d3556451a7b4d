"""What a person sees: results on stdout, all else on stderr; and files that are written.

Whatever a guest, a registry or a file says is data. It is shown with every character escaped that is not
printed as itself, so that it can neither steer a terminal nor look like a line of ours: a line that is longer
than the terminal goes on below an indent. `--json` passes on what was said as it is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from threading import Timer
from typing import TYPE_CHECKING, Any, TextIO, TypeVar
from unicodedata import combining, east_asian_width

import click
from attrs import frozen

from reglet.cli.command import UsageError
from reglet.domain.entities.result import Result, ResultStatus
from reglet.domain.escaping import escape, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from reglet.domain.entities.records import LogMessage

COLOURS = {ResultStatus.SUCCESS: "green", ResultStatus.FAILURE: "yellow", ResultStatus.ERROR: "red"}
MARKS = {ResultStatus.SUCCESS: "✔", ResultStatus.FAILURE: "✘", ResultStatus.ERROR: "⚠"}

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+(?<![:;,.)])")
_LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARN", "ERROR"})
_LEAST_TEXT_WIDTH = 20
_MOST_NAME_WIDTH = 40
_GAP = "  "

_T = TypeVar("_T")


def without_secrets(value: _T, secrets: Sequence[str] = ()) -> _T:
    """Return a string, or what JSON has, with known secrets masked, and those that stand in URLs."""
    if isinstance(value, str) and "://" not in value and not secrets:
        return value
    from reglet.testing.masking import Masker

    masker = Masker(secrets)

    def url(found: re.Match[str]) -> str:
        masked: Any = masker.masked({"url": found[0]})
        return str(masked["url"])

    def masked(each: Any) -> Any:
        match each:
            case str():
                return masker.masked(_URL.sub(url, each))
            case Mapping():
                return {name: masked(item) for name, item in each.items()}
            case list() | tuple():
                return [masked(item) for item in each]
        return each

    result: _T = masked(value)
    return result


def _cells(text: str) -> int:
    """Return how many columns a terminal takes for a string."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _fitted(text: str, width: int, indent: str = _GAP) -> list[str]:
    """Return the lines of a string that is printed in `width` columns; all but the first are indented."""
    if _cells(text) <= width or width < len(indent) + _LEAST_TEXT_WIDTH // 2:
        return [text]
    lines = [""]
    for word in re.split(r"(?<= )(?=[^ ])", text):
        rest = word
        if lines[-1].strip() and _cells(lines[-1]) + _cells(rest.rstrip()) > width:
            lines.append(indent)
        while _cells(lines[-1]) + _cells(rest.rstrip()) > width:
            cut = 1
            while cut < len(rest) and _cells(lines[-1]) + _cells(rest[: cut + 1]) <= width:
                cut += 1
            lines[-1] += rest[:cut]
            rest = rest[cut:]
            lines.append(indent)
        lines[-1] += rest
    return [line.rstrip() for line in lines]


_UNLIMITED = sys.maxsize


def width_of(stream: TextIO) -> int:
    """Return the columns of a terminal; a pipe gets whole lines."""
    if not stream.isatty():
        return _UNLIMITED
    columns = os.environ.get("COLUMNS", "")
    try:
        return int(columns) if columns.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 80


def _write(stream: TextIO, text: str, indent: str, **style: Any) -> None:
    for line in _fitted(text, width_of(stream), indent):
        _print(line, stream, **style)


def _print(line: str, stream: TextIO, **style: Any) -> None:
    """Write a line that is escaped already; a style is for a terminal whose user has not declined colours."""
    plain = not style or not stream.isatty() or bool(os.environ.get("NO_COLOR"))
    stream.write((line if plain else click.style(line, **style)) + "\n")


def write_message(text: str = "", indent: str = _GAP, **style: Any) -> None:
    """Write a line to stderr, escaped; `style` is that of `click.style`, for terminals."""
    _write(sys.stderr, escape(text), indent, **style)


@contextmanager
def said_if_it_takes_long(text: str, seconds: float = 1.0) -> Iterator[None]:
    """Write to a terminal what is waited for in a block, once it has taken so many seconds."""
    if not sys.stderr.isatty():
        yield
        return
    timer = Timer(seconds, write_message, [text], {"dim": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def write_warning(text: str) -> None:
    """Write what will surprise to stderr."""
    write_message(f"warning: {text}", fg="yellow")


def write_line(text: str = "", indent: str = _GAP, **style: Any) -> None:
    """Write a line of a result to stdout, escaped."""
    _write(sys.stdout, escape(text), indent, **style)


def plugin_output() -> AbstractContextManager[object]:
    """Send what a plugin in process prints to stderr, so that a pipe gets results alone.

    A terminal shows both, and there a debugger edits its line only on the true stdout.
    """
    return nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr)


def show_result(result: Result) -> None:
    """Draw a Result on stdout: its status and message, its error, a problem a line, and its data."""
    problems = result.error.details.get("problems") if result.error is not None else None
    message = result.message
    if isinstance(problems, list) and problems:
        message = f"the config has {len(problems)} problem{'s' if len(problems) > 1 else ''}"
    line = f"{MARKS[result.status]} {result.status.value} {message}".rstrip()
    write_line(line, fg=COLOURS[result.status], bold=True)
    if result.error is not None:
        for problem in problems if isinstance(problems, list) else ():
            what, _, where = str(problem).rpartition(" @ ")
            write_line(f"  {where}: {what}" if what else f"  {problem}", "      ")
        _show_data({"type": result.error.type, "code": result.error.code}, 1, skip_empty=True, dim=True)
        others = {name: value for name, value in result.error.details.items() if name != "problems"}
        _show_data(others, 1, skip_empty=True, dim=True)
        for line in result.error.stack.decode("utf-8", "replace").rstrip().splitlines():
            write_line(f"  │ {line}", "  │   ", dim=True)
    show_data(result.data or {})


def show_data(data: Mapping[str, Any]) -> None:
    """Draw names and values on stdout: a line each, nested ones below, lists of objects as tables."""
    _show_data(data, 1)


def _show_data(data: Mapping[str, Any], depth: int, *, skip_empty: bool = False, dim: bool = False) -> None:
    indent = _GAP * depth
    most = min(width_of(sys.stdout) // 3, _MOST_NAME_WIDTH)
    width = max((cells for name in data if (cells := _cells(escape(name))) <= most), default=0)
    style: dict[str, Any] = {"dim": True} if dim else {}
    for name, value in data.items():
        if skip_empty and not value:
            continue
        label = escape(name)
        match value:
            case Mapping() if value:
                write_line(f"{indent}{label}", **style)
                _show_data(value, depth + 1, dim=dim)
            case [*items] if items and not all(map(_is_scalar, items)):
                write_line(f"{indent}{label}", **style)
                _show_items(items, depth + 1)
            case str() if len(value.splitlines()) > 1:
                write_line(f"{indent}{label}", **style)
                for line in value.splitlines():
                    write_line(f"{indent}  │ {line}", f"{indent}  │   ", **style)
            case _:
                shown, start = _shown(value), f"{indent}{_padded(label, width)}    "
                room = width_of(sys.stdout) - _cells(start)
                if max(map(_cells, shown.split(" "))) <= room:
                    write_line(f"{start}{shown}", " " * min(_cells(start), len(indent) + 16), **style)
                else:  # a word that is cut can be found and copied by nobody
                    write_line(f"{indent}{label}", f"{indent}  ", **style)
                    write_line(f"{indent}  {shown}", f"{indent}  ", **style)


def _show_items(items: Sequence[Any], depth: int) -> None:
    indent = _GAP * depth
    if all(isinstance(item, Mapping) and all(map(_is_flat, item.values())) for item in items):
        names = list(dict.fromkeys(name for item in items for name in item))
        rows = [[_shown(item[name]) if name in item else "" for name in names] for item in items]
        if write_table(names, rows, indent):
            return
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and item:
            write_line(f"{indent}[{index}]")
            _show_data(item, depth + 1)
        elif isinstance(item, list) and not _is_flat(item):
            write_line(f"{indent}[{index}]")
            _show_items(item, depth + 1)
        else:
            write_line(f"{indent}[{index}]  {_shown(item)}", indent + "     ")


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _is_flat(value: Any) -> bool:
    return _is_scalar(value) or (isinstance(value, list) and all(map(_is_scalar, value)))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list) and value and _is_flat(value):
        return ", ".join(quoted(item) if isinstance(item, str) else _shown(item) for item in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def write_table(names: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> bool:
    """Write rows in columns to stdout; the widest column is folded where the terminal is too narrow.

    Returns False, and writes nothing, where even that does not fit.
    """
    table = [[escape(cell) for cell in row] for row in (names, *rows)]
    widths = [max(_cells(cell) for cell in column) for column in zip(*table, strict=True)]
    room = width_of(sys.stdout) - len(indent) - len(_GAP) * (len(widths) - 1)
    if sum(widths) > room:
        widest = widths.index(max(widths))
        widths[widest] -= sum(widths) - room
        if widths[widest] < _LEAST_TEXT_WIDTH:
            return False
    for number, row in enumerate(table):
        folded = [_fitted(cell, width, "") for cell, width in zip(row, widths, strict=True)]
        for index in range(max(map(len, folded))):
            cells = (lines[index] if index < len(lines) else "" for lines in folded)
            line = _GAP.join(_padded(cell, width) for cell, width in zip(cells, widths, strict=True))
            _print((indent + line).rstrip(), sys.stdout, **({} if number else {"bold": True}))
    return True


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Write names and values to stdout, a line each; nothing is folded on a pipe."""
    _show_data(dict(rows), 1)


def show_plugin(name: str, version: str, description: str, declared: Sequence[str]) -> None:
    """Say on stderr, in two lines, which plugin this is and what it declares."""
    write_message(f"{name} {version} {description}")
    write_message(f"declares {'; '.join(declared) or 'nothing'}")


@frozen(eq=False, repr=False)
class StderrLog:
    """Takes log messages and writes their level, text and attributes.

    Attributes:
        said: the texts of messages that were written already.
    """

    said: Collection[str] = ()

    def write(self, message: LogMessage) -> None:
        """Write one line."""
        if message.message in self.said:
            return
        level = message.level if message.level in _LOG_LEVELS else quoted(message.level)
        attributes = "".join(f" {quoted(each.key)}={quoted(str(each.value))}" for each in message.attributes)
        write_message(f"{level} {message.message}{attributes}")


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
