"""A plugin's modules: found by the same code on folders of this machine, and preloaded where code needs them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from reglet.infrastructure import unsupported_reason
from reglet.infrastructure.guest.importing import RefusingFinder, SourceFinder, SubmoduleFinder
from reglet.infrastructure.guest.sealed import SealedFinder


@pytest.fixture
def root(tmp_path: Path) -> str:
    """Return a folder with a module, a package, a namespace package and a native module's mark."""
    for name in ("module.py", "package/__init__.py", "package/inner.py", "space/part.py", "fast.native"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("name", "within", "file"),
    [
        ("module", None, "module.py"),
        ("package", None, "package/__init__.py"),
        ("package.inner", "package", "package/inner.py"),
        ("space.part", "space", "space/part.py"),
    ],
)
def test_modules_are_found_by_name(root: str, name: str, within: str | None, file: str) -> None:
    """At the top from the root, inside a package from the package's folders."""
    spec = SourceFinder(root).find_spec(name, None if within is None else [f"{root}/{within}"])

    assert spec is not None
    assert spec.origin == f"{root}/{file}"


def test_a_package_knows_its_folder(root: str) -> None:
    """With or without `__init__.py`, what is inside is looked for there."""
    package, space = (SourceFinder(root).find_spec(name) for name in ("package", "space"))

    assert package is not None
    assert space is not None
    assert list(package.submodule_search_locations or ()) == [f"{root}/package"]
    assert (list(space.submodule_search_locations or ()), space.loader) == ([f"{root}/space"], None)


def test_what_is_elsewhere_is_not_looked_for(root: str) -> None:
    """Neither an absent module nor a package of another folder is this finder's."""
    assert SourceFinder(root).find_spec("absent") is None
    assert SourceFinder(root).find_spec("other.module", [f"{root}-other"]) is None


def test_a_native_module_is_refused_by_name(root: str) -> None:
    """It is as absent, so that a package can fall back, and the text says why."""
    with pytest.raises(ModuleNotFoundError, match="a plugin has pure Python only") as caught:
        SourceFinder(root).find_spec("fast")

    assert caught.value.name == "fast"


def test_a_native_module_is_refused_beside_a_folder_of_its_name(root: str) -> None:
    """Such a folder has type stubs, and is no namespace package."""
    (Path(root) / "fast").mkdir()

    with pytest.raises(ModuleNotFoundError, match="a plugin has pure Python only"):
        SubmoduleFinder(root).find_spec("package.fast", [root])


def test_submodules_alone_are_found_inside_packages(root: str) -> None:
    """Packages themselves come after the standard library."""
    found = SubmoduleFinder(root).find_spec("package.inner", [f"{root}/package"])

    assert found is not None
    assert found.origin == f"{root}/package/inner.py"
    assert SubmoduleFinder(root).find_spec("package") is None


@pytest.mark.parametrize("name", ["reglet.testing", "reglet.testing.plugintest"])
def test_the_tests_tools_are_refused(name: str) -> None:
    """The text says where answers for examples are."""
    with pytest.raises(ImportError, match=r"reglet\.answers"):
        RefusingFinder().find_spec(name)


def test_other_modules_are_not_refused() -> None:
    """The finder only refuses; it finds nothing."""
    assert RefusingFinder().find_spec("reglet.testing_ground") is None


def test_a_sealed_plugin_says_what_to_do() -> None:
    """What the build did not import cannot be had; built-in modules are left to their own finder."""
    with pytest.raises(
        ModuleNotFoundError, match="absent must be imported at the top of the plugin's module"
    ):
        SealedFinder(unsupported_reason).find_spec("absent")

    assert SealedFinder(unsupported_reason).find_spec(sys.builtin_module_names[0]) is None


def test_a_sealed_plugin_may_ask_whether_there_is_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none for `importlib.util.find_spec`, as for a package that has a fallback."""
    monkeypatch.setattr(sys, "meta_path", [SealedFinder(unsupported_reason)])

    assert importlib.util.find_spec("absent") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sqlite3", "sqlite3 does not work in a plugin: use json"),
        (
            "multiprocessing.popen_fork",
            "multiprocessing.popen_fork does not work in a plugin: use a plain loop",
        ),
        ("readline", "readline is not in a plugin's Python: do without it"),
    ],
)
def test_a_sealed_plugin_asks_for_no_import_that_cannot_help(name: str, text: str) -> None:
    """A module that fails at the top as well is told with what takes its place."""
    with pytest.raises(ModuleNotFoundError) as caught:
        SealedFinder(unsupported_reason).find_spec(name)

    assert text in str(caught.value)
    assert "at the top" not in str(caught.value)


_CHECK = """
import sys
from reglet.infrastructure.guest.importing import preload_for
sys.modules.pop("_strptime", None)
def outer():
    def inner(text):
        import datetime
        return datetime.datetime.{name}(text)
    return inner
preload_for((outer.__code__.co_filename,), sys.modules)
print("_strptime" in sys.modules)
"""


def _is_imported(name: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", _CHECK.format(name=name)], capture_output=True, check=True, text=True
    )
    return done.stdout == "True\n"


def test_a_module_comes_with_the_attribute_that_needs_it() -> None:
    """Code that names `strptime`, in however deep a function, brings its module; other code does not."""
    assert [_is_imported("strptime"), _is_imported("fromisoformat")] == [True, False]
