"""The sandbox against the same plugin in this process: fresh guests, a kept one, threads, host calls."""

from __future__ import annotations

import atexit
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from bench.harness import Row, Unavailable, seconds_per_call
from bench.host_plugin import plugin
from reglet.domain.errors import RegletError
from reglet.infrastructure.guest.exports import Exports

_OFTEN = 64
"""How many guests make a module be compiled by itself."""

_CHECKS = 32
_CALLS = 100


class _Answering:
    """Host functions that answer at once, so that only the way there and back is measured."""

    def call(self, _name: str, _request: bytes) -> bytes:
        """Answer."""
        return b'{"status_code":200,"proto":"HTTP/1.1","body":"aGVsbG8="}'


def _built() -> Path:
    try:
        from reglet.infrastructure.build.build import build_plugin

        folder = tempfile.TemporaryDirectory(prefix="reglet-bench-")
        atexit.register(folder.cleanup)
        source = Path(__file__).with_name("host_plugin.py")
        return build_plugin(str(source), Path(folder.name) / "host.wasm").path
    except (ImportError, RegletError) as missing:
        raise Unavailable(str(missing)) from missing


def rows() -> list[Row]:
    """Return the rows."""
    module = _built()
    from reglet.sandbox import Sandbox

    sandbox = Sandbox(functions=_Answering())
    atexit.register(sandbox.close)
    loaded = sandbox.load(module)
    native = Exports(plugin, _Answering())

    def fresh() -> object:
        return loaded.check(b'{"calls": 0}')

    def kept(calls: int) -> Callable[[], object]:
        config = b'{"calls": %d}' % calls
        return lambda: loaded.check(config, fresh=False)

    def in_process(calls: int) -> Callable[[], object]:
        config = b'{"calls": %d}' % calls
        return lambda: native.observe(config)

    def threads(count: int) -> Callable[[], object]:
        pool = ThreadPoolExecutor(count)
        atexit.register(pool.shutdown)
        return lambda: list(pool.map(lambda _: fresh(), range(_CHECKS)))

    def host_call(run: Callable[[int], Callable[[], object]]) -> Callable[[], float]:
        with_calls, without = seconds_per_call(run(_CALLS), 3), seconds_per_call(run(0), 3)
        return lambda: (with_calls() - without()) / _CALLS

    here = "the same check in this process"
    return [
        Row(  # fewer checks than make the plugin be compiled by itself
            "sandbox: fresh guest, laid over the runtime, and one check",
            seconds_per_call(fresh, 8),
            here,
            seconds_per_call(in_process(0), 50),
            runs=5,
        ),
        Row(
            "sandbox: fresh guest, compiled by itself, and one check",
            _once_compiled(fresh, seconds_per_call(fresh, 10)),
            here,
            seconds_per_call(in_process(0), 50),
        ),
        Row(
            "sandbox: one check, the guest kept",
            seconds_per_call(kept(0), 50),
            here,
            seconds_per_call(in_process(0), 50),
        ),
        Row(
            f"sandbox: {_CHECKS} fresh checks on 8 threads",
            seconds_per_call(threads(8), 1),
            "on 1 thread",
            seconds_per_call(threads(1), 1),
            runs=7,
        ),
        Row(
            "sandbox: one host call and its answer",
            host_call(kept),
            "the same call in this process",
            host_call(in_process),
        ),
    ]


def _once_compiled(fresh: Callable[[], object], measure: Callable[[], float]) -> Callable[[], float]:
    """Before the first measure, let the plugin be compiled by itself, and wait for it."""

    @cache
    def compile_it() -> None:
        for _ in range(_OFTEN):
            fresh()
        for thread in threading.enumerate():
            if thread.name == "reglet-compile":
                thread.join()

    def measured() -> float:
        compile_it()
        return measure()

    return measured
