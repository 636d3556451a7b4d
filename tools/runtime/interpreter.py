"""The runtime's own interpreter, run while the runtime is made: it compiles its standard library."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import wasmtime

from reglet.domain.errors import RegletError
from reglet.infrastructure.engine import compiled, engine
from reglet.infrastructure.wasi import (
    MODULE,
    HashedRandom,
    LinearMemory,
    MemoryFile,
    ReadOnlyTree,
    SteppingClock,
    System,
    directory_of,
    functions,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NEVER = 1 << 62  # epochs
_STARTED = 1_600_000_000_000_000_000  # nanoseconds since 1970: some moment, the same in every make
_ENVIRONMENT = {
    "PYTHONHOME": "/python",
    "PYTHONPATH": "/python",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNODEBUGRANGES": "1",  # no columns in the tables of lines: a tenth of what a plugin weighs
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
}


class InterpreterError(RegletError):
    """Code that the runtime's interpreter ran raised an exception; the message has its traceback."""


class Interpreter:
    """CPython in the linked module, with the standard library at /python, under a deterministic WASI."""

    def __init__(
        self, wasm: bytes, constructors: Sequence[str], standard_library: Mapping[str, bytes]
    ) -> None:
        self._output: list[bytes] = []
        self._errors: list[bytes] = []
        tree = ReadOnlyTree(directory_of({name: MemoryFile(data) for name, data in standard_library.items()}))
        self._system = System(
            clock=SteppingClock(_STARTED),
            random=HashedRandom(b"reglet runtime"),
            preopens=[("python", tree)],
            environment=_ENVIRONMENT,
            stdout=self._output.append,
            stderr=self._errors.append,
        )
        self._store = wasmtime.Store(engine())
        self._store.set_epoch_deadline(_NEVER)
        instance = self._instantiate(compiled(wasm))
        self._exports = instance.exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._memory = LinearMemory(base, lambda: memory.data_len(self._store))
        self._system.attach(self._memory)
        for name in (*constructors, "_python_initialize"):
            self._call(name)

    def run(self, source: str) -> bytes:
        """Run Python source in `__main__`; give what it wrote to descriptor 1.

        Raises:
            InterpreterError: it raised an exception.
        """
        self._output.clear()
        self._errors.clear()
        encoded = source.encode() + b"\0"
        address = self._call("allocate", len(encoded))
        self._memory.write(address, encoded)
        failed = self._call("_run", address)
        self._call("deallocate", address, len(encoded))
        if failed:
            raise InterpreterError(b"".join(self._errors).decode(errors="replace"))
        return b"".join(self._output)

    def close(self) -> None:
        """End the guest."""
        self._system.close()
        self._store.close()

    def _call(self, name: str, *arguments: int) -> int:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        answer = function(self._store, *arguments)
        if self._system.failure is not None:
            raise self._system.failure
        return answer if isinstance(answer, int) else 0

    def _instantiate(self, module: wasmtime.Module) -> wasmtime.Instance:
        linker = wasmtime.Linker(engine())
        wasi = functions(self._system)
        for each in module.imports:
            assert isinstance(each.type, wasmtime.FuncType)
            name = each.name or ""
            answer = wasi.get(name, unknown) if each.module == MODULE else _no_host
            linker.define_func(each.module, name, each.type, answer)
        return linker.instantiate(self._store, module)


def _no_host(_request: int) -> int:
    return 0
