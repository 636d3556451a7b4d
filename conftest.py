"""Runs the code blocks of the README and the docs as tests."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.documents.console import ROOT, run_console_block

if TYPE_CHECKING:
    from sybil import Example


def _console(example: Example) -> str | None:
    try:
        run_console_block(example.parsed, Path(example.namespace["folder"]))
    except AssertionError as difference:
        return str(difference)
    return None


def _json(example: Example) -> None:
    json.loads(example.parsed)


def _toml(example: Example) -> None:
    tomllib.loads(example.parsed)


def _enter(namespace: dict[str, Any]) -> None:
    """Each document has a folder of its own, with the examples in it."""
    folder = Path(tempfile.mkdtemp(prefix="reglet-document-"))
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("*.wasm", "__pycache__")
    )
    namespace["folder"], namespace["left"] = folder, Path.cwd()
    os.chdir(folder)


def _leave(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["left"])
    shutil.rmtree(namespace["folder"])


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("console", _console),
        CodeBlockParser("json", _json),
        CodeBlockParser("toml", _toml),
    ],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md"],
    excludes=["examples/*"],
    setup=_enter,
    teardown=_leave,
).pytest()
