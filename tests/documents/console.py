"""Runs the console blocks of the documents: each `$` line is a command, the lines after it what it prints."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COMPARE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_PIP = re.compile(r"(python3? -m )?pip install (?P<what>.*)")


def run_console_block(block: str, folder: Path) -> Path:
    """Run a block's commands in `folder`, compare what they print, and return the folder where they end."""
    for command, expected in _commands(block):
        if _PIP.fullmatch(command):
            _check_extras(command)
        elif command.startswith("make "):
            _run(command.replace("make ", "make -n ", 1), ROOT)
        elif command.startswith("cd "):
            folder = (folder / command.removeprefix("cd ")).resolve(strict=True)
        else:
            _compare(command, expected, _run(command, folder))
    return folder


def _commands(block: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console block starts with a command: {parts[0]!r}"
    for part in parts[1:]:
        command, _, expected = part.replace("\\\n", " ").partition("\n")
        yield command.split("  #")[0].strip(), expected


def _run(command: str, folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\nended with status {done.returncode}:\n{done.stdout}"
    return done.stdout


def _compare(command: str, expected: str, printed: str) -> None:
    if expected.strip() and not doctest.OutputChecker().check_output(expected, printed, _COMPARE):
        raise AssertionError(f"$ {command}\nshould print:\n{expected}\nbut printed:\n{printed}")


def _check_extras(command: str) -> None:
    """An installation is not repeated in a test; that its extras exist is."""
    known = set(metadata("reglet").get_all("Provides-Extra") or ())
    for word in shlex.split(command):
        for extra in re.findall(r"\[([\w,]+)\]", word):
            assert set(extra.split(",")) <= known, f"{command}: the extras are {sorted(known)}"
