"""The sandbox against bare wasmtime and against the same plugin in this process."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.harness import Row, Unavailable, seconds_per_call
from bench.host_plugin import plugin
from reglet.domain.errors import RegletError
from reglet.infrastructure.guest.exports import Exports

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


def rows() -> Iterator[Row]:
    """Return the rows."""
    module = _built()
    from reglet.sandbox import Sandbox

    sandbox = Sandbox(functions=_Answering())
    atexit.register(sandbox.close)
    loaded = sandbox.load(module)
    native = Exports(plugin, _Answering())
    bare = _Bare(module.read_bytes())

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

    yield Row(
        "sandbox: fresh guest and one check",
        seconds_per_call(fresh, 10),
        "bare wasmtime, the module compiled whole",
        seconds_per_call(bare.fresh, 10),
        goal=1.6,
    )
    yield Row(
        "sandbox: one check, the guest kept",
        seconds_per_call(kept(0), 50),
        "bare wasmtime, a call of a guest that was called before",
        seconds_per_call(bare.warm, 50),
        goal=2,
    )
    yield Row(
        f"sandbox: {_CHECKS} fresh checks on 8 threads",
        seconds_per_call(threads(8), 1),
        "on 1 thread",
        seconds_per_call(threads(1), 1),
        runs=7,
    )
    yield Row(
        "sandbox: one host call and its answer",
        host_call(kept),
        "the same call in this process",
        host_call(in_process),
        goal=3,
    )


class _Bare:
    """A module on wasmtime without anything of ours around it; what it imports answers nothing."""

    def __init__(self, module: bytes) -> None:
        import wasmtime

        from reglet.infrastructure.engine import compiled, engine

        self._engine = engine()
        self._module = compiled(module, kept="compiled")
        self._linker = wasmtime.Linker(self._engine)
        self._linker.allow_shadowing = True
        for each in self._module.imports:
            kind = each.type
            assert isinstance(kind, wasmtime.FuncType)
            answer = 0 if kind.results else None
            self._linker.define_func(each.module, each.name or "", kind, lambda *_, _answer=answer: _answer)
        self._store, self._exports = self._start()
        self.warm()

    def _start(self) -> tuple[Any, Any]:
        import wasmtime

        store = wasmtime.Store(self._engine)
        store.set_epoch_deadline(1 << 40)
        return store, self._linker.instantiate(store, self._module).exports(store)

    def _call(self, store: Any, exports: Any) -> bytes:
        config = b'{"calls": 0}'
        memory = exports["memory"]
        address = exports["allocate"](store, len(config)) & 0xFFFFFFFF
        memory.write(store, config, address)
        packed = exports["_observe"](store, address, len(config))
        address, size = packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF
        answer = bytes(memory.read(store, address, address + size))
        exports["deallocate"](store, address, size)
        return answer

    def warm(self) -> bytes:
        """Call the guest that is kept."""
        return self._call(self._store, self._exports)

    def fresh(self) -> bytes:
        """Instantiate and call."""
        store, exports = self._start()
        answer = self._call(store, exports)
        store.close()
        return answer
