"""The runtime and a plugin on it, made once a run."""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reglet.infrastructure import STANDARD_LIBRARY_ROOT
from reglet.infrastructure.build.runtime import Guest, Runtime
from reglet.infrastructure.runtime import RuntimeProduct, load_product
from reglet.infrastructure.wasi.tree import MemoryFile, directory_of
from reglet.infrastructure.wasm.snapshot import without_functions, without_host_functions, write_snapshot
from tests.built_plugins import Shared
from tests.tools.runtime.guest_of_echo import SOURCE
from tests.tools.runtime.wasm_host import WasmHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def product() -> RuntimeProduct:
    """The runtime of this tree."""
    return load_product()


@pytest.fixture(scope="session")
def standard_library(product: RuntimeProduct) -> dict[str, bytes]:
    """The compiled standard library, by path below its directory."""
    with zipfile.ZipFile(product.stdlib) as archive:
        return {name.removeprefix("python/"): archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def snapshot_of(
    product: RuntimeProduct, standard_library: dict[str, bytes], shared: Shared
) -> Callable[..., bytes]:
    """Make a plugin module, as a build does, of what some source leaves in memory; each is made once.

    What follows the source are the host functions that it leaves out.
    """

    def make(source: str, *left_out: str) -> bytes:
        name = "-".join((hashlib.sha256(source.encode()).hexdigest()[:16], *left_out))
        return shared.once(f"snapshot-{name}", lambda _: snapshot(source, left_out))

    def snapshot(source: str, left_out: tuple[str, ...]) -> bytes:
        runtime = product.module
        usable = [slot.bit for name, slot in runtime.host_functions.items() if name not in left_out]
        folder = directory_of({name: MemoryFile(data) for name, data in standard_library.items()})
        with Guest(Runtime.of(runtime, product.key), {STANDARD_LIBRARY_ROOT: folder}) as guest:
            guest.run(source)
            memory = guest.image(sum(1 << bit for bit in usable))
        code = without_host_functions(runtime.wasm, runtime.host_functions, left_out)
        return write_snapshot(
            without_functions(code, runtime.left_out()), memory, ("memory", *product.plugin_exports)
        )

    return make


@pytest.fixture(scope="session")
def echo_plugin(snapshot_of: Callable[[str], bytes]) -> bytes:
    """A plugin that does what the request asks for."""
    return snapshot_of(SOURCE)


@pytest.fixture(scope="session")
def network_plugin(snapshot_of: Callable[..., bytes]) -> bytes:
    """The same, declared to use DNS, TCP and SMTP only."""
    return snapshot_of(SOURCE, "http_request", "exec_command")


@pytest.fixture
def host(echo_plugin: bytes) -> Iterator[WasmHost]:
    """A fresh instance of it, on a host without host functions."""
    with closing(WasmHost(echo_plugin)) as made:
        yield made
