"""Which plugin a target means, and what is said when it means none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reglet.infrastructure.build.errors import TargetError
from reglet.infrastructure.build.project import find_project

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
