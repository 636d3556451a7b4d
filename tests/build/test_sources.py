"""What a build shows to its guest."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path, PureWindowsPath

import pytest

from reglet.infrastructure.build import BuildError
from reglet.infrastructure.build.sources import ImportRoots, SourceDirectory, _packages, package_folders
from reglet.infrastructure.wasi.memory import WasiError
from reglet.infrastructure.wasi.tree import DiskFile, MemoryFile, OpenFlags, ReadOnlyTree


def _compile(path: Path, guest_path: str) -> bytes | None:
    return None if path.name == "broken.py" else f"{guest_path} of {path.parent.name}".encode()


def _roots(*folders: Path) -> ImportRoots:
    return ImportRoots(tuple(SourceDirectory(each, "/plugin", _compile) for each in folders))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Return two folders that share a package, a module and a namespace package."""
    for name in (
        "one/package/__init__.py", "one/module.py", "one/space/a.py",
        "two/package/__init__.py", "two/package/extra.py", "two/module.py", "two/space/b.py", "two/only.py",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "one", tmp_path / "two"


def _read(roots: ImportRoots, path: str) -> str | None:
    try:
        return ReadOnlyTree(roots).open(path, OpenFlags()).read(0, 100).decode()
    except WasiError:
        return None


def test_the_first_folder_that_has_a_package_has_all_of_it(two: tuple[Path, Path]) -> None:
    """A later folder's package of the same name adds nothing, as for Python itself."""
    roots = _roots(*two)

    assert _read(roots, "module.py") == "one/module.py"
    assert _read(roots, "only.py") == "two/only.py"
    assert _read(roots, "package/__init__.py") == "one/package/__init__.py"
    assert _read(roots, "package/extra.py") is None


def test_parts_of_a_namespace_package_are_one(two: tuple[Path, Path]) -> None:
    """Folders without `__init__.py` are merged."""
    roots = _roots(*two)

    assert (_read(roots, "space/a.py"), _read(roots, "space/b.py")) == ("one/space/a.py", "two/space/b.py")
    assert roots.names() == ["module.py", "only.py", "package", "space"]


def test_a_file_or_a_bare_folder_hides_no_package(two: tuple[Path, Path]) -> None:
    """A later folder's package stands behind a command or a folder without `__init__.py` of its name."""
    for name in ("command", "bare"):
        (two[1] / name).mkdir()
        (two[1] / name / "__init__.py").write_text(name)
    (two[0] / "command").write_text("#!")
    (two[0] / "bare").mkdir()

    assert _read(_roots(*two), "command/__init__.py") == "command"
    assert _read(_roots(*two), "bare/__init__.py") == "bare"


def test_compiled_files_are_made_when_asked_for(two: tuple[Path, Path]) -> None:
    """A look-up in `__pycache__` compiles the source that it means, and knows its path in the guest."""
    roots = _roots(*two)

    assert _read(roots, "__pycache__/module.cpython-314.pyc") == "/plugin/module.py of one"
    assert _read(roots, "__pycache__/only.cpython-314.pyc") == "/plugin/only.py of two"
    assert (
        _read(roots, "package/__pycache__/__init__.cpython-314.pyc")
        == "/plugin/package/__init__.py of package"
    )
    assert _read(roots, "space/__pycache__/b.cpython-314.pyc") == "/plugin/space/b.py of space"


@pytest.mark.parametrize(
    "name", ["absent.cpython-314.pyc", "module.cpython-313.pyc", "broken.cpython-314.pyc"]
)
def test_what_cannot_be_compiled_is_not_there(two: tuple[Path, Path], name: str) -> None:
    """Source that is absent, of another version, or wrong has no compiled file."""
    (two[0] / "broken.py").write_text("def")

    assert _read(_roots(*two), f"__pycache__/{name}") is None


def test_a_cache_on_disk_is_not_seen(two: tuple[Path, Path]) -> None:
    """Neither its files nor its name: they are another interpreter's."""
    (two[0] / "__pycache__").mkdir()
    (two[0] / "__pycache__" / "stale.cpython-314.pyc").write_text("stale")
    roots = _roots(*two)

    assert _read(roots, "__pycache__/stale.cpython-314.pyc") is None
    assert "__pycache__" not in roots.names()


def test_a_folder_that_is_empty_or_left_behind_is_not_listed(two: tuple[Path, Path]) -> None:
    """Else a module that was moved would change what is built, for as long as its cache lies there."""
    (two[0] / "moved" / "__pycache__").mkdir(parents=True)
    (two[0] / "empty").mkdir()

    assert {"moved", "empty"}.isdisjoint(_roots(*two).names())


@pytest.mark.parametrize(
    "file", ["fast.so", "fast.cpython-39-darwin.so", "fast.cp312-win_amd64.pyd", "fast.abi3.so"]
)
def test_native_modules_are_marked(tmp_path: Path, file: str) -> None:
    """The finder asks for the mark, whatever platform the library is for."""
    (tmp_path / file).write_bytes(b"")
    folder = SourceDirectory(tmp_path, "/packages", _compile)

    assert isinstance(folder.child("fast.native"), MemoryFile)
    assert folder.child("slow.native") is None


def test_hidden_names_are_not_seen(tmp_path: Path) -> None:
    """What is not shown is neither listed, nor found, nor compiled."""
    (tmp_path / "open.py").write_text("")
    (tmp_path / "secret.py").write_text("")
    folder = SourceDirectory(tmp_path, "/sdk", _compile, shown=lambda path: path.name != "secret.py")

    assert folder.names() == ["open.py"]
    assert (isinstance(folder.child("open.py"), DiskFile), folder.child("secret.py")) == (True, None)
    assert _read(ImportRoots((folder,)), "__pycache__/secret.cpython-314.pyc") is None


class CaselessPath(type(Path())):
    """A path on a disk that knows no case, as those of macOS and Windows."""

    def _there(self) -> Path:
        folder = Path(self.parent)
        names = {each.name.lower(): each for each in folder.iterdir()} if folder.is_dir() else {}
        return names.get(self.name.lower(), Path(self))

    def exists(self, **_: bool) -> bool:
        return self._there().exists()

    def is_file(self, **_: bool) -> bool:
        return self._there().is_file()


def test_a_name_is_spelled_as_on_every_host_where_the_disk_knows_no_case(two: tuple[Path, Path]) -> None:
    """What was built there would lack its files elsewhere."""
    folder = SourceDirectory(CaselessPath(two[0]), "/plugin", _compile)

    assert isinstance(folder.child("module.py"), DiskFile)
    assert CaselessPath(two[0] / "Module.py").is_file()
    assert folder.child("Module.py") is None
    assert folder.child("__pycache__").child("Module.cpython-314.pyc") is None


@pytest.mark.parametrize("name", ["..\\secret", "a\\b.py", "D:", "C:secret", "\\\\server\\share"])
def test_no_name_leads_elsewhere_on_windows(name: str) -> None:
    """A guest parts paths at `/` alone, so there each of these is one name; a pure path asks no disk."""
    assert SourceDirectory(PureWindowsPath("C:/project"), "/plugin", _compile).child(name) is None


def test_a_guest_path_leads_back_to_its_file(two: tuple[Path, Path]) -> None:
    """Messages name files of this machine."""
    roots = _roots(*two)

    assert roots.find(["space", "b.py"]) == two[1] / "space" / "b.py"
    assert roots.find(["only.py", "x"]) is None


def test_this_interpreters_packages_without_its_standard_library() -> None:
    """Site packages are there; the standard library is the guest's own."""
    folders = package_folders(None)

    assert Path(sysconfig.get_paths()["purelib"]).resolve() in folders
    assert Path(sysconfig.get_paths()["stdlib"]).resolve() not in folders


def test_the_installation_itself_is_none_of_packages(tmp_path: Path) -> None:
    """Windows has it in the path, and beside the standard library a folder of its extension modules."""
    for each in ("Lib", "DLLs", "Lib/site-packages"):
        (tmp_path / each).mkdir()
    path = [str(tmp_path / each) for each in ("DLLs", "Lib", "", "Lib/site-packages")]

    assert _packages(path, str(tmp_path / "Lib")) == (tmp_path / "Lib/site-packages",)


def test_another_interpreter_is_asked() -> None:
    """The one that runs this answers, as another would, for itself."""
    asked = package_folders(Path(sys.executable))

    assert Path(sysconfig.get_paths()["purelib"]).resolve() in asked


def test_the_folder_of_the_running_script_is_none_of_packages(tmp_path: Path) -> None:
    """Where commands lie beside each other, one may have the name of a package."""
    script = tmp_path / "command"
    script.write_text(
        "from reglet.infrastructure.build.sources import package_folders\n"
        "print(*package_folders(None), sep='\\n')"
    )
    answer = subprocess.run([sys.executable, script], capture_output=True, check=True, text=True)
    folders = answer.stdout.splitlines()

    assert str(Path(sysconfig.get_paths()["purelib"]).resolve()) in folders
    assert str(tmp_path.resolve()) not in folders


def test_what_is_no_python_is_named(tmp_path: Path) -> None:
    """In one line that names the file, and not what it was asked."""
    reason = ".+" if sys.platform == "win32" else "No such file or directory"
    with pytest.raises(BuildError, match=rf"absent cannot be run: {reason}$"):
        package_folders(tmp_path / "absent")
    for program in ("false", "echo"):
        found = shutil.which(program)
        assert found is not None
        with pytest.raises(BuildError, match=f"{program} is no Python: asked for its packages, it does not"):
            package_folders(Path(found))
