"""Which plugin a target means, and what is said when it means none."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reglet import Context
from reglet.infrastructure.build import PluginImportError, TargetError
from reglet.infrastructure.build.project import find_project, load_plugin_in_process
from tests.build.plugins import PLUGIN

Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Return a function that writes files below an empty folder and returns it."""

    def write(**files: str) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return write


PYPROJECT = '[project]\nversion = "1.2.3"\n[tool.reglet]\nplugin = "pkg.mod:thing"\n'


def test_a_project_folder_names_its_plugin(lay: Lay) -> None:
    """The table names module and attribute, imports start in `src`, and the version is the project's."""
    folder = lay(**{"pyproject.toml": PYPROJECT, "src/pkg/mod.py": "", "src/pkg/__init__.py": ""})

    project = find_project(folder)

    assert (project.module, project.attribute, project.version) == ("pkg.mod", "thing", "1.2.3")
    assert project.roots == (folder / "src", folder)


def test_a_flat_project(lay: Lay) -> None:
    """Without `src`, imports start in the folder."""
    folder = lay(**{"pyproject.toml": PYPROJECT, "pkg/mod.py": ""})

    assert find_project(str(folder)).roots == (folder,)


def test_a_single_file(lay: Lay) -> None:
    """A file is a module of its folder."""
    folder = lay(**{"check.py": ""})

    project = find_project(folder / "check.py")

    assert (project.module, project.attribute, project.version) == ("check", None, None)
    assert project.roots == (folder,)


@pytest.mark.parametrize(
    ("target", "version"),
    [("check.py", "1.2.3"), ("other.py", None), ("check", "1.2.3"), ("other:plugin", None)],
)
def test_only_the_projects_own_plugin_has_its_version(
    lay: Lay, monkeypatch: pytest.MonkeyPatch, target: str, version: str | None
) -> None:
    """A file that lies in the folder of a project which names another plugin keeps its own."""
    own = PYPROJECT.replace("pkg.mod:thing", "check:plugin")
    monkeypatch.chdir(lay(**{"pyproject.toml": own, "check.py": "", "other.py": ""}))

    assert find_project(target).version == version


def test_a_file_in_a_package(lay: Lay) -> None:
    """Its module has the package's name, and imports start above the package."""
    folder = lay(**{"pyproject.toml": PYPROJECT, "src/pkg/__init__.py": "", "src/pkg/mod.py": ""})

    project = find_project(folder / "src" / "pkg" / "mod.py")

    assert (project.module, project.roots, project.version) == ("pkg.mod", (folder / "src",), "1.2.3")


def test_module_and_attribute(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked for from the working directory."""
    monkeypatch.chdir(lay(**{"pkg/mod.py": ""}))

    assert (find_project("pkg.mod:a.b").module, find_project("pkg.mod:a.b").attribute) == ("pkg.mod", "a.b")
    assert find_project("pkg.mod").attribute is None


@pytest.mark.parametrize(
    ("files", "target", "message"),
    [
        ({}, ".", "has no pyproject.toml"),
        ({"pyproject.toml": ""}, ".", 'write plugin = "package.module:attribute"'),
        ({"pyproject.toml": "[tool.reglet]\nplugin = 3"}, ".", "says 3"),
        ({"pyproject.toml": "[tool.reglet]\nplugin = 'a b'"}, ".", "says 'a b'"),
        ({"pyproject.toml": "[tool"}, ".", "cannot be read"),
        ({"pyproject.toml": PYPROJECT}, ".", "there is no module pkg.mod in"),
        ({}, "absent.py", "absent.py does not exist"),
        ({}, "absent/folder", "absent/folder does not exist: give a project folder"),
        ({"a.wasm": ""}, "a.wasm", "a.wasm is built already"),
        ({"ok.py": ""}, "ok.py:plugin", "write ok:plugin in the file's folder"),
        ({}, "no_such:plugin", "there is no module no_such in"),
    ],
)
def test_what_is_no_plugin(
    lay: Lay, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], target: str, message: str
) -> None:
    """The text says what is missing and what to write."""
    monkeypatch.chdir(lay(**files))

    with pytest.raises(TargetError) as caught:
        find_project(target)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


MANIFEST_CONTEXT = Context()


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    """Leave `sys.path` and `sys.modules` as they were."""
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def test_a_file_is_loaded(tmp_path: Path) -> None:
    """The only plugin of a module is meant."""
    (tmp_path / "loaded_one.py").write_text(PLUGIN)

    assert load_plugin_in_process(tmp_path / "loaded_one.py").manifest(MANIFEST_CONTEXT).name == "tiny"


PROJECT = '[project]\nversion = "7.1"\n[tool.reglet]\nplugin = "{}:plugin"\n'


def test_the_projects_version_is_the_plugins(tmp_path: Path) -> None:
    """A plugin without a version takes that of its project."""
    (tmp_path / "loaded_two.py").write_text(PLUGIN.replace('version="1.0.0", ', ""))
    (tmp_path / "pyproject.toml").write_text(PROJECT.format("loaded_two"))

    assert load_plugin_in_process(tmp_path / "loaded_two.py").manifest(MANIFEST_CONTEXT).version == "7.1"


def test_two_versions_are_refused(tmp_path: Path) -> None:
    """A version here and another in the project is an error that names both."""
    (tmp_path / "loaded_three.py").write_text(PLUGIN)
    (tmp_path / "pyproject.toml").write_text(PROJECT.format("loaded_three"))

    with pytest.raises(TargetError, match=r'says version "1\.0\.0" and the project says "7\.1"'):
        load_plugin_in_process(tmp_path / "loaded_three.py")


def test_an_import_that_fails_keeps_the_authors_traceback(tmp_path: Path) -> None:
    """The message is one line; the traceback has the failing line and nothing of ours."""
    (tmp_path / "loaded_four.py").write_text("def inner():\n    return 1 / 0\n\ninner()\n")

    with pytest.raises(PluginImportError) as caught:
        load_plugin_in_process(tmp_path / "loaded_four.py")

    assert str(caught.value) == "loaded_four cannot be imported: ZeroDivisionError: division by zero"
    assert "return 1 / 0" in caught.value.traceback
    assert caught.value.traceback.count("File ") == 2
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_import_that_ends_the_program(tmp_path: Path) -> None:
    """`sys.exit` at import does not end ours."""
    (tmp_path / "loaded_five.py").write_text("raise SystemExit(4)\n")

    with pytest.raises(PluginImportError, match="it ends the program with exit status 4"):
        load_plugin_in_process(tmp_path / "loaded_five.py")


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("absent", "does not exist"),
        ("plugin.name", "is no plugin but a str"),
        ("Output", "is no plugin but a type"),
    ],
)
def test_an_attribute_that_is_no_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, message: str
) -> None:
    """The text names the attribute and what it is."""
    (tmp_path / "loaded_six.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(TargetError, match=message):
        load_plugin_in_process(f"loaded_six:{attribute}")


def test_a_module_without_a_plugin(tmp_path: Path) -> None:
    """The text says what to write."""
    (tmp_path / "loaded_seven.py").write_text("x = 1\n")

    with pytest.raises(TargetError, match="has no plugin at its top level"):
        load_plugin_in_process(tmp_path / "loaded_seven.py")


def test_no_part_of_a_build_is_needed() -> None:
    """Without the extras of a build, plugins run in process: wasmtime and platformdirs are not imported."""
    code = (
        "import sys\nimport reglet.infrastructure.build.project\n"
        "print([name for name in ('wasmtime', 'platformdirs', 'rich') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout == "[]\n"
