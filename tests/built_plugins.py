"""What takes long to make is made once a run, whatever number of workers runs the tests."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

from reglet.infrastructure.build.build import BuildReport, build_plugin
from tests.interop.go_host import GoHost, build_go_host

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "cache"
T = TypeVar("T")

BuildExample = Callable[[str], BuildReport]
BuildSource = Callable[[str], Path]


class Shared:
    """A folder that all workers of a run share, and values that the first who asks makes."""

    def __init__(self, folder: Path) -> None:
        """Share what is in `folder`."""
        self.folder = folder

    def once(self, name: str, make: Callable[[Path], T]) -> T:
        """Return what `make` returned for a folder of its own, whichever worker called it."""
        folder = self.folder / name
        value = folder.with_suffix(".pickle")
        with FileLock(folder.with_suffix(".lock")):
            if not value.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                made = make(folder)
                value.write_bytes(pickle.dumps(made))
            loaded: T = pickle.loads(value.read_bytes())
            return loaded


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Return what this run's workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return Shared(folder)


@pytest.fixture(scope="session", autouse=True)
def _own_cache() -> None:
    """Keep what is compiled for the tests in this project, from run to run."""
    os.environ["REGLET_CACHE_DIR"] = str(CACHE)


@pytest.fixture(scope="session")
def built_example(shared: Shared) -> BuildExample:
    """Return a function that builds an example by its folder's name; each is built once."""

    @cache
    def build(name: str) -> BuildReport:
        return shared.once(
            f"example-{name}", lambda folder: build_plugin(ROOT / "examples" / name, folder / f"{name}.wasm")
        )

    return build


@pytest.fixture(scope="session")
def built_source(shared: Shared) -> BuildSource:
    """Return a function that builds a plugin from the text of its one file; each text is built once."""

    @cache
    def build(source: str) -> Path:
        def make(folder: Path) -> Path:
            (folder / "plugin.py").write_text(source)
            return build_plugin(folder / "plugin.py", folder / "plugin.wasm").path

        return shared.once(f"source-{hashlib.sha256(source.encode()).hexdigest()[:16]}", make)

    return build


@pytest.fixture(scope="session")
def go_host(shared: Shared) -> GoHost:
    """Return the Go host, built once; without a Go toolchain the test is skipped."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go toolchain is not installed")
    return shared.once("go-host", lambda folder: build_go_host(folder, go))


@pytest.fixture
def go_module(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a plugin that the Go toolchain made, built once; without the toolchain the test is skipped."""
    return _built_with_go(shared, "go_plugin", monkeypatch)


@pytest.fixture
def older_go_module(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a plugin of the older app that the Go toolchain made, built once; without it, skip."""
    return _built_with_go(shared, "go_older_plugin", monkeypatch)


def _built_with_go(shared: Shared, folder_of_source: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its code has a cache of its own: the small modules of other tests would soon push it out of theirs."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(CACHE / "go"))
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go toolchain is not installed")

    def build(folder: Path) -> Path:
        subprocess.run(
            [go, "build", "-trimpath", "-buildmode=c-shared", "-o", str(folder / "plugin.wasm"), "."],
            cwd=Path(__file__).parent / "host" / folder_of_source,
            env={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-mod=mod"},
            check=True,
        )
        return folder / "plugin.wasm"

    return shared.once(folder_of_source, build)
