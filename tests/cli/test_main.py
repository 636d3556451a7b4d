"""The command as the shell sees it: statuses, streams, interruptions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reglet.application import __version__
from reglet.cli import COMMANDS, main, run_command
from reglet.cli.arguments import read_config
from reglet.cli.command import ExitStatus, UsageError, require_extra, status_of
from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success
from tests.built_plugins import BuildExample
from tests.documents.console import ROOT
from tests.host.modules import plugin


def test_help_shows_every_command_and_no_other(capsys: pytest.CaptureFixture[str]):
    """What help names exists, and what exists is named."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    lines = [line.split()[0] for line in shown.split("Commands:\n")[1].splitlines()]
    assert lines == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]):
    """Each says what it does."""
    assert main([name, "--help"]) == 0
    assert "Usage: reglet-plugin" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["biuld"], ["run"], ["build", "--target", "exe"]], ids=" ".join)
def test_a_wrong_call_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    """The status is 3, the usage goes to stderr, and stdout stays empty."""
    assert main(arguments) == ExitStatus.USAGE
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "Usage: reglet-plugin" in streams.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["biuld"], "Did you mean 'build'?"),
        (["run", "--confg", "{}"], "'--config'"),
        (["run", "--conf", "{}", "x"], "No such option '--conf'"),
        (["test", "-k", "x"], "Options of pytest stand behind --."),
        (["completion", "tcsh"], "'tcsh' is not one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_mistyped_says_what_is_meant(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
):
    """Commands and options; the start of an option is not the option."""
    assert main(arguments) == ExitStatus.USAGE
    usage, complaint = capsys.readouterr().err.splitlines()
    assert usage.startswith("Usage: reglet-plugin")
    assert complaint.startswith("reglet-plugin: ")
    assert text in complaint


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]):
    """With --version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"reglet-plugin, version {__version__}\n"


def test_help_is_a_command_too(capsys: pytest.CaptureFixture[str]):
    """With a command's name, or the names of one within another, it is that one's --help."""
    for names in ([], ["run"], ["grants", "revoke"]):
        assert main(["help", *names]) == 0
        shown = capsys.readouterr().out
        assert main([*names, "--help"]) == 0
        assert capsys.readouterr().out == shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_shell_completes_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]):
    """The script that is printed asks the command itself, which answers without a plugin."""
    assert main(["completion", shell]) == 0
    assert "_REGLET_PLUGIN_COMPLETE" in capsys.readouterr().out
    environment = {
        **os.environ,
        "_REGLET_PLUGIN_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "reglet-plugin run --gra",
        "COMP_CWORD": "--gra" if shell == "fish" else "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reglet.cli"], env=environment, capture_output=True, text=True, check=True
    )
    assert "--grants" in done.stdout


_MODULES = """
import sys
from reglet.cli import main
main(sys.argv[1:])
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        (
            ["--version"],
            {
                "wasmtime",
                "logging",
                "reglet.sandbox",
                "reglet.domain.policy",
                "reglet.domain.entities.grants",
            },
        ),
        (
            ["--help"],
            {
                "wasmtime",
                "rich",
                "reglet.infrastructure.host",
                "reglet.infrastructure.wire",
                "reglet.sandbox",
            },
        ),
        (["doctor"], {"reglet.cli.run", "reglet.cli.publish", "yaml", "httpx", "pytest", "rich"}),
        (
            ["run", "PLUGIN", "--config", '{"url": "https://example.com"}'],
            {"reglet.cli.publish", "reglet.testing.fakes", "reglet.testing.recording", "reglet.testing.audit"}
            | {"reglet.testing.reuse", "reglet.testing.go_runner", "reglet.application.models.model_types"}
            | {"reglet.infrastructure.build", "reglet.infrastructure.guest", "reglet.infrastructure.registry"}
            | {"reglet.infrastructure.wasi.granted", "reglet.infrastructure.native.dialer"}
            | {"cattrs", "h2", "ssl", "cryptography", "dns", "yaml", "rich", "jsonschema", "difflib"}
            | {"asyncio", "concurrent.futures", "logging", "random", "socket", "sqlite3", "zipfile"},
        ),
        (
            ["manifest", "PLUGIN"],
            {"reglet.cli.run", "reglet.testing", "reglet.infrastructure.build", "cattrs", "gzip"},
        ),
        (["inspect", "PLUGIN"], {"reglet.cli.run", "reglet.testing", "reglet.sandbox", "wasmtime"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_what_it_needs(arguments: list[str], others: set[str], tmp_path: Path):
    """Not what others need, nor what plugins are made of: starting is fast."""
    module = tmp_path / "plugin.wasm"
    module.write_bytes(plugin())
    command = [str(module) if each == "PLUGIN" else each for each in arguments]
    done = subprocess.run(
        [sys.executable, "-c", _MODULES, *command], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.splitlines()[-1].split())
    assert not imported & {*others, "reglet.application.face", "reglet.application.plugin"}


@pytest.mark.parametrize(
    ("config", "others"),
    [
        ('{"path": "/nothing"}', set()),
        (
            "{}",
            {
                "reglet.domain.policy",
                "reglet.infrastructure.wasi.preview1",
                "reglet.infrastructure.wasi.tree",
            },
        ),
    ],
    ids=["a file that is not granted", "no file"],
)
def test_a_run_of_what_is_known_imports_what_its_check_needs(
    config: str, others: set[str], built_example: BuildExample
):
    """Not what compiles and looks at foreign modules, nor what answers host calls before one is made."""
    run = ["run", str(built_example("file").path), "--config", config]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _MODULES, *run], capture_output=True, text=True, check=True
        )
    imported = set(done.stdout.splitlines()[-1].split())
    assert not imported & {
        "reglet.domain.entities.records",
        "reglet.infrastructure.host.dispatcher",
        "reglet.infrastructure.host.functions",
        "reglet.infrastructure.native",
        "reglet.infrastructure.wasm.sections",
        "reglet.infrastructure.wire.host_functions",
        "reglet.infrastructure.wire.messages",
        "subprocess",
        "tempfile",
        *others,
    }


