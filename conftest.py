"""Runs the code blocks of the README and the docs as tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from sybil import Region, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from tests.documents.console import run_console_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sybil import Document, Example


_REGISTRY = "registry.example.com"


def _console(example: Example) -> str | None:
    block = example.parsed
    if _REGISTRY in block:
        block = block.replace(_REGISTRY, _registry(example.namespace))
    try:
        example.namespace["terminal"] = run_console_block(block, example.namespace["terminal"])
    except AssertionError as difference:
        return str(difference)
    return None


def _registry(namespace: dict[str, Any]) -> str:
    """Return the address of a registry on this machine, one to a document, or skip without one."""
    if "registry" not in namespace:
        from tests.registry.servers import running_registry

        folder = Path(namespace["folder"]) / ".registry"
        folder.mkdir()
        namespace["registry"] = namespace["servers"].enter_context(running_registry(folder))
    address: str = namespace["registry"]
    return address


def _json(example: Example) -> None:
    json.loads(example.parsed)


def _toml(example: Example) -> None:
    tomllib.loads(example.parsed)


def _yaml(example: Example) -> None:
    yaml.safe_load(example.parsed)


_WITH_TITLE = RawFencedCodeBlockLexer(re.compile(r'\w+ title="(?P<title>[^"]+)"$\n', re.MULTILINE))


def _files(document: Document) -> Iterable[Region]:
    """Find the blocks whose title is a file's path: what they show is written there."""
    for region in _WITH_TITLE(document):
        region.parsed, region.evaluator = region.lexemes["source"], _write_file
        yield region


def _write_file(example: Example) -> None:
    path = Path(example.namespace["terminal"], example.region.lexemes["title"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.parsed, encoding="utf-8")


def _enter(namespace: dict[str, Any]) -> None:
    """Each document has an empty folder of its own, as its reader has."""
    folder = Path(tempfile.mkdtemp(prefix="reglet-document-"))
    namespace["folder"], namespace["left"], namespace["servers"] = folder, Path.cwd(), ExitStack()
    namespace["terminal"] = folder  # where the next command is given: a `cd` holds for later blocks too
    os.chdir(folder)


def _leave(namespace: dict[str, Any]) -> None:
    namespace["servers"].close()
    os.chdir(namespace["left"])
    shutil.rmtree(namespace["folder"])


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("console", _console),
        CodeBlockParser("json", _json),
        CodeBlockParser("toml", _toml),
        CodeBlockParser("yaml", _yaml),
        _files,
    ],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md"],
    excludes=["examples/*"],
    setup=_enter,
    teardown=_leave,
).pytest()
