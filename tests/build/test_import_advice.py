"""What takes the place of modules that no plugin can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from reglet.infrastructure.build.import_advice import advice, imported_module, unusable_imports
from reglet.infrastructure.build.sources import Source, WaitingImport

NATIVE = "ModuleNotFoundError: No module named 'numpy._core._umath': it is a native extension module"


@pytest.mark.parametrize(
    ("error", "traceback", "text"),
    [
        (
            "ModuleNotFoundError: No module named '_ssl'",
            "",
            "; ssl does not work in a plugin: use ctx.client(",
        ),
        ("ModuleNotFoundError: No module named 'requests'", "", "use ctx.client(HTTPClient)"),
        ("ImportError: numpy is broken", NATIVE, "; numpy does not work in a plugin: use math"),
        ("ModuleNotFoundError: No module named 'yaml'", "", "install yaml there"),
        (
            "ModuleNotFoundError: No module named 'pwd'",
            "",
            "; pwd is not in a plugin's Python: do without it",
        ),
        ("ModuleNotFoundError: No module named '_bz2'", "", "; bz2 is not in a plugin's Python"),
    ],
)
def test_a_failed_import_names_what_to_use(error: str, traceback: str, text: str):
    """A port, a module of the standard library, or where to install what is missing."""
    assert text in advice(error, traceback)


@pytest.mark.parametrize(
    "error",
    [
        "ModuleNotFoundError: No module named 'http.client'; 'http' is not a package",
        "DefinitionError: module http has no plugin at its top level: write plugin = reglet.define_plugin(…)",
        "module 'http' has no attribute 'plugin'",
        "ImportError: cannot import name 'HTTPStatus' from 'http' (/plugin/http.py)",
    ],
)
def test_a_plugin_with_the_name_of_a_module_of_python_is_to_be_renamed(error: str):
    """Whichever of the two is taken for the other; a plugin of another name has the advice as ever."""
    assert advice(error, plugin_module="http").endswith(
        "a module http too, and one is taken for the other: rename the plugin's"
    )
    assert "rename" not in advice(error, plugin_module="web.http")


SUGGESTED = "TypeError: define_plugin() got an unexpected keyword argument 'nam'. Did you mean 'name'?"


@pytest.mark.parametrize("error", ["KeyError: 'ssl'", NATIVE.replace("numpy", "other"), SUGGESTED])
def test_other_errors_stay_as_they_are(error: str):
    """Nothing is added to an error that is no missing module, or that says already what it lacks."""
    assert advice(error) == ""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import json, socket", [(1, "socket")]),
        ("\nfrom urllib.request import urlopen", [(2, "urllib.request")]),
        ("from threading import Thread", [(1, "threading")]),
        ("from . import ssl\nimport urllib.parse\nimport http", []),
        ("def later(:", []),
    ],
)
def test_imports_that_work_and_are_of_no_use(source: str, found: list[tuple[int, str]], tmp_path: Path):
    """Each with its line; a file that only the plugin's own Python can read is left alone."""
    path = tmp_path / "made.py"
    path.write_text(source)
    unusable = unusable_imports(Source(path, "/plugin/made.py", ()))
    assert [(line, module) for line, module, _ in unusable] == found


def _source(guest_path: str) -> Source:
    return Source(Path("/disk") / guest_path.lstrip("/"), guest_path, ())


@pytest.mark.parametrize(
    ("level", "module", "whole"),
    [
        (0, "absent.part", "absent.part"),
        (1, "beside", "package.inner.beside"),
        (2, "above", "package.above"),
        (1, "", "package.inner"),
        (2, "", "package"),
        (0, "json", "json"),
    ],
)
def test_a_relative_import_is_made_whole(level: int, module: str, whole: str) -> None:
    """Dots count from the file's own package."""
    waiting = WaitingImport(1, level, module, ("name",))

    assert imported_module(_source("/plugin/package/inner/module.py"), waiting) == whole
