"""Builds of projects that mean harm, that are killed, that find odd things in their cache and around them."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.plugins import PLUGIN

COMMAND = [sys.executable, "-m", "reglet.cli", "build", "--timeout", "3000"]
pytestmark = pytest.mark.long

CLEAN = {0, 1, 2, 3}
"""Exit statuses of ours; a traceback ends with 1 too, so that output is looked at as well."""


def build(folder, output, *, path="plugin.py", cwd=None, environment=None, **options):
    """Build a plugin as a person does; return the process, ended."""
    return subprocess.run(
        [*COMMAND, str(folder / path) if path else str(folder), "-o", str(output)],
        cwd=cwd or folder.parent,
        env=os.environ | (environment or {}),
        check=False,
        timeout=3000,
        **({"capture_output": True, "text": True} | options),
    )


def is_clean(ended):
    """Whether a build succeeded, or said in some lines what is wrong."""
    return ended.returncode in CLEAN and "Traceback" not in (ended.stderr or "")


@pytest.fixture
def project(tmp_path):
    """A folder with a small plugin."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "plugin.py").write_text(PLUGIN)
    return folder


NATIVE = (
    "import os\n"
    "try:\n    os.close(os.open(os.path.join({marks!r}, {name!r}), os.O_CREAT | os.O_WRONLY))\n"
    "except OSError:\n    pass\n"
)
CANARIES = [
    "plugin.py", "part/__init__.py", "part/__main__.py", "__main__.py", "setup.py", "conftest.py",
    "sitecustomize.py", "usercustomize.py", "json.py", "encodings/__init__.py", "tomllib.py", "reglet/__init__.py",
    "attrs.py", "hatch_build.py", "backend.py", "_plugin.py",
]  # fmt: skip
"""Files of a project that some tool would run: what is imported at all is imported in a guest."""


@pytest.mark.parametrize("path", ["plugin.py", ""], ids=["file", "folder"])
def test_no_code_of_the_author_runs_natively(project, path):
    """Wherever it stands, and whether the build succeeds: each would leave a file."""
    marks = project.parent / "marks"
    marks.mkdir()
    for name in CANARIES:
        file = project / name
        file.parent.mkdir(exist_ok=True)
        code = NATIVE.format(marks=str(marks), name=name.replace("/", "-"))
        file.write_text(code + (f"import part\n{PLUGIN}" if name == "plugin.py" else ""))
    (project / "evil.pth").write_text(f"import os; open({str(marks / 'pth')!r}, 'w')\n")
    interpreter = project / ".venv/bin/python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f"#!/bin/sh\ntouch {marks / 'venv'}\n")
    interpreter.chmod(0o755)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "evil"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n[project.entry-points."reglet.plugins"]\nevil = "plugin:plugin"\n'
    )
    assert is_clean(build(project, project.parent / "out.wasm", path=path))
    assert list(marks.iterdir()) == []


ODD_PROJECTS = {
    "a pipe": lambda folder: os.mkfifo(folder / "pipe.py"),
    "a link to itself": lambda folder: (folder / "me.py").symlink_to("me.py"),
    "a folder that leads to itself": lambda folder: (folder / "again").symlink_to(folder),
    "a link to a host's file": lambda folder: (folder / "secret.py").symlink_to(folder.parent / "host.txt"),
    "a link to a host's folder": lambda folder: (folder / "hosts").symlink_to(folder.parent / "host"),
    "a link to what is of special use": lambda folder: (folder / "environ.txt").symlink_to(
        "/proc/self/environ"
    ),
    "a link to a device": lambda folder: (folder / "zero.py").symlink_to("/dev/zero"),
    "names that are no UTF-8": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/\xff.py")).write_text(
        ""
    ),
    "a name of control characters": lambda folder: (folder / "a\x1b[31m\nb.py").write_text(""),
    "a null byte in a source": lambda folder: (folder / "null.py").write_bytes(b"\0"),
    "a source of another encoding": lambda folder: (folder / "e.py").write_bytes(b"# coding: rot13\n\xff"),
    "deep folders": lambda folder: (folder / "/".join("d" * 200)).mkdir(parents=True),
    "a configuration that leads out": lambda folder: (folder / "pyproject.toml").symlink_to(
        folder.parent / "host.txt"
    ),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("odd", ODD_PROJECTS.values(), ids=ODD_PROJECTS)
