"""A guest of the runtime under the deterministic system, as a build uses it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Self

import wasmtime

from reglet.infrastructure.build.errors import BuildError
from reglet.infrastructure.build.heap import zero_free_memory
from reglet.infrastructure.engine import engine
from reglet.infrastructure.wasi import (
    MODULE,
    HashedRandom,
    LinearMemory,
    ReadOnlyTree,
    SteppingClock,
    System,
    functions,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from reglet.infrastructure.build.loaded_runtime import LoadedRuntime
    from reglet.infrastructure.wasi import Directory

PAGE_SIZE = 65536
_MOST_MEMORY = 4096 * PAGE_SIZE
"""As in production: what needs more to be imported could not run there."""
_EPOCHS = 16
"""Epochs that a guest lives through: others share the engine, and Ctrl-C moves on until it stops."""
_CLOCK_START = 1_600_000_000_000_000_000
_SEED = b"reglet"
_ENVIRONMENT = {
    "PYTHONHOME": "/python",
    "PYTHONPATH": "/python:/sdk",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
}


class GuestError(BuildError):
    """The guest failed in a way that no plugin should be able to cause."""


class GuestStoppedError(BuildError):
    """The guest ended in the middle of its work.

    Attributes:
        output: what it had written.
    """

    def __init__(self, why: str, output: str) -> None:
        super().__init__(why)
        self.output = output


class Guest:
    """A running interpreter. It is a context manager; nothing of it may be used afterwards.

    Args:
        runtime: the runtime.
        folders: what is seen where, by absolute guest path.
        image: a memory to go on from; None starts the interpreter.
        environment: further variables of the interpreter.
    """

    def __init__(
        self,
        runtime: LoadedRuntime,
        folders: Mapping[str, Directory],
        image: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._product = runtime.product
        self._written: list[bytes] = []
        self.refused_calls: list[str] = []
        self.clock = SteppingClock(_CLOCK_START)
        self.random = HashedRandom(_SEED)
        self._system = System(
            clock=self.clock,
            random=self.random,
            preopens=[(path, ReadOnlyTree(folder)) for path, folder in folders.items()],
            environment=_ENVIRONMENT | dict(environment or {}),
            stdout=self._written.append,
            stderr=self._written.append,
        )
        self._store = wasmtime.Store(engine())
        try:
            self._start(runtime.code, image)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the guest."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the guest's memory and files."""
        self.close()

    def close(self) -> None:
        """Let go of the guest's memory and files."""
        self._system.close()
        self._store.close()

    def run(self, source: str) -> bytes:
        """Run Python source as `__main__`; return what was written to both output streams.

        Raises:
            GuestError: the source raised; the text has its traceback.
            GuestStoppedError: the guest trapped or ended the program.
        """
        content = source.encode() + b"\0"
        self._written.clear()
        address = self._call("allocate", len(content))
        self._system.memory.write(address, content)
        failed = self._call("_run", address)
        self._call("deallocate", address, len(content))
        output = b"".join(self._written)
        if failed:
            raise GuestError(f"the guest raised:\n{output.decode(errors='replace')}")
        return output

    def open_files(self) -> list[str]:
        """Return the paths of the files that were left open."""
        return [each.guest_path for each in self._system.descriptors.opened_by_guest()]

    def image(self, host_functions: int = 0) -> bytes:
        """Return the memory without what belongs to this process. The guest must not be run afterwards.

        Args:
            host_functions: the mask of those that the plugin may call.
        """
        self._call("_declare_host_functions", host_functions)
        self._call("_forget_process_state")
        memory = bytearray(self._system.memory.read(0, self._memory.data_len(self._store)))
        zero_free_memory(memory, self._product.module.heap_base, self._product.module.stack_size)
        return bytes(memory)

    def _start(self, module: wasmtime.Module, image: bytes | None) -> None:
        self._store.set_epoch_deadline(_EPOCHS)
        self._store.set_limits(memory_size=_MOST_MEMORY)
        linker = self._linker(module)
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self._memory = memory
        if image is not None:
            memory.grow(self._store, len(image) // PAGE_SIZE - memory.size(self._store))
        base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._system.attach(LinearMemory(base, lambda: memory.data_len(self._store)))
        if image is not None:
            self._system.memory.write(0, image)
            return
        for constructor in self._product.module.constructors:
            self._call(constructor)
        self._call("_python_initialize")

    def _linker(self, module: wasmtime.Module) -> wasmtime.Linker:
        linker = wasmtime.Linker(engine())
        table = functions(self._system)
        for each in module.imports:
            assert isinstance(each.type, wasmtime.FuncType)
            if each.module == MODULE:
                function = table.get(each.name or "", unknown)
            else:
                function = self._refusal(each.name or "", answers=bool(each.type.results))
            linker.define_func(each.module, each.name or "", each.type, function)
        return linker

    def _refusal(self, name: str, *, answers: bool) -> Callable[[int], int | None]:
        def refuse(_request: int) -> int | None:
            self.refused_calls.append(name)
            return 0 if answers else None

        return refuse

    def _call(self, name: str, *arguments: int) -> int:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        try:
            answer = function(self._store, *arguments)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as problem:
            raise self._stopped(problem) from problem
        if self._system.failure is not None:
            raise GuestError(
                f"a file could not be shown to the guest: {self._system.failure}"
            ) from self._system.failure
        return answer if isinstance(answer, int) else 0

    def _stopped(self, problem: Exception) -> GuestStoppedError:
        why = "it ends the program"
        if self._system.exit_status is None:
            why = f"the interpreter crashed: {str(problem).strip().splitlines()[-1].strip()}"
        return GuestStoppedError(why, b"".join(self._written).decode(errors="replace"))
