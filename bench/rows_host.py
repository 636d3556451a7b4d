"""The sandbox.

A built plugin in our own host, against bare wasmtime with nothing around it and against the same plugin
in this process. A fresh guest is the runtime's compiled code, shared by all plugins, over the plugin's
own memory, which the engine maps copy-on-write. A host call is the difference of a check with a hundred
and one with none. An overshoot is how long a hostile load goes on beside the limit that stops it.
"""

from __future__ import annotations

import atexit
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import Row, Unavailable, seconds_per_call
from bench.host_plugin import plugin
from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.domain.errors import RegletError
from reglet.infrastructure.guest.exports import Exports
from reglet.infrastructure.wasm.snapshot import HOST_MODULE

if TYPE_CHECKING:
    from reglet.sandbox import Module

_CHECKS = 32
_CALLS = 100
_MANY = 1_000


class _Answering:
    """Host functions that answer at once, so that only the way there and back is measured."""

    def call(self, _name: str, _request: bytes) -> bytes:
        """Answer."""
        return b'{"status_code":200,"proto":"HTTP/1.1","body":"aGVsbG8="}'


def _built(name: str) -> Path:
    try:
        from reglet.infrastructure.build.build import build_plugin

        folder = tempfile.TemporaryDirectory(prefix="reglet-bench-")
        atexit.register(folder.cleanup)
        source = Path(__file__).with_name(name)
        return build_plugin(str(source), Path(folder.name) / "plugin.wasm").path
    except (ImportError, RegletError) as missing:
        raise Unavailable(str(missing)) from missing


def rows() -> Iterator[Row]:
    """Return the rows."""
    module = _built("host_plugin.py")
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

    def many(processes: int) -> Callable[[], float]:
        def measure() -> float:
            configs = [{"calls": 0}] * _MANY
            outcomes = sandbox.check_many(module, configs, processes=processes)
            for _ in islice(outcomes, _MANY // 4):  # while processes start and load the module
                pass
            started = time.perf_counter()
            rest = sum(1 for _ in outcomes)
            return (time.perf_counter() - started) / rest

        return measure

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
        goal=0.6,
        runs=7,
    )
    yield Row(
        "sandbox: one check of many, on 2 processes",
        many(2),
        "on 1 process",
        many(1),
        goal=1 / 1.8,
        runs=5,
    )
    yield Row(
        "sandbox: one host call and its answer",
        host_call(kept),
        "the same call in this process",
        host_call(in_process),
        goal=3,
    )
    for name, code in _HOSTILE.items():
        yield Row(
            f"sandbox: overshoot, {name}",
            partial(_seconds_until_stopped, code),
            "the limit of time",
            lambda: _LIMIT,
            goal=(_LIMIT + 0.1) / _LIMIT,
            runs=3,
        )


_LIMIT = 0.5
_HOSTILE = {
    "a loop": "while True: pass",
    "a sum": "sum(range(10**12))",
    "a sort": "while True: sorted(range(10**6, 0, -1), key=lambda n: -n)",
    "a sleep": "import time; time.sleep(3600)",
    "a pattern that backtracks": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "a power": "10 ** 10 ** 8",
    "growing memory": "kept = []\nwhile True: kept.append(bytearray(10**5)); kept = kept[-100:]",
    "lists a million deep": "while True:\n  deep = []\n  for _ in range(10**6): deep = [deep]",
    "filling memory": "while True: bytearray(50 * 10**6)",
    "recursion": "def again(): again()\nwhile True:\n  try: again()\n  except RecursionError: pass",
    "printing": "while True: print('x' * 10**5)",
    "random numbers": "import os\nwhile True: os.urandom(10**6)",
    "listing 60,000 files": "import os\nwhile True: os.listdir('many')",
    "reading": "f = open('large', 'rb', 0)\nwhile True: f.seek(0); f.read()",
    "writing": "f = open('written', 'wb', 0)\nwhile True: f.seek(0); f.write(bytes(10**6))",
    "paths of a thousand parts": "import os\nwhile True: os.path.exists('many/../' * 500)",
}
"""What a plugin does, by what it is called in the table; a limit ends each."""


@cache
def _hostile() -> Module:
    from reglet.sandbox import Limits, Sandbox

    folder = tempfile.TemporaryDirectory(prefix="reglet-bench-")
    atexit.register(folder.cleanup)
    root = Path(folder.name).resolve()
    (root / "many").mkdir()
    for number in range(60_000):
        (root / f"many/{number}").touch()
    (root / "large").write_bytes(bytes(100_000_000))
    everything = FileSystemRule(read=[f"{root}/**"], write=[f"{root}/**"])
    sandbox = Sandbox(
        grants=GrantSet(fs=FileSystemCapability([everything])),
        limits=Limits(wall_time=timedelta(seconds=_LIMIT), written_bytes=1 << 40),
        directory=root,
    )
    atexit.register(sandbox.close)
    return sandbox.load(_built("hostile_plugin.py"))


def _seconds_until_stopped(code: str) -> float:
    from reglet.sandbox import SandboxError

    started = time.perf_counter()
    with contextlib.suppress(SandboxError):
        _hostile().check({"code": code})
    return time.perf_counter() - started


def _answer(answer: int | None, _request: int) -> int | None:
    return answer


class _Bare:
    """A module on wasmtime with nothing of ours around it; host functions answer nothing."""

    def __init__(self, module: bytes) -> None:
        import wasmtime

        from reglet.infrastructure.engine import compiled, engine

        self._engine = engine()
        self._module = compiled(module, kept="compiled")
        self._linker = wasmtime.Linker(self._engine)
        self._linker.define_wasi()
        self._linker.allow_shadowing = True
        for each in self._module.imports:
            kind = each.type
            if each.module == HOST_MODULE and isinstance(kind, wasmtime.FuncType):
                answer = 0 if kind.results else None
                self._linker.define_func(HOST_MODULE, each.name or "", kind, partial(_answer, answer))
        self._store, self._exports = self._start()
        self.warm()

    def _start(self) -> tuple[Any, Any]:
        import wasmtime

        store = wasmtime.Store(self._engine)
        store.set_epoch_deadline(1 << 40)
        store.set_wasi(wasmtime.WasiConfig())
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
