"""The Python environment whose packages a plugin may import."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from reglet.infrastructure.build.errors import BuildError

_ASK = "import json, sys, sysconfig; print(json.dumps([sys.path, sysconfig.get_paths()['stdlib']]))"
_MOST_SECONDS = 30


def package_folders(python: Path | None) -> tuple[Path, ...]:
    """Return the folders that an interpreter imports packages from, without its standard library.

    Args:
        python: the interpreter; None for the one that runs this.

    Raises:
        BuildError: it cannot be run, or does not answer as Python does.
    """
    if python is None:
        return _packages(sys.path, sysconfig.get_paths()["stdlib"])
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreter that the person named
            [str(python), "-c", _ASK], capture_output=True, check=True, text=True, timeout=_MOST_SECONDS
        )
        path, standard_library = json.loads(answer.stdout)
    except OSError as problem:
        raise BuildError(f"{python} cannot be run: {problem.strerror or problem}") from problem
    except subprocess.TimeoutExpired as problem:
        raise BuildError(f"{python} did not name its packages within {_MOST_SECONDS} seconds") from problem
    except (subprocess.SubprocessError, ValueError) as problem:
        raise BuildError(f"{python} is no Python: asked for its packages, it does not answer") from problem
    return _packages(path, standard_library)


def _packages(path: list[str], standard_library: str) -> tuple[Path, ...]:
    folders = dict.fromkeys(Path(each).resolve() for each in path if each)
    own = _folder_of_script()
    return tuple(
        each
        for each in folders
        if each.is_dir() and each != own and not _is_standard(each, Path(standard_library))
    )


def _folder_of_script() -> Path | None:
    """Return where the running script lies: Python puts this first in its path, commands and no packages."""
    script = Path(sys.argv[0])
    return script.resolve().parent if script.is_file() else None


def _is_standard(folder: Path, standard_library: Path) -> bool:
    own = standard_library.resolve()
    return folder == own or folder == own / "lib-dynload"