def test_nothing_of_the_host_is_shipped(project, odd):
    """Odd files of a project are refused or left out, and none keeps the build waiting."""
    secret = "NOBODY-SHIPS-THIS"
    (project.parent / "host.txt").write_text(f"x = '{secret}'\n")
    (project.parent / "host").mkdir()
    (project.parent / "host/__init__.py").write_text(f"x = '{secret}'\n")
    (project / "plugin.py").write_text(
        "try:\n    import secret, hosts, pipe, zero, null, me, e\nexcept Exception:\n    pass\n" + PLUGIN
    )
    odd(project)
    output = project.parent / "out.wasm"
    ended = build(project, output)
    assert is_clean(ended), ended.stderr
    assert secret.encode() not in (output.read_bytes() if output.exists() else b"")
    assert "\x1b" not in ended.stderr + ended.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_build_that_is_killed_leaves_no_half_file(project, tmp_path):
    """At 88 moments of it; the next one sweeps what is left and gives the same bytes."""
    output, cache = tmp_path / "out/plugin.wasm", tmp_path / "cache"
    output.parent.mkdir()
    environment = os.environ | {"REGLET_CACHE_DIR": str(cache)}
    started = time.monotonic()
    assert build(project, output, environment=environment).returncode == 0
    took = time.monotonic() - started
    whole = hashlib.sha256(output.read_bytes()).digest()
    chance = random.Random(88)
    for number in range(88):
        if number % 11 == 0:
            shutil.rmtree(cache, ignore_errors=True)  # the moments of a cold build are others
        output.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*COMMAND, str(project / "plugin.py"), "-o", str(output)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0, took if number % 11 == 0 else min(took, 1.5)))
        process.send_signal(chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
        process.wait()
        if output.exists():
            assert hashlib.sha256(output.read_bytes()).digest() == whole
    assert build(project, output, environment=environment).returncode == 0
    assert hashlib.sha256(output.read_bytes()).digest() == whole
    assert [path.name for path in output.parent.iterdir()] == ["plugin.wasm"]
    assert not list(cache.rglob("*.part"))


def _replaced(path, make):
    path.unlink()
    make(path)


DAMAGES = {
    "a bit": lambda path: path.write_bytes(_flipped(path.read_bytes())),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "nothing": lambda path: path.write_bytes(b""),
    "more": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other bytes": lambda path: path.write_bytes(random.Random(1).randbytes(4096)),
    "a pipe": lambda path: _replaced(path, os.mkfifo),
    "a folder": lambda path: _replaced(path, Path.mkdir),
    "a link to nothing": lambda path: _replaced(path, lambda at: at.symlink_to("/absent")),
    "a link to a device": lambda path: _replaced(path, lambda at: at.symlink_to("/dev/zero")),
    "a link to itself": lambda path: _replaced(path, lambda at: at.symlink_to(at)),
    "no right to read": lambda path: path.chmod(0),
    "a right for all to write": lambda path: path.chmod(0o777),
}


def _flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else b"x"


@pytest.mark.skipif(sys.platform == "win32", reason="makes pipes and links")
def test_a_cache_that_is_damaged_changes_no_byte(project, tmp_path):
    """Each entry, in each of these ways; what is damaged is made again."""
    output, cache = tmp_path / "plugin.wasm", tmp_path / "cache"
    environment = {"REGLET_CACHE_DIR": str(cache)}
    assert build(project, output, environment=environment).returncode == 0
    whole = output.read_bytes()
    for name, damage in DAMAGES.items():
        for path in [each for each in cache.rglob("*") if each.is_file() and not each.is_symlink()]:
            damage(path)
        output.unlink()
        ended = build(project, output, environment=environment)
        assert ended.returncode == 0, (name, ended.stderr)
        assert output.read_bytes() == whole, name


def test_builds_at_once_on_a_cold_cache_give_the_same_bytes(project, tmp_path):
    """Eight of them."""
    environment = os.environ | {"REGLET_CACHE_DIR": str(tmp_path / "cache")}
    outputs = [tmp_path / f"{number}.wasm" for number in range(8)]
    processes = [
        subprocess.Popen([*COMMAND, str(project / "plugin.py"), "-o", str(output)], env=environment)
        for output in outputs
    ]
    assert [process.wait() for process in processes] == [0] * 8
    assert len({output.read_bytes() for output in outputs}) == 1
    assert not list((tmp_path / "cache").rglob("*.part"))


ENVIRONMENTS: list[dict[str, str]] = [
    *({"HOME": value} for value in ("", "/absent", "/dev/null", "relative")),
    *({"TMPDIR": value} for value in ("/absent", "", "/dev/null")),
    *({"REGLET_CACHE_DIR": value} for value in ("", "/dev/null", "/proc/absent", "relative", "/absent/\u00e4")),
    *({"XDG_CACHE_HOME": value} for value in ("relative", "/dev/null")),
    *({"LC_ALL": value} for value in ("C", "tr_TR.UTF-8", "POSIX", "nonsense")),
    *({"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONIOENCODING": value} for value in ("ascii", "utf-16", "latin-1:strict")),
    *({"COLUMNS": value} for value in ("0", "1", "-1", "x", "99999999999999999999")),
    *({"TERM": value} for value in ("dumb", "", "xterm-256color")),
    *({"SOURCE_DATE_EPOCH": value} for value in ("0", "-1", "x", "99999999999999999999")),
    *({"TZ": value} for value in ("nonsense", ":/dev/zero", "UTC+99")),
    {"PYTHONOPTIMIZE": "2"}, {"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONHASHSEED": "1"}, {"PYTHONDEVMODE": "1"},
    {"PYTHONPATH": "/absent:relative::"}, {"PYTHONSTARTUP": "/dev/zero"}, {"PATH": ""}, {"NO_COLOR": "1"},
    {"FORCE_COLOR": "1"}, {"PYTHONMALLOC": "debug"}, {"PYTHONNODEBUGRANGES": "1"}, {"PYTHONUNBUFFERED": "1"},
]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="the variables are those of POSIX")
def test_an_odd_environment_changes_no_byte(project, tmp_path):
    """The right bytes, or a status of ours with a line that says why."""
    output = tmp_path / "plugin.wasm"
    assert build(project, output).returncode == 0
    whole = output.read_bytes()
    assert len(ENVIRONMENTS) >= 40
    for environment in ENVIRONMENTS:
        output.unlink(missing_ok=True)
        ended = build(project, output, environment=environment, cwd=tmp_path)
        assert is_clean(ended), (environment, ended.stderr)
        assert ended.returncode == 0 or not output.exists(), (environment, ended.stderr)
        assert ended.returncode != 0 or output.read_bytes() == whole, environment


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")  # noqa: PTH110
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_streams_that_are_closed_or_full_are_no_traceback(project, tmp_path, stream):
    """Nor a success where nothing could be said."""
    for redirect in ("<&-", "</dev/null") if stream == "stdin" else (">&-", ">/dev/full"):
        number = "" if stream == "stdin" else {"stdout": "1", "stderr": "2"}[stream]
        command = f'"$@" {number}{redirect}'
        ended = subprocess.run(
            ["sh", "-c", command, "sh", *COMMAND, str(project / "plugin.py"), "-o", str(tmp_path / "o.wasm")],
            capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path,
        )  # fmt: skip
        assert is_clean(ended), (redirect, ended.stderr)
