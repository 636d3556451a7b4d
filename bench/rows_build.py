"""A build.

A whole build, as a process, against a bare componentize-py of the same plugin, which makes a component
that the Go hosts do not load.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.harness import Row, Unavailable

_PLUGIN = Path(__file__).with_name("echo_plugin.py")
_WIT = """\
package reglet:bench;

world echo {
  export observe: func(config: list<u8>) -> list<u8>;
}
"""
_APP = """\
import echo_plugin
from reglet.infrastructure.guest.exports import Exports

exports = Exports(echo_plugin.plugin, None)


class WitWorld:
    def observe(self, config: bytes) -> bytes:
        return exports.observe(config)
"""
_COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"


def rows() -> Iterator[Row]:
    """Return the row; it needs componentize-py."""
    if importlib.util.find_spec("componentize_py") is None:
        raise Unavailable("componentize-py is not installed")
    folder = Path(tempfile.mkdtemp(prefix="reglet-bench-"))
    (folder / "reglet-bench.wit").write_text(_WIT)
    (folder / "app.py").write_text(_APP)
    yield Row(
        "build of a small plugin, caches warm, whole process",
        _timed([sys.executable, "-m", "reglet.cli", "build", str(_PLUGIN), "-o", str(folder / "echo.wasm")]),
        "componentize-py",
        _timed(_componentize(folder)),
        goal=0.1,
        runs=3,
    )


def _componentize(folder: Path) -> list[str]:
    paths = [folder, _PLUGIN.parent, *(Path(path) for path in sys.path if path.endswith("site-packages"))]
    paths.append(Path(__file__).parents[1] / "src")
    options = [argument for path in paths for argument in ("-p", str(path))]
    world = ["-d", str(folder / "reglet-bench.wit"), "-w", "echo"]
    return [
        sys.executable,
        "-c",
        _COMPONENTIZE,
        *world,
        "componentize",
        *options,
        "app",
        "-o",
        str(folder / "c.wasm"),
    ]


def _timed(command: list[str]) -> Callable[[], float]:
    def measure() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start

    return measure
