"""`new`: a project from a name, from kinds of capability, from an example, in a folder with files of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from reglet.cli import main
from tests.documents.console import ROOT

FILES = {
    ".github/workflows/check.yml",
    ".gitignore",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "src/web_check_plugin/__init__.py",
    "src/web_check_plugin/plugin.py",
    "src/web_check_plugin/py.typed",
    "tests/test_plugin.py",
    "tests/test_readme.py",
}
KINDS = "network,fs,env,exec"


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_new_project_names_its_plugin(tmp_path: Path):
    """The folder holds a plugin, its tests, what checks them, and a table that says where the plugin is."""
    folder = tmp_path / "web-check"
    assert main(["new", "web-check", "--into", str(folder)]) == 0
    made = files_of(folder)
    assert made.keys() == FILES
    assert 'plugin = "web_check_plugin.plugin:plugin"' in made["pyproject.toml"]
    assert "web_check_plugin.plugin" not in sys.modules


def test_the_readme_has_what_the_plugin_says_of_itself(tmp_path: Path):
    """Its tables are made from the types, an example is named, and no word of the template is left."""
    assert main(["new", "web-check", "--into", str(tmp_path)]) == 0
    readme = (tmp_path / "README.md").read_text()
    assert "| `expected_status` | integer |" in readme
    assert "run . --example a_page_that_answers" in readme
    assert "${" not in "".join(files_of(tmp_path).values())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--capabilities", KINDS],
        *(["--from-example", example] for example in ("dns", "command")),
        *(
            pytest.param(["--from-example", example], marks=pytest.mark.long)
            for example in ("http", "tcp", "smtp", "file", "aws")
        ),
    ],
    ids=" ".join,
)
def test_a_new_project_passes_its_own_tests(arguments: Sequence[str], tmp_path: Path):
    """Examples, tests, lint and the README, under the name that it was given."""
    assert main(["new", "my-own", "--into", str(tmp_path), *arguments]) == 0
    tested = run_in(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert tested.returncode == 0, tested.stdout
    assert run_in(tmp_path, "reglet.cli", "lint").stdout == ""
    assert run_in(tmp_path, "reglet.cli", "manifest").stdout.startswith("my-own 0.1.0")


@pytest.mark.long
@pytest.mark.parametrize("arguments", [["--capabilities", KINDS], ["--from-example", "aws"]], ids=" ".join)
def test_a_new_project_is_typed_builds_and_verifies(arguments: Sequence[str], tmp_path: Path):
    """What its Makefile runs."""
    assert main(["new", "my-own", "--into", str(tmp_path), *arguments]) == 0
    for command in (
        ["mypy"],
        ["pyright", "--pythonpath", sys.executable],
        ["reglet.cli", "build", "-o", "my-own.wasm"],
        ["reglet.cli", "verify", "my-own.wasm", "--checks", "50", "--configs", "20"],
        ["reglet.cli", "test", "--place", "sandbox"],
    ):
        done = run_in(tmp_path, *command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_new_project_touches_what_it_declares(tmp_path: Path):
    """Its audit finds nothing, so that what it finds later is the author's."""
    assert main(["new", "my-own", "--into", str(tmp_path), "--capabilities", KINDS]) == 0
    audited = run_in(tmp_path, "reglet.cli", "audit")
    assert audited.returncode == 0, audited.stdout


@pytest.mark.parametrize("example", ["http", "dns", "tcp", "smtp", "file", "command", "aws"])
def test_nothing_of_an_example_keeps_its_name(example: str, tmp_path: Path):
    """The package and the plugin have the new one; the modules are those of the example."""
    assert main(["new", "my-own", "--into", str(tmp_path), "--from-example", example]) == 0
    made = files_of(tmp_path)
    assert f"{example}_plugin" not in " ".join([*made, *made.values()])
    source = ROOT / "examples" / example / "src" / f"{example}_plugin"
    modules = {path for path in made if path.startswith("src/my_own_plugin/")}
    assert modules == {f"src/my_own_plugin/{path.name}" for path in [*source.glob("*.py"), Path("py.typed")]}
    assert 'name="my-own"' in "".join(made.values())


@pytest.mark.parametrize(
    "name", ["", "a", "Web", "web--check", "-web", "web-", "1web", "web_check", "../web"]
)
def test_a_name_that_no_host_takes_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The error repeats the name and says which names work; nothing is made."""
    assert main(["new", "--into", str(tmp_path / "x"), "--", name]) == 3
    assert f"{name!r} cannot be a plugin's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--capabilities", "network,files"], "--capabilities files: use some of network, fs, env, exec"),
        (["--capabilities", "network:example.com"], "which hosts, paths or programs it may reach stands in"),
        (["--capabilities", "fs", "--from-example", "tcp"], "leave out --capabilities"),
        (["--from-example", "ftp"], "'ftp' is not one of"),
        (["--keep", "--force"], "leave out one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_made_says_what_can(
    arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """And nothing is made."""
    assert main(["new", "web", "--into", str(tmp_path / "web"), *arguments]) == 3
    assert text in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file in the way of the folder is a usage error."""
    (tmp_path / "file").write_text("mine")
    assert main(["new", "web", "--into", str(tmp_path / "file" / "web")]) == 3
    assert "choose another place with --into" in capsys.readouterr().err


def test_a_project_is_made_beside_what_is_there(tmp_path: Path):
    """In the working directory, with its name."""
    folder = tmp_path / "web-check"
    folder.mkdir()
    (folder / "keep").write_text("mine")
    assert run_in(folder, "reglet.cli", "new", ".").stderr.startswith("made web-check\n")
    assert files_of(folder).keys() == FILES | {"keep"}
    assert (folder / "keep").read_text() == "mine"
    assert run_in(folder, "reglet.cli", "new", ".").returncode == 0  # the same files once more lose nothing


def test_nothing_is_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What would be lost is listed and nothing is written; --keep and --force say what they did to it."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_plugin.py").write_text("mine too")
    before = files_of(tmp_path)
    new = ["new", "web-check", "--into", str(tmp_path)]
    assert main(new) == 3
    assert "would be lost: README.md, tests/test_plugin.py; nothing was written" in capsys.readouterr().err
    assert files_of(tmp_path) == before
    assert main([*new, "--keep"]) == 0
    assert "kept README.md\nkept tests/test_plugin.py" in capsys.readouterr().err
    assert files_of(tmp_path).items() >= before.items()
    assert files_of(tmp_path).keys() == FILES
    assert main([*new, "--force"]) == 0
    assert "replaced README.md" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text().startswith("# web-check")


def test_a_changed_type_is_noticed_in_the_readme(tmp_path: Path):
    """The project's test fails until `docs --into` has written its tables anew."""
    assert main(["new", "web-check", "--into", str(tmp_path)]) == 0
    module = tmp_path / "src" / "web_check_plugin" / "plugin.py"
    module.write_text(module.read_text().replace("URL to request", "The page to ask for"))
    test = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/test_readme.py")
    failed = run_in(tmp_path, *test)
    assert failed.returncode == 1
    assert "write it anew with: reglet-plugin docs --into README.md" in failed.stdout
    assert "+| `url` | string | yes |  | The page to ask for |" in failed.stdout
    assert run_in(tmp_path, "reglet.cli", "docs", "--into", "README.md").returncode == 0
    assert run_in(tmp_path, *test).returncode == 0
