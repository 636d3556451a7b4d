"""`new`: a project from a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from reglet.cli import main


def test_a_new_project_names_its_plugin(tmp_path: Path):
    """The folder holds a plugin, its tests, and a table that says where the plugin is."""
    folder = tmp_path / "web-check"
    assert main(["new", "web-check", "--into", str(folder)]) == 0
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/web_check_plugin/__init__.py",
        "src/web_check_plugin/plugin.py",
        "tests/test_plugin.py",
    ]
    assert 'plugin = "web_check_plugin.plugin:plugin"' in (folder / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "name", ["", "a", "Web", "web--check", "-web", "web-", "1web", "web_check", "../web"]
)
def test_a_name_that_no_host_takes_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The error repeats the name and says which names work; nothing is made."""
    assert main(["new", "--into", str(tmp_path / "x"), "--", name]) == 3
    assert f"{name!r} cannot be a plugin's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file in the way of the folder is a usage error."""
    (tmp_path / "file").write_text("mine")
    assert main(["new", "web", "--into", str(tmp_path / "file" / "web")]) == 3
    assert "choose another place with --into" in capsys.readouterr().err


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is overwritten."""
    (tmp_path / "keep").write_text("mine")
    assert main(["new", "web", "--into", str(tmp_path)]) == 3
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]
