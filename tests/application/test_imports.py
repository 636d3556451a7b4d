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


def modules_after(code: str) -> set[str]:
    """Return the modules that are imported in a new process that has run some code."""
    script = f"{code}; import sys; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_importing_reglet_is_light():
    """Neither the extras, nor the network, nor the rooms that a guest has not."""
    loaded = modules_after("from reglet import *; from reglet import answers, config, errors, exec, log")
    assert "reglet.application.plugin" in loaded
    assert not loaded & set(_FORBIDDEN)
    assert not [name for name in loaded if name.startswith("reglet.infrastructure")]


def test_what_runs_plugins_imports_nothing_that_they_are_made_of():
    """The names of `reglet` are loaded when one is used, then all; what tools look for in every module is none."""
    bare = modules_after("import reglet; reglet.__version__; hasattr(reglet, '__wrapped__')")
    assert {name for name in bare if name.startswith("reglet")} == {"reglet", "reglet.application"}
    used = "import reglet; reglet.Context; assert {*reglet.__all__, 'exec'} < {*vars(reglet)}"
    assert modules_after(used) == modules_after("from reglet import *; import reglet.log")


def test_a_name_that_is_not_there_is_an_attribute_error():
    """Before and after the names are loaded; `dir` lists them all."""
    code = (
        "import reglet\n"
        "assert {'Context', 'log', '__version__'} < {*dir(reglet)}\n"
        "for name in ('nothing', '__nothing__'):\n"
        "    try:\n"
        "        getattr(reglet, name)\n"
        "    except AttributeError as error:\n"
        "        assert str(error) == f\"module 'reglet' has no attribute {name!r}\"\n"
        "    else:\n"
        "        raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
