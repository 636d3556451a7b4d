"""On wazero, as the Go hosts run plugins.

The same plugin in Python and in Go, built, on the same wazero: a fresh instance and one call as the
Reglet app makes it for each check, a further call of that instance, and compiling with nothing cached.
The peer of the goals is made with the Go SDK from `bench/go_sdk_echo`, and named by
`REGLET_BENCH_GO_PLUGIN=FILE.wasm`. Without it the peer is `bench/go_echo`, written by hand over the ABI
without an SDK, and there is no goal.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.harness import Row, Unavailable

_HERE = Path(__file__).parent
_HOST = _HERE.parent / "tests" / "interop" / "host"
_SMALL = {"url": "https://example.com", "expected_status": 204, "headers": {"Accept": "*/*"}}
_LARGE = {**_SMALL, "body": "x" * 80_000, "headers": {f"X-Header-{n}": "v" * 80 for n in range(200)}}


def rows() -> Iterator[Row]:
    """Return the rows; they need a Go toolchain."""
    go = shutil.which("go")
    if go is None:
        raise Unavailable("Go is not installed")
    folder = Path(tempfile.mkdtemp(prefix="reglet-bench-"))
    peer = _peer(go, folder)
    ours, run = _build_ours(folder), _Host(_build_host(go, folder), folder).run
    yield _row("wazero: fresh instance and one call", run, ours, peer, "fresh_ms", ["-count=30"], 0.2)
    yield _row("wazero: warm call", run, ours, peer, "warm_ms", ["-warm=300"], 0.35)
    yield _row("wazero: warm call, 100 KB config", run, ours, peer, "warm_ms", ["-warm=50"], 0.5, _LARGE)
    yield _row("wazero: compile, nothing cached", run, ours, peer, "compile_ms", ["-cache="], 0.7, runs=3)


class _Peer(NamedTuple):
    """A plugin in Go, and whether the goals are for it."""

    name: str
    path: Path
    has_goals: bool


def _row(
    name: str,
    run: Callable[..., float],
    ours: Path,
    peer: _Peer,
    figure: str,
    options: list[str],
    goal: float,
    config: dict[str, Any] = _SMALL,
    runs: int = 7,
) -> Row:
    return Row(
        name,
        lambda: run(ours, figure, options, config),
        peer.name,
        lambda: run(peer.path, figure, options, config),
        goal=goal if peer.has_goals else None,
        runs=runs,
    )


class _Host:
    """The Go host as a command that reports times."""

    def __init__(self, command: Path, folder: Path) -> None:
        self._command = command
        self._folder = folder

    def run(self, plugin: Path, figure: str, options: list[str], config: dict[str, Any]) -> float:
        """Run a plugin and return the median of a figure of the report, in seconds."""
        kept = [f"-cache={self._folder / 'compiled'}", f"-config={json.dumps(config)}"]
        command = [str(self._command), *kept, *options, str(plugin)]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        report = json.loads(done.stdout)
        answer = report["answers"][0]
        if answer["status"] != "success":
            raise RuntimeError(f"{plugin} answered {answer}")
        figures = report[figure]
        return float(statistics.median(figures) if isinstance(figures, list) else figures) / 1000


def _build_ours(folder: Path) -> Path:
    from reglet.infrastructure.build.build import build_plugin

    return build_plugin(_HERE / "echo_plugin.py", folder / "ours.wasm").path


def _peer(go: str, folder: Path) -> _Peer:
    made_with_sdk = os.environ.get("REGLET_BENCH_GO_PLUGIN")
    if made_with_sdk:
        return _Peer("Go SDK", Path(made_with_sdk), has_goals=True)
    return _Peer("Go by hand", _build_by_hand(go, folder), has_goals=False)


def _build_by_hand(go: str, folder: Path) -> Path:
    target = folder / "theirs.wasm"
    environment = {**os.environ, "GOOS": "wasip1", "GOARCH": "wasm"}
    command = [go, "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", str(target), "."]
    subprocess.run(command, cwd=_HERE / "go_echo", env=environment, check=True)
    return target


def _build_host(go: str, folder: Path) -> Path:
    command = folder / "host"
    subprocess.run([go, "build", "-o", str(command), "."], cwd=_HOST, check=True)
    return command
