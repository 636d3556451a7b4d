"""Whole processes.

The second `reglet-plugin run` of a plugin finds its code compiled. The peer is a process that does no
more than import wasmtime, load that code and call it once. The memory is the most that a process held,
after its later checks against after its first ones.
"""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Row, Unavailable
from reglet.domain.errors import RegletError

_PLUGIN = Path(__file__).with_name("echo_plugin.py")
_CONFIG = '{"url": "https://example.com/", "headers": {"Accept": "*/*"}}'
_FIRST, _ALL = 1_000, 10_000

_BARE = """
import sys, wasmtime
compiled, config = sys.argv[1], sys.argv[2].encode()
settings = wasmtime.Config()
settings.cranelift_nan_canonicalization = True
engine = wasmtime.Engine(settings)
module = wasmtime.Module.deserialize_file(engine, compiled)
linker = wasmtime.Linker(engine)
linker.define_wasi()
linker.allow_shadowing = True
for each in module.imports:
    if each.module == "reglet_host":
        linker.define_func(each.module, each.name, each.type, lambda request: None)
store = wasmtime.Store(engine)
store.set_wasi(wasmtime.WasiConfig())
exports = linker.instantiate(store, module).exports(store)
address = exports["allocate"](store, len(config))
exports["memory"].write(store, config, address)
packed = exports["_observe"](store, address, len(config))
answer, size = packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF
if b'"success"' not in exports["memory"].read(store, answer, answer + size):
    sys.exit("the check failed")
"""

_MEMORY = """
import resource, sys
from pathlib import Path
from reglet.sandbox import Sandbox
plugin, config, fresh, first, all = sys.argv[1:]
loaded = Sandbox().load(Path(plugin))
for done in range(1, int(all) + 1):
    loaded.check(config.encode(), fresh=fresh == "fresh")
    if done in (int(first), int(all)):
        if sys.platform == "linux":  # where ru_maxrss begins with what the process had that started this one
            print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
        else:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Prints the most memory that it had, twice: in KB, or in bytes on macOS."""


def rows() -> Iterator[Row]:
    """Yield the rows; they need the runtime, and POSIX for the memory."""
    try:
        import wasmtime

        from reglet.infrastructure.build.build import build_plugin

        folder = tempfile.TemporaryDirectory(prefix="reglet-bench-")
        atexit.register(folder.cleanup)
        plugin = build_plugin(_PLUGIN, Path(folder.name) / "echo.wasm").path
    except (ImportError, RegletError) as missing:
        raise Unavailable(str(missing)) from missing
    settings = wasmtime.Config()
    settings.cranelift_nan_canonicalization = True
    compiled = Path(folder.name) / "echo.cwasm"
    compiled.write_bytes(wasmtime.Module(wasmtime.Engine(settings), plugin.read_bytes()).serialize())
    yield Row(
        "the second `reglet-plugin run`, whole process",
        functools.partial(_seconds, "-m", "reglet.cli", "run", str(plugin), "--config", _CONFIG),
        "a process that imports wasmtime and calls",
        functools.partial(_seconds, "-c", _BARE, str(compiled), _CONFIG),
        goal=1.5,
        runs=9,
    )
    if sys.platform == "win32":
        return
    for way, text in (("fresh", "each in a fresh guest"), ("kept", "in one guest")):
        yield _memory_row(f"memory after {_ALL:,} checks, {text}", plugin, way)


def _memory_row(name: str, plugin: Path, way: str) -> Row:
    measured = functools.cache(lambda: _memory(plugin, way))
    return Row(
        name,
        lambda: measured()[1],
        f"after {_FIRST:,}",
        lambda: measured()[0],
        goal=1.05,
        runs=1,
        shown=lambda size: f"{size / 1e6:.1f} MB",
    )


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def _memory(plugin: Path, way: str) -> tuple[float, float]:
    """Return the bytes that a process had at most, after its first checks and after all."""
    command = [sys.executable, "-c", _MEMORY, str(plugin), _CONFIG, way, str(_FIRST), str(_ALL)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    unit = 1 if sys.platform == "darwin" else 1024
    first, last = (int(each) * unit for each in done.stdout.split())
    return float(first), float(last)