def test_a_result_decides_the_status():
    """Success 0, failure 1, error 2."""
    results = [result_success("a"), result_failure("b"), result_error(ErrorDetail())]
    assert [int(status_of(result)) for result in results] == [0, 1, 2]


def test_a_missing_package_gives_the_pip_line():
    """Users are told what to type."""
    require_extra("build", "build")
    with pytest.raises(UsageError, match=r"pip install 'reglet\[component\]'"):
        require_extra("component", "build", is_there=lambda _name: False)


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ('{"url": }', "--config is not JSON: Expecting value at line 1 column 9"),
        ("[1]", "--config must be a JSON object such as"),
        ("@/no/such/file", "--config @/no/such/file: No such file or directory"),
        ("[" * 100_000, "--config cannot be read: "),
        ('{"n": ' + "1" * 5_000 + "}", "--config cannot be read: "),
        ("", "--config '' is empty: give a JSON object"),
    ],
    ids=lambda text: text[:20],
)
def test_a_config_that_is_none_says_where_it_goes_wrong(argument: str, text: str):
    """The error has the place, the kind or the file."""
    with pytest.raises(UsageError) as raised:
        read_config(argument)
    assert text in str(raised.value)


@pytest.mark.parametrize("argument", ["-", "@-"])
def test_a_config_comes_from_stdin(argument: str):
    """As other commands read it, and as a file is named here."""
    script = f"from reglet.cli.arguments import read_config; print(read_config({argument!r}).decode())"
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

    assert run_command(lambda: full(OSError(28, "No space left on device", "page.md"))) == 3
    assert capsys.readouterr().err == "reglet-plugin: page.md: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_parent_that_ignores_its_children_takes_no_exit_codes():
    """A program's exit code is known, whatever the command was started by."""
    run = [
        sys.executable,
        "-m",
        "reglet.cli",
        "run",
        str(ROOT / "examples" / "command"),
        "--grants",
        "declared",
    ]
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    config = ["--json", "--config", '{"run": "exit 3", "expected_exit": 3}']
    done = subprocess.run(
        [sys.executable, "-c", ignoring, *run, *config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


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
    _, complaint = process.communicate(timeout=300)
    assert (process.returncode, complaint) == (0, b"")


def test_an_interruption_has_its_own_status(capsys: pytest.CaptureFixture[str]):
    """Ctrl-C ends with 130 and one line."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert run_command(interrupted) == 130
    assert capsys.readouterr().err == "reglet-plugin: interrupted\n"


def test_a_package_that_is_not_there_names_its_extra(capsys: pytest.CaptureFixture[str]):
    """A missing package of an extra gives the pip line; any other is a bug."""

    def lacking(name: str) -> int:
        raise ModuleNotFoundError(name=name)

    assert run_command(lambda: lacking("wasmtime.loader")) == 3
    assert "pip install 'reglet[build]'" in capsys.readouterr().err
    assert run_command(lambda: lacking("reglet.nothing")) == 3
    assert "unexpected ModuleNotFoundError at test_main.py:" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("x\ny"), RecursionError("too deep"), MemoryError()], ids=repr)
def test_a_bug_is_one_line_and_no_failed_check(error: Exception, capsys: pytest.CaptureFixture[str]):
    """The line names its kind and where it is; the status is that of a command that could not be carried out."""

    def failing() -> int:
        raise error

    assert run_command(failing) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"reglet-plugin: unexpected {type(error).__name__} at test_main.py:")
    assert run_command(failing, ExitStatus.ERROR) == 2


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_reason_to_stop(closed: str, tmp_path: Path):
    """What would go to them goes nowhere, and no file that is opened takes their number."""
    script = tmp_path / "run.sh"
    page = tmp_path / "page.md"
    script.write_text(
        f"{sys.executable} -m reglet.cli docs {ROOT / 'examples' / 'file'} -o {page} {closed} || exit 9\n"
        f"{sys.executable} -m reglet.cli manifest --json {ROOT / 'examples' / 'file'} {closed} || exit 9\n"
        f"{sys.executable} -m reglet.cli run {ROOT / 'examples' / 'file'} {closed}\n"
    )
    done = subprocess.run(["/bin/sh", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert page.read_text().startswith("# file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", str(ROOT / "examples" / "file")], ["biuld"]], ids=" ".join
)
def test_streams_that_are_full_are_said_once_or_not_at_all(arguments: list[str]):
    """Whichever of the two it is, or both: no traceback, and not the status of a failed check."""
    for streams in (">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"):
        command = f'exec "$@" {streams}'
        done = subprocess.run(
            ["/bin/sh", "-c", command, "sh", sys.executable, "-m", "reglet.cli", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 2, 3}, (streams, done.stderr)
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr


@pytest.mark.parametrize("module", ["reglet", "reglet.domain.errors", "reglet.cli", "reglet.cli.project"])
def test_an_interruption_of_the_imports_has_its_status_too(module: str):
    """Ctrl-C may come before a command is known, and before the package is there."""
    script = f"""
import sys
from reglet_plugin import main

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = ["doctor"]
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "reglet-plugin: interrupted\n")


@pytest.mark.parametrize("before", [["."], [], ["--place=fakes"], [".", "--place=fakes"]], ids=" ".join)
def test_what_stands_behind_two_dashes_goes_to_pytest(before: list[str], capfd: pytest.CaptureFixture[str]):
    """With or without a path and options before them."""
    left = Path.cwd()
    os.chdir(ROOT / "examples" / "file")
    try:
        assert main(["test", *before, "--", "--collect-only", "-q", "-p", "no:cacheprovider"]) == 0
    finally:
        os.chdir(left)
    assert "tests collected" in capfd.readouterr().out


def test_a_selection_that_leaves_no_test_is_told_from_a_project_without_one(
    capfd: pytest.CaptureFixture[str],
):
    """What was asked of pytest is named."""
    project = str(ROOT / "examples" / "file")
    assert main(["test", project, "--", "-q", "-p", "no:cacheprovider", "-k", "nothing"]) == 3
    assert "is left by -q -p no:cacheprovider -k nothing" in capfd.readouterr().err


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
