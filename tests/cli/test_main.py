"""The command as the shell sees it: statuses, streams, interruptions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reglet.cli import main
from reglet.cli.commands import COMMANDS
from reglet.cli.config_argument import read_config
from reglet.cli.errors import UsageError, require_extra
from reglet.cli.exit_status import ExitStatus, status_of
from reglet.cli.main import carry_out
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import result_error, result_failure, result_success
from tests.documents.console import ROOT


def exit_status(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_help_shows_every_command_and_no_other(capsys: pytest.CaptureFixture[str]):
    """What help names exists, and what exists is named."""
    assert exit_status(["--help"]) == 0
    shown = capsys.readouterr().out
    lines = [
        line.split()[0]
        for line in shown.split("COMMAND\n")[1].splitlines()
        if line.startswith("    ") and line[4] != " "
    ]
    assert lines == [command.name for command in COMMANDS]


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]):
    """Each says what it does."""
    assert exit_status([name, "--help"]) == 0
    assert "usage: reglet-plugin" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["biuld"], ["run"], ["build", "--target", "exe"]], ids=" ".join)
def test_a_wrong_call_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    """The status is 3, the usage goes to stderr, and stdout stays empty."""
    assert exit_status(arguments) == ExitStatus.USAGE
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "usage: reglet-plugin" in streams.err


def test_a_result_decides_the_status():
    """Success 0, failure 1, error 2."""
    results = [result_success("a"), result_failure("b"), result_error(ErrorDetail())]
    assert [int(status_of(result)) for result in results] == [0, 1, 2]


def test_a_missing_package_gives_the_pip_line():
    """Users are told what to type."""
    require_extra("build", "build")
    with pytest.raises(UsageError, match=r"pip install 'reglet\[component\]'"):
        require_extra("component", "build", there=lambda _name: False)


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ('{"url": }', "--config is not JSON: Expecting value at line 1 column 9"),
        ("[1]", "--config must be a JSON object such as"),
        ("@/no/such/file", "--config @/no/such/file: No such file or directory"),
        ("", "--config '' is empty: give a JSON object"),
    ],
)
def test_a_config_that_is_none_says_where_it_goes_wrong(argument: str, text: str):
    """The error has the place, the kind or the file."""
    with pytest.raises(UsageError) as raised:
        read_config(argument)
    assert text in str(raised.value)


@pytest.mark.parametrize("argument", ["-", "@-"])
def test_a_config_comes_from_stdin(argument: str):
    """As other commands read it, and as a file is named here."""
    script = f"from reglet.cli.config_argument import read_config; print(read_config({argument!r}).decode())"
    done = subprocess.run(
        [sys.executable, "-c", script], input='{"größe": 1}'.encode(), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == '{"größe": 1}'


def test_a_config_that_is_not_utf_8_names_its_file(tmp_path: Path):
    """The error says how to save it."""
    path = tmp_path / "config.json"
    path.write_bytes(b'{"url": "\xe9"}')
    with pytest.raises(UsageError, match=r"config\.json: .*save it as UTF-8"):
        read_config(f"@{path}")


def test_a_full_disk_behind_stdout_is_one_line(capsys: pytest.CaptureFixture[str]):
    """What could not be written is said once, with the usage status and no traceback."""

    def full(error: OSError) -> int:
        raise error

    assert carry_out(lambda: full(OSError(28, "No space left on device", "page.md"))) == 3
    assert capsys.readouterr().err == "reglet-plugin: page.md: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_command_that_cannot_print_says_so():
    """The interpreter's own complaint at its end does not follow."""
    with Path("/dev/full").open("wb") as full:
        script = "import sys; from reglet.cli import main; sys.exit(main(['doctor']))"
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, check=False
        )
    complaint = b"reglet-plugin: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, complaint)


def test_a_terminal_that_cannot_show_a_sign_gets_its_escape():
    """A sign outside the encoding of stdout ends no command."""
    script = "import sys; from reglet.cli import main; main(['run', sys.argv[1], '--example', sys.argv[2]])"
    arguments = [str(ROOT / "examples" / "http"), "basic"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout.startswith(rb"\u2714 success"), done.stderr


def test_a_pipe_that_closes_early_ends_quietly(tmp_path):
    """`| head` is no error."""
    script = "import sys; from reglet.cli import main; sys.exit(main(['doctor']))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.close()
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, b"")


def test_an_interruption_has_its_own_status(capsys: pytest.CaptureFixture[str]):
    """Ctrl-C ends with 130 and one line."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert carry_out(interrupted) == 130
    assert capsys.readouterr().err == "reglet-plugin: interrupted\n"


def test_a_package_that_is_not_there_names_its_extra(capsys: pytest.CaptureFixture[str]):
    """A missing package of an extra gives the pip line; any other is a bug and shows itself."""

    def lacking(name: str) -> int:
        raise ModuleNotFoundError(name=name)

    assert carry_out(lambda: lacking("wasmtime.loader")) == 3
    assert "pip install 'reglet[build]'" in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError):
        carry_out(lambda: lacking("reglet.nothing"))


@pytest.mark.parametrize("name", ["test", "dev", "audit"])
def test_a_command_for_projects_says_what_a_project_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A folder without a project and a single file are told apart."""
    (tmp_path / "made.py").write_text("")
    assert main([name, str(tmp_path)]) == 3
    assert main([name, str(tmp_path / "made.py")]) == 3
    folder, file = capsys.readouterr().err.splitlines()
    assert "it has no pyproject.toml; name the project's folder" in folder
    assert "made.py is one file, and tests belong to a project" in file
