"""Builds the adapter with the pinned `ziglang` from PyPI; the same bytes on every machine."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from reglet.domain.errors import RegletError

FOLDER = Path(__file__).parent
MODULE = FOLDER / "adapter.wasm"

ZIGLANG = "0.17.1"
"""The release of ziglang that the committed module was built with."""

_COMPILE = (
    "cc",
    "-target", "wasm32-freestanding",
    "-mcpu=mvp+bulk_memory+mutable_globals+sign_ext",
    "-std=c2x", "-Os", "-fPIC", "-fvisibility=hidden",
    "-fno-builtin", "-fno-jump-tables",
    "-Wall", "-Wextra", "-Werror",
)  # fmt: skip
_LINK = ("wasm-ld", "--experimental-pic", "-shared", "--strip-debug", "--unresolved-symbols=import-dynamic")


class AdapterBuildError(RegletError):
    """The adapter could not be built."""


def build_adapter() -> bytes:
    """Compile and link the C files; give the shared library.

    Raises:
        AdapterBuildError: ziglang is not installed, or refuses the code; the message has what it printed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise AdapterBuildError(f"ziglang is not installed: pip install ziglang=={ZIGLANG}")
    with tempfile.TemporaryDirectory() as folder:
        objects: list[str] = []
        for source in sorted(FOLDER.glob("*.c")):
            objects.append(f"{source.stem}.o")
            _zig(
                *_COMPILE,
                "-I",
                str(FOLDER),
                "-c",
                source.name,
                "-o",
                str(Path(folder, objects[-1])),
                cwd=FOLDER,
            )
        _zig(*_LINK, *objects, "-o", "adapter.wasm", cwd=Path(folder))
        return Path(folder, "adapter.wasm").read_bytes()


def _zig(*arguments: str, cwd: Path) -> None:
    ran = subprocess.run(  # noqa: S603 - the arguments are written above
        [sys.executable, "-m", "ziglang", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise AdapterBuildError(f"zig {arguments[0]} answered {ran.returncode}:\n{ran.stderr}")
