"""Results on terminals of 40 to 200 columns: nothing is wider, no word is cut that fits, tables where they fit."""

from __future__ import annotations

import io
import os
import struct
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import click
import pytest

from reglet.cli.console import said_if_it_takes_long, show_result
from reglet.domain.entities.result import ErrorDetail, Result, result_error, result_failure, result_success
from tests.cli.terminal import Terminal
from tests.documents.console import ROOT
from tests.patience import comes_true

CERTIFICATES = [
    {
        "subject": "CN=shop.example.com",
        "not_after": "2027-01-01T00:00:00Z",
        "names": ["shop.example.com"],
        "left": 41,
    },
    {"subject": "CN=日本語.example.com", "not_after": "2026-12-01T00:00:00Z", "names": [], "left": 3},
]
DATA: dict[str, Any] = {
    "certificates": CERTIFICATES,
    "servers": [{"host": "shop.example.com", "open": True, "chain": {"certificates": CERTIFICATES}}],
    "summary": "A sentence that goes on and on, so that it does not fit a line of any narrow terminal at all.",
    "notes": "first\nsecond, which is rather long and has to be folded somewhere on narrow terminals\nthird",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015",
    "nothing": None,
    "matrix": [[1, 2], [3, 4]],
}
fcntl = pytest.importorskip("fcntl", reason="pseudo terminals are POSIX")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

WORDS = [
    "2027-01-01T00:00:00Z",
    "9f86d081884c7d659a2feaa0c55ad015",
    "certificates",
    "terminals",
    "CN=shop.example.com",
]


@pytest.fixture(autouse=True)
def _columns_of_the_terminal() -> Iterator[None]:
    """Leave no width in the environment, where it stands before the terminal's own."""
    columns = os.environ.pop("COLUMNS", None)
    yield
    if columns is not None:
        os.environ["COLUMNS"] = columns


class SizedTerminal(io.StringIO):
    """Keeps what is written, and is as wide as a pseudo terminal."""

    def __init__(self, columns: int):
        super().__init__()
        self.descriptors = pty.openpty()
        fcntl.ioctl(self.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 100, columns, 0, 0))

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptors[1]


def drawn(result: Result, columns: int) -> list[str]:
    terminal = SizedTerminal(columns)
    with redirect_stdout(terminal):
        show_result(result)
    for descriptor in terminal.descriptors:
        os.close(descriptor)
    return click.unstyle(terminal.getvalue()).splitlines()


def cells(line: str) -> int:
    return sum(2 if each > "\u2e80" else 1 for each in line)


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_nested_data_fits_and_no_word_is_cut(columns: int):
    """A value that has no room beside its name stands below it, whole."""
    lines = drawn(result_success("ok", DATA), columns)
    assert max(map(cells, lines)) <= columns
    shown = "\n".join(lines)
    assert [word for word in WORDS if word not in shown] == []
    assert "{" not in shown


def test_objects_are_a_table_where_it_fits_and_a_tree_where_not():
    """A column is folded at most once, and one that is too narrow is none."""
    wide = drawn(result_success("ok", DATA), 100)
    assert "    subject                not_after             names             left" in wide
    narrow = drawn(result_success("ok", DATA), 40)
    assert narrow[1:4] == ["  certificates", "    [0]", "      subject      CN=shop.example.com"]


def test_a_problem_has_a_line():
    """Its path first, and the problem below an indent where the line is too long."""
    problems = [
        "must be at least 1, not 0 @ $.port",
        "must be a string of at most 64 characters @ $.names[0]",
    ]
    lines = drawn(
        result_error(ErrorDetail("config", "; ".join(problems), details={"problems": problems})),
        40,
    )
    assert lines == [
        "⚠ error the config has 2 problems",
        "  $.port: must be at least 1, not 0",
        "  $.names[0]: must be a string of at",
        "      most 64 characters",
        "  type    config",
    ]


def test_a_failure_keeps_its_message_and_data():
    """In this order."""
    lines = drawn(result_failure("2 expire", {"left": 3}), 40)
    assert lines == ["✘ failure 2 expire", "  left    3"]


@pytest.mark.parametrize("columns", [40, 100])
def test_several_checks_fit_a_terminal(columns: int, tmp_path: Path):
    """The progress bar is one line, and the summary a table or a line for each."""
    for name in ("hosts", "passwd"):
        (tmp_path / f"{name}.yaml").write_text(f"path: /etc/{name}\n")
    arguments = ["run", str(ROOT / "examples" / "file"), "--config", f"@{tmp_path}", "--grants", "declared"]
    terminal = Terminal(tmp_path, *arguments, columns=columns)
    try:
        assert terminal.end() == 0
        shown = [line for line in terminal.lines if line.startswith(("checks ", "✔", "2 checks"))]
        assert [line[:8] for line in shown] == ["checks  ", "✔ succes", "✔ succes", "2 checks"]
        assert shown[0].endswith("]  100%")
        assert max(map(len, terminal.lines)) <= columns
    finally:
        terminal.kill()


def test_what_takes_long_is_said_to_a_terminal_once():
    """What ends before is not, and a file is told nothing."""
    terminal, file = SizedTerminal(80), io.StringIO()
    with redirect_stderr(terminal), said_if_it_takes_long("compiling p.wasm", 0.01):
        assert comes_true(lambda: "compiling p.wasm\n" in click.unstyle(terminal.getvalue()))
    with redirect_stderr(terminal), said_if_it_takes_long("what ends at once", 60):
        pass
    with redirect_stderr(file), said_if_it_takes_long("what nobody sees", 0):
        time.sleep(0.05)
    for descriptor in terminal.descriptors:
        os.close(descriptor)
    assert click.unstyle(terminal.getvalue()).split() == ["compiling", "p.wasm"]
    assert file.getvalue() == ""
