"""What `import reglet` brings with it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

_FORBIDDEN = (
    "wasmtime",
    "httpx",
    "rich",
    "jsonschema",
    "pytest",
    "dns",
    "ssl",
    "socket",
    "asyncio",
    "reglet.testing",
)


def test_importing_reglet_is_light():
    """Neither the extras, nor the network, nor the rooms that a guest has not."""
    code = "import sys, reglet, reglet.log, reglet.config, reglet.errors, reglet.exec, reglet.answers; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    loaded = set(output.split())
    assert "reglet.application.plugin" in loaded
    assert not loaded & set(_FORBIDDEN)
    assert not [name for name in loaded if name.startswith("reglet.infrastructure")]


def test_a_face_needs_no_import_of_its_own():
    """`import reglet` is enough for `reglet.errors` and the others."""
    code = (
        "import reglet; reglet.errors.ConfigError, reglet.log.group, reglet.config.get_int, reglet.exec.run, "
        "reglet.answers.http"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists_and_is_listed_once():
    """`__all__` is sorted and true, in every face."""
    code = (
        "import importlib\n"
        "for name in ['reglet', 'reglet.log', 'reglet.config', 'reglet.errors', 'reglet.exec', 'reglet.answers']:\n"
        "    module = importlib.import_module(name)\n"
        "    assert len(set(module.__all__)) == len(module.__all__), name\n"
        "    assert all(hasattr(module, each) for each in module.__all__), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "face",
    [
        "reglet",
        "reglet.answers",
        "reglet.config",
        "reglet.errors",
        "reglet.exec",
        "reglet.log",
        "reglet.testing",
    ],
)
def test_the_typing_of_every_public_name_is_tested(face):
    """A new name needs a line in `typing_tests`."""
    folder = Path(__file__).parents[2] / "typing_tests"
    words = {word for file in folder.glob("*.py") for word in re.findall(r"\w+", file.read_text())}
    assert [name for name in importlib.import_module(face).__all__ if name not in words] == []
