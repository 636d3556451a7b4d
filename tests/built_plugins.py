"""Plugins built once a run, for every test that needs a real `.wasm`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from reglet.infrastructure.build.build import BuildReport, build_plugin
from tests.interop.go_host import GoHost, build_go_host

ROOT = Path(__file__).parents[1]

BuildExample = Callable[[str], BuildReport]
BuildSource = Callable[[str], Path]


@pytest.fixture(scope="session")
def built_example(tmp_path_factory: pytest.TempPathFactory) -> BuildExample:
    """Return a function that builds an example by its folder's name; each is built once."""
    folder = tmp_path_factory.mktemp("examples")

    @cache
    def build(name: str) -> BuildReport:
        return build_plugin(ROOT / "examples" / name, folder / f"{name}.wasm")

    return build


@pytest.fixture(scope="session")
def built_source(tmp_path_factory: pytest.TempPathFactory) -> BuildSource:
    """Return a function that builds a plugin from the text of its one file; each text is built once."""

    @cache
    def build(source: str) -> Path:
        folder = tmp_path_factory.mktemp("source")
        (folder / "plugin.py").write_text(source)
        return build_plugin(folder / "plugin.py", folder / "plugin.wasm").path

    return build


@pytest.fixture(scope="session")
def go_host(tmp_path_factory: pytest.TempPathFactory) -> GoHost:
    """Return the Go host, built once; without a Go toolchain the test is skipped."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go toolchain is not installed")
    return build_go_host(tmp_path_factory.mktemp("go"), go)


@pytest.fixture(scope="session")
def go_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plugin that the Go toolchain made, built once; without the toolchain the test is skipped."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go toolchain is not installed")
    output = tmp_path_factory.mktemp("go") / "plugin.wasm"
    subprocess.run(
        [go, "build", "-trimpath", "-buildmode=c-shared", "-o", str(output), "."],
        cwd=Path(__file__).parent / "host" / "go_plugin",
        env={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-mod=mod"},
        check=True,
    )
    return output
