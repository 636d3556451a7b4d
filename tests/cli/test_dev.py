"""`dev`: on a terminal one screen, elsewhere plain lines; every save is looked at anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reglet.cli import main
from reglet.cli.warm import WarmProcess
from reglet.infrastructure.extras import EXTRAS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo terminals")

MODULE = Path("src/web_check_plugin/plugin.py")


@pytest.fixture(name="project", scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev") / "web-check"
    assert main(["new", "web-check", "--into", str(folder)]) == 0
    return folder


@pytest.fixture(name="source")
def _source(project: Path) -> Iterator[str]:
    """Return what the plugin's module is, which it becomes again."""
    source = (project / MODULE).read_text()
    yield source
    (project / MODULE).write_text(source)


def look_at(project: Path):
    process = WarmProcess()
    try:
        return process.look_at(project)
    finally:
        process.end()


def test_a_look_finds_manifest_lint_examples_and_what_is_undeclared(project: Path, source: str):
    """All of it is asked of the modules as they are on disk, though a second has not gone by."""
    found = look_at(project)
    assert found.is_clean, found
    assert found.title == "web-check 0.1.0  Checks that a page answers as it should"
    assert [(each.operation, each.name) for each in found.examples] == [
        ("page check_page", "a_page_that_answers")
    ]
    changed = source.replace("status_code=200)", "status_code=201)")
    (project / MODULE).write_text(changed.replace('hosts=["example.com"]', 'hosts=["example.org"]'))
    found = look_at(project)
    (example,) = found.examples
    assert example.differences == [
        "expected success, got error: missing capability: network:example.com:443"
    ] or ("network:example.com:443" in example.differences[0])
    assert found.undeclared == ["network example.com:443"]
    assert found.manifest["capabilities"]["network"]["rules"][0]["hosts"] == ["example.org"]


@pytest.mark.parametrize(
    ("code", "error", "line"),
    [
        ("plugin = = 1", "SyntaxError: invalid syntax", "line 1"),
        ("\n\nprint('said')\nraise ValueError('no')", "ValueError: no", "line 4"),
        ("import sys\nsys.exit(5)", "it ends the program with exit status 5", "line 2"),
        ("import os\nprint('gone')\nos._exit(7)", "the plugin was not looked at: gone", ""),
    ],
    ids=["syntax", "error", "exit", "hard exit"],
)
def test_a_module_that_fails_is_shown_with_its_line(
    code: str, error: str, line: str, project: Path, source: str
):
    """The author's own, and none of ours."""
    (project / MODULE).write_text(code)
    found = look_at(project)
    assert error in found.error
    assert line in "\n".join(found.traceback)
    assert "reglet" not in "\n".join(found.traceback)
    assert not found.is_clean


def test_what_a_plugin_prints_is_no_answer(project: Path, source: str):
    """It is kept, escaped, whatever it looks like."""
    (project / MODULE).write_text(
        f"print('\\x1b[2J{{}}')\n{source.replace('from __future__ import annotations', '')}"
    )
    found = look_at(project)
    assert found.printed == [r"\x1b[2J{}"]
    assert found.is_clean


def save(project: Path, source: str) -> None:
    """Write the plugin's module as editors do: it is there whole, or as it was."""
    written = (project / MODULE).with_suffix(".new")
    written.write_text(source)
    written.replace(project / MODULE)


def test_a_screen_shows_each_save_and_takes_keys(project: Path, source: str):
    """A changed description, a syntax error with its line, an example on a key; q ends it."""
    from tests.cli.terminal import Terminal

    terminal = Terminal(project, "dev", columns=100)
    try:
        lines = terminal.wait_for("✔ a_page_that_answers", "undeclared", "3 passed")
        assert ["undeclared", "nothing"] in [line.split() for line in lines]
        save(project, source.replace("URL to request", "The page"))
        terminal.wait_for('config_schema.properties.url.description: "URL to request" → "The page"')
        save(project, source.replace("plugin = reglet", "plugin = = reglet"))
        terminal.wait_for("the plugin cannot be imported", "plugin.py", "line 7", "SyntaxError")
        save(project, source)
        terminal.wait_for("✔ a_page_that_answers")
        terminal.press("1")
        terminal.wait_for("example a_page_that_answers ───", "✔ success ok", "status_code    200")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.lines[-1:] != ["Traceback"]
    finally:
        terminal.kill()


def test_an_interruption_ends_the_screen_quietly(project: Path):
    """With the status of an interruption; the terminal echoes what is typed, as before."""
    from tests.cli.terminal import Terminal

    terminal = Terminal(project, "dev")
    try:
        terminal.wait_for("a_page_that_answers")
        terminal.press("\x03")
        assert terminal.end() == 130
        assert "Traceback" not in "\n".join(terminal.lines)
    finally:
        terminal.kill()


def test_without_a_terminal_there_are_lines(project: Path, source: str):
    """For each look and for the tests; Ctrl-C ends them without a word more."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reglet_plugin", "dev", str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert next(lines).endswith(" web-check 0.1.0  Checks that a page answers as it should\n")
    assert next(lines) == "✔ page check_page a_page_that_answers\n"
    assert next(lines).startswith("tests: 3 passed in ")
    save(project, source.replace("status_code=200)", "status_code=201)"))
    next(lines)
    assert next(lines) == "✘ page check_page a_page_that_answers\n"
    assert next(lines) == "    status_code: expected 201, got 200\n"
    os.kill(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=300)
    assert (process.returncode, complaint) == (130, "")


def test_a_missing_package_names_the_extra():
    """What watches and what draws come with one."""
    assert EXTRAS["dev"] == {"watchfiles": "watchfiles", "rich": "rich"}
