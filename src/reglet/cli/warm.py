"""A process that has imported everything but the author's plugin, and waits for what it is to be asked.

Each is asked once and ends, so that the modules of an author are always imported anew.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any

from attrs import asdict, field, frozen

from reglet.domain.errors import RegletError
from reglet.domain.escaping import escape

_MOST_SECONDS = 60.0
_SCRIPT = "from reglet.cli.warm import answer_one; answer_one()"


@frozen
class ExampleOutcome:
    """How an example ended: what is different from what it says, nothing if it passed."""

    name: str
    operation: str
    has_answers: bool
    differences: list[str]
    seconds: float


@frozen
class Findings:
    """What a look at a plugin found.

    Attributes:
        title: the plugin's name, version and description; empty if it could not be imported.
        error: why it could not.
        traceback: the author's own lines of that.
        manifest: the manifest as JSON has it.
        lint: a line for each finding.
        undeclared: what the examples touch and the plugin does not declare.
        examples: each example, in declared order.
        printed: what the author's code printed.
        seconds: how long it took, from the question to the answer.
    """

    title: str = ""
    error: str = ""
    traceback: list[str] = field(factory=list)
    manifest: Any = None
    lint: list[str] = field(factory=list)
    undeclared: list[str] = field(factory=list)
    examples: list[ExampleOutcome] = field(factory=list)
    printed: list[str] = field(factory=list)
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is to be mended."""
        failing = any(example.differences for example in self.examples)
        return not (self.error or self.lint or self.undeclared or failing)


class WarmProcess:
    """One process, started ahead of its question."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the one who asks
        )

    def look_at(self, project: Path) -> Findings:
        """Return what is found in a project."""
        started = time.perf_counter()
        answer, printed = self._ask({"look_at": str(project)})
        if answer is None:
            reason = printed[-1] if printed else f"it ended with status {self._process.returncode}"
            return Findings(error=f"the plugin was not looked at: {reason}", printed=printed)
        examples = [ExampleOutcome(**each) for each in answer.pop("examples")]
        seconds = time.perf_counter() - started
        return Findings(**answer | {"examples": examples, "printed": printed, "seconds": seconds})

    def run(self, arguments: Sequence[str], columns: int) -> list[str]:
        """Return the lines that a command shows on a terminal of so many columns, with their colours."""
        answer, printed = self._ask({"run": list(arguments), "columns": columns})
        return printed if answer is None else [*printed, *answer["lines"]]

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()

    def _ask(self, question: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
        """Return the answer, None if it ended without one, and the lines that were printed beside it."""
        timer = Timer(_MOST_SECONDS, self._process.kill)
        timer.start()
        try:
            output, _ = self._process.communicate(json.dumps(question).encode())
        except OSError:  # it was ended before it could read
            return None, []
        finally:
            timer.cancel()
        printed, found, answer = output.decode("utf-8", "replace").partition(f"\n{_ANSWER}")
        lines = [escape(line) for line in printed.splitlines()]
        return (json.loads(answer) if found else None), lines


_ANSWER = "\x00reglet-answer "
"""What the line of an answer starts with, which no author prints."""


_AHEAD = (
    "reglet.application.face",
    "reglet.cli.build",
    "reglet.cli.run",
    "reglet.infrastructure.build.project",
    "reglet.infrastructure.guest.exports",
    "reglet.infrastructure.wire.exports",
    "reglet.sandbox",
    "reglet.testing.audit",
    "reglet.testing.fakes",
    "reglet.testing.lint",
    "reglet.testing.plugintest",
    "reglet.testing.recording",
)
"""What is imported before a question is there: most of what answers need."""


def answer_one() -> None:
    """Answer the one question that stdin has; the body of a warm process."""
    for module in _AHEAD:
        import_module(module)
    question = json.loads(sys.stdin.readline() or "null")
    if question is None:
        return
    # What was compiled of a file that has changed within the same second would pass for the file.
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull
    if folder := question.get("look_at"):
        answer = asdict(_look_at(folder))
    else:
        from reglet.cli import main

        os.environ["COLUMNS"] = str(question["columns"])
        with redirect_stdout(_Terminal()) as terminal, redirect_stderr(terminal):
            main(question["run"])
        lines = terminal.getvalue().rstrip("\n").split("\n")
        answer = {"lines": [line.rpartition("\r")[2] for line in lines]}
    sys.stdout.write(f"\n{_ANSWER}{json.dumps(answer)}\n")
    sys.stdout.flush()
    os._exit(0)  # what the author's code left running has no say


def _look_at(folder: str) -> Findings:
    from reglet.application.results import author_traceback, one_line
    from reglet.cli.build import snapshot
    from reglet.domain.context import Context
    from reglet.infrastructure.build.project import load_plugin_in_process
    from reglet.testing.audit import audit_plugin
    from reglet.testing.lint import lint_project
    from reglet.testing.plugintest import ExampleFailed, examples_of, run_example

    try:
        plugin = load_plugin_in_process(folder)
        manifest = plugin.manifest(Context())
        outcomes = []
        for case in examples_of(plugin):
            differences, started = [], time.perf_counter()
            try:
                run_example(case)
            except ExampleFailed as failure:
                differences = [escape(line) for text in failure.problems for line in text.splitlines()]
            seconds = time.perf_counter() - started
            operation = escape(f"{case.service} {case.operation}")
            outcomes.append(
                ExampleOutcome(escape(case.name), operation, bool(case.answers), differences, seconds)
            )
        return Findings(
            title=escape(f"{manifest.name} {manifest.version}  {manifest.description}"),
            manifest=json.loads(snapshot(manifest)),
            lint=[escape(str(finding)) for finding in lint_project(folder)],
            undeclared=[escape(what) for what in audit_plugin(plugin).missing],
            examples=outcomes,
        )
    except Exception as error:  # noqa: BLE001 - whatever the author's code raises is shown
        reason = str(error) if isinstance(error, RegletError) else one_line(error)
        lines = getattr(error, "traceback", "" if isinstance(error, RegletError) else author_traceback(error))
        return Findings(error=escape(reason), traceback=[escape(line) for line in lines.splitlines()])


class _Terminal(io.StringIO):
    """What a command takes for a terminal."""

    def isatty(self) -> bool:
        return True
