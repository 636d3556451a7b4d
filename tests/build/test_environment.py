"""Where packages come from."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from reglet.infrastructure.build.errors import BuildError
from reglet.infrastructure.build.sources import package_folders


def test_this_interpreters_packages_without_its_standard_library() -> None:
    """Site packages are there; the standard library is the guest's own."""
    folders = package_folders(None)

    assert Path(sysconfig.get_paths()["purelib"]).resolve() in folders
    assert Path(sysconfig.get_paths()["stdlib"]).resolve() not in folders


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
    with pytest.raises(BuildError, match=r"absent cannot be run: No such file or directory$"):
        package_folders(tmp_path / "absent")
    for program in ("false", "echo"):
        found = shutil.which(program)
        assert found is not None
        with pytest.raises(BuildError, match=f"{program} is no Python: asked for its packages, it does not"):
            package_folders(Path(found))
