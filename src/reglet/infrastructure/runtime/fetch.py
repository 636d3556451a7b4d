"""Where componentize-py's Linux wheel is taken from: what is installed, or elsewhere what pip fetches."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from reglet.infrastructure.runtime import sources
from reglet.infrastructure.runtime.wheel import WheelError

_REQUIREMENT = f"componentize-py=={sources.COMPONENTIZE_PY}"
_LINUX = "manylinux_2_28_x86_64"


def linux_extension() -> bytes:
    """Give the extension module of componentize-py's Linux wheel.

    Raises:
        WheelError: on Linux, componentize-py is not installed; elsewhere, pip could not fetch it.
    """
    return installed_extension() if sys.platform == "linux" else fetched_extension()


def installed_extension() -> bytes:
    """Read the extension module of the installed componentize-py.

    Raises:
        WheelError: it is not installed.
    """
    try:
        listed = files("componentize-py") or ()
    except PackageNotFoundError:
        raise WheelError(f"componentize-py is not installed: pip install {_REQUIREMENT}") from None
    for each in listed:
        if str(each) == sources.EXTENSION:
            return Path(str(each.locate())).read_bytes()
    raise WheelError(f"the installed componentize-py has no {sources.EXTENSION}; the Linux wheel has")


def fetched_extension() -> bytes:
    """Have pip fetch the Linux wheel; pip keeps it in its cache.

    Raises:
        WheelError: pip could not; the message has what it printed.
    """
    options = (
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        _LINUX,
        "--disable-pip-version-check",
        "--quiet",
    )
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(  # noqa: S603 - the arguments are written above
            [sys.executable, "-m", "pip", "download", *options, "--dest", folder, _REQUIREMENT],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if ran.returncode or not wheels:
            raise WheelError(f"pip could not fetch the Linux wheel of {_REQUIREMENT}: {ran.stderr.strip()}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(sources.EXTENSION)
