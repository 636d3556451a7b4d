"""`dev`: a project that is worked on is looked at again on every save, on one screen or in plain lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from attrs import define, field, frozen

from reglet.cli.arguments import require_project
from reglet.cli.command import Command, ExitStatus, project_argument, require_extra
from reglet.cli.console import MARKS, write_line
from reglet.cli.warm import ExampleOutcome, Findings, WarmProcess
from reglet.domain.entities.result import ResultStatus
from reglet.domain.escaping import escape

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_WATCHED = (".py", ".toml", ".json")
_LEFT_OUT = {"dist", "build"}
_QUIET_MILLISECONDS = 50
"""How long nothing may be saved before a look: editors write more than one file."""
_TICK_SECONDS = 0.25
_PATIENCE_SECONDS = 2.0
_MOST_KEYS = 9

_RUNNING = ["running …"]
_Event: TypeAlias = Callable[[], None]


@click.command(cls=Command)
@project_argument
def dev(path: Path) -> int:
    """Look at a project again on every save.

    Each save checks the manifest, lint and the examples, and then runs the tests. On a terminal a key runs an
    example, builds the plugin, or ends.
    """
    require_extra("dev", "dev")
    require_extra("test", "dev")
    require_project(path)
    work = _Work(path.resolve())
    try:
        with ExitStack() as stack:
            stack.callback(work.close)
            if sys.stdin.isatty() and sys.stdout.isatty():
                stack.enter_context(_keys(work.press))
                show: Callable[[_Work], None] = _Screen(stack).show
            else:
                show = _Lines().show
            return work.loop(show)
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED


@define(eq=False)
class _Work:
    """What is known of a project, and what is under way; changed by events on the thread that shows it.

    Attributes:
        project: its folder.
        findings: what the last look found; None before the first.
        changes: what the last save that could be imported changed in the manifest.
        tests: how the tests of the last save ended, a line, and a line for each that failed.
        tests_output: all that pytest wrote.
        panel: what a key has asked for: a title and lines with colours.
        state: what is under way.
    """

    project: Path
    findings: Findings | None = None
    changes: list[str] = field(factory=list)
    tests: list[str] = field(factory=list)
    tests_output: list[str] = field(factory=list)
    panel: tuple[str, list[str]] | None = None
    state: str = "looking"
    looked_at: str = ""
    columns: int = 80
    _manifest: Any = None
    _events: Queue[_Event] = field(factory=Queue)
    _stop: Event = field(factory=Event)
    _watcher: Thread | None = None
    _is_watching: Event = field(factory=Event)
    _warm: WarmProcess | None = None
    _busy: list[WarmProcess] = field(factory=list)
    _looking: WarmProcess | None = None
    _tests_process: subprocess.Popen[str] | None = None
    _save: int = 0
    _ended: bool = False

    def loop(self, show: Callable[[_Work], None]) -> int:
        """Look, and again on every save, until a key ends it."""
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self._warm = WarmProcess()
        self._is_watching.wait(_PATIENCE_SECONDS)  # or a save soon after the first look is missed
        self._look()
        while not self._ended:
            show(self)
            try:
                self._events.get(timeout=_TICK_SECONDS)()
                while not self._events.empty():
                    self._events.get()()
            except Empty:
                pass  # the terminal may have another size
        return ExitStatus.SUCCESS

    def press(self, key: str) -> None:
        """Note that a key was pressed, on any thread."""

        def pressed() -> None:
            examples = self.findings.examples if self.findings else []
            if key == "q":
                self._ended = True
            elif key == "b":
                self._run("build", ["build", str(self.project), "-o", str(self.project)])
            elif key.isdecimal() and 0 < int(key) <= len(examples):
                example = examples[int(key) - 1]
                grants = [] if example.has_answers else ["--grants", "declared"]
                arguments = ["run", str(self.project), "--example", example.name, *grants]
                self._run(f"example {example.name}", arguments)
            elif key == "t":
                self.panel = ("tests", self.tests_output)
            elif key == "c":
                self.panel = None

        self._events.put(pressed)

    def close(self) -> None:
        """End what is under way."""
        self._stop.set()
        for process in filter(None, (*self._busy, self._warm)):
            process.end()
        self._end_tests()
        if self._watcher is not None:  # which may not be in the midst of watching when Python ends
            self._watcher.join(_PATIENCE_SECONDS)

    def _watch(self) -> None:
        from watchfiles import Change, DefaultFilter, watch

        usual = DefaultFilter()

        def is_watched(change: Change, path: str) -> bool:
            inner = Path(path).relative_to(self.project).parts
            return path.endswith(_WATCHED) and _LEFT_OUT.isdisjoint(inner) and usual(change, path)

        for changes in watch(
            self.project,
            watch_filter=is_watched,
            step=_QUIET_MILLISECONDS,
            stop_event=self._stop,
            rust_timeout=_QUIET_MILLISECONDS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            self._is_watching.set()
            if changes:
                self._events.put(self._look)

    def _take_warm(self) -> WarmProcess:
        """Return the process that waits."""
        taken, self._warm = self._warm or WarmProcess(), None
        self._busy.append(taken)
        return taken

    def _let_go(self, process: WarmProcess) -> None:
        """Forget a process that has answered, and start the one that waits for the next question."""
        self._busy.remove(process)
        self._warm = self._warm or WarmProcess()

    def _look(self) -> None:
        self._save += 1
        self.state = "looking"
        self._end_tests()
        if self._looking is not None:
            self._looking.end()
        self._looking = process = self._take_warm()
        save = self._save

        def look() -> None:
            findings = process.look_at(self.project)
            self._events.put(lambda: self._found(save, process, findings))

        Thread(target=look, daemon=True).start()

    def _found(self, save: int, process: WarmProcess, findings: Findings) -> None:
        self._let_go(process)
        if save != self._save:
            return  # of what was saved before
        self._looking = None
        self.findings, self.state = findings, ""
        self.looked_at = time.strftime("%H:%M:%S")
        if findings.error:
            return
        known = self._manifest is not None
        self.changes = list(_changes(self._manifest, findings.manifest, "")) if known else []
        self._manifest = findings.manifest
        running = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"],
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        self._tests_process, self.tests = running, _RUNNING

        def wait() -> None:
            lines = [escape(line) for line in running.communicate()[0].splitlines()]
            failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
            ended = lines[-1].strip("= ") if lines else f"pytest ended with status {running.returncode}"

            def tested() -> None:
                if save == self._save:
                    self.tests, self.tests_output = [ended, *failed], lines

            self._events.put(tested)

        Thread(target=wait, daemon=True).start()

    def _end_tests(self) -> None:
        if self._tests_process is not None:
            self._tests_process.kill()
            self._tests_process = None

    def _run(self, title: str, arguments: list[str]) -> None:
        process = self._take_warm()
        self.panel = (title, ["…"])

        def run() -> None:
            lines = process.run(arguments, self.columns)

            def ran() -> None:
                self._let_go(process)
                self.panel = (title, lines)

            self._events.put(ran)

        Thread(target=run, daemon=True).start()


@frozen
class _Lines:
    """Shows work where there is no terminal: a line for each thing, when it is known."""

    _shown: dict[str, object] = field(factory=dict)

    def show(self, work: _Work) -> None:
        """Write what is new."""
        found = work.findings
        if found is not None and found is not self._shown.get("findings"):
            self._shown["findings"] = found
            write_line(f"{work.looked_at} {found.title or 'the plugin cannot be imported'}")
            for line in _error_lines(found):
                write_line(f"  {line}")
            for example in found.examples:
                write_line(f"{_mark(example)} {example.operation} {example.name}")
                for difference in example.differences:
                    write_line(f"    {difference}")
            for title, lines in (
                ("changed in the manifest", work.changes),
                ("undeclared", found.undeclared),
                ("lint", found.lint),
            ):
                for line in lines:
                    write_line(f"{title}: {line}")
        if work.tests is not self._shown.get("tests") and work.tests and work.tests != _RUNNING:
            self._shown["tests"] = work.tests
            for line in [*(work.tests_output if work.tests[1:] else []), f"tests: {work.tests[0]}"]:
                write_line(line)
        sys.stdout.flush()


def _error_lines(found: Findings) -> list[str]:
    return [*found.traceback, found.error, *found.printed] if found.error else []


def _mark(example: ExampleOutcome) -> str:
    return MARKS[ResultStatus.FAILURE if example.differences else ResultStatus.SUCCESS]


class _Screen:
    """Shows work on the whole terminal, and draws only what has changed."""

    def __init__(self, stack: ExitStack) -> None:
        """Take the terminal until the stack is left."""
        from rich.console import Console
        from rich.live import Live

        console = Console(highlight=False)
        self._live: Live = stack.enter_context(
            Live(
                console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
        )
        self._drawn: object = None

    def show(self, work: _Work) -> None:
        """Draw it, if it looks otherwise than before."""
        from rich.layout import Layout
        from rich.rule import Rule
        from rich.text import Text

        size = self._live.console.size
        work.columns = size.width - 4
        state = (size, work.state, work.looked_at, list(work.tests), work.panel, id(work.findings))
        if state == self._drawn:
            return
        self._drawn = state
        keys = f"q quit   1-9 run an example   b build   t tests{'   c close' if work.panel else ''}"
        parts = [Layout(self._body(work), name="body", ratio=1)]
        if work.panel is not None:
            title, lines = work.panel
            inside = Text("\n").join(Text.from_ansi(line) for line in lines)
            parts += [Layout(Rule(title, align="left"), size=1), Layout(inside, ratio=1)]
        layout = Layout()
        layout.split_column(*parts, Layout(Text(keys, style="dim", no_wrap=True), size=1))
        self._live.update(layout, refresh=True)

    def _body(self, work: _Work) -> RenderableType:
        from rich.console import Group
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        found = work.findings
        if found is None:
            return Text("looking …", style="dim")
        answered = f"{work.looked_at}, {found.seconds * 1000:.0f} ms"
        parts: list[RenderableType] = [
            Text(found.title or "the plugin cannot be imported", style="bold" if found.title else "bold red"),
            Text(f"{work.state} …" if work.state else answered, style="dim"),
        ]
        parts += [Padding(Text(line, overflow="fold"), (0, 0, 0, 2)) for line in _error_lines(found)]
        table = Table.grid(padding=(0, 1))
        for index, example in enumerate(found.examples, 1):
            colour = "red" if example.differences else "green"
            milliseconds = f"{example.seconds * 1000:.0f} ms"
            table.add_row(
                Text(str(index) if index <= _MOST_KEYS else "", style="dim"),
                Text(_mark(example), style=colour),
                Text(example.name, overflow="fold"),
                Text(example.operation, style="dim", overflow="fold"),
                Text(milliseconds, style="dim"),
            )
        parts += [Text(), table]
        for example in found.examples:
            if example.differences:
                parts.append(Text(f"{_mark(example)} {example.name}", style="red"))
                parts += [Padding(Text(line, overflow="fold"), (0, 0, 0, 4)) for line in example.differences]
        parts.append(Text())
        for title, lines, none in (
            ("manifest", work.changes, "as it was before this save"),
            ("undeclared", found.undeclared, "nothing"),
            ("lint", found.lint, "nothing to mend"),
            ("tests", work.tests, ""),
            ("printed", [] if found.error else found.printed, ""),
        ):
            if found.error and title != "printed":
                continue
            rows = Table.grid(padding=(0, 2))
            rows.add_column(width=10)
            for index, line in enumerate(lines or [none] * bool(none)):
                rows.add_row(
                    Text("" if index else title), Text(line, style="" if lines else "dim", overflow="fold")
                )
            parts.append(rows)
        return Group(*parts)


@contextmanager
def _keys(press: Callable[[str], None]) -> Generator[None]:
    """Call `press` with each key, on a thread, while the context is open; the terminal is left as it was."""
    if sys.platform == "win32":
        import msvcrt

        def read_forever() -> None:
            while True:
                press(msvcrt.getwch())

        Thread(target=read_forever, daemon=True).start()
        yield
        return
    import termios
    import tty
    from select import select

    stop, descriptor = Event(), sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        while not stop.is_set():
            if select([descriptor], [], [], _TICK_SECONDS)[0]:
                for key in os.read(descriptor, 64).decode(errors="replace"):
                    press(key)

    thread = Thread(target=read, daemon=True)
    tty.setcbreak(descriptor)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _changes(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield a line for each value of a document that is not what it was."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else str(name)
            yield from _changes(before.get(name, _NOTHING), after.get(name, _NOTHING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            one, other = (each[index] if index < len(each) else _NOTHING for each in (before, after))
            yield from _changes(one, other, f"{path}[{index}]")
    elif before != after:
        yield escape(f"{path}: {_shown(before)} → {_shown(after)}")


_NOTHING = object()


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    return json.dumps(value, ensure_ascii=False)
