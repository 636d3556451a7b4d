"""A guest: an instance of a module, its memory, and the system that it sees."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import wasmtime
from attrs import frozen

from reglet.infrastructure.wasi import WASI_MODULE, LinearMemory, functions, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reglet.infrastructure.wasi import System

HostFunction: TypeAlias = Callable[[wasmtime.Caller, int], "int | None"]
"""Takes a packed request and returns a packed answer, or None where the import has no result."""

FillMemory: TypeAlias = Callable[[wasmtime.Store, wasmtime.Memory], None]
"""Grows and fills the memory of a fresh instance."""


@frozen
class FunctionImport:
    """A function that a module imports."""

    module: str
    name: str
    type: wasmtime.FuncType


def function_imports(module: wasmtime.Module) -> tuple[FunctionImport, ...]:
    """Return the functions that a module imports, each once: Go imports some twice."""
    wanted = {
        (each.module, each.name or ""): each.type
        for each in module.imports
        if isinstance(each.type, wasmtime.FuncType)
    }
    return tuple(FunctionImport(*names, kind) for names, kind in wanted.items())


class GuestSession:
    """One guest, used by one thread at a time.

    Its store is there before its instance: limits and a deadline are set on `store` first.
    """

    def __init__(self, engine: wasmtime.Engine, system: System) -> None:
        self.system = system
        self.store = wasmtime.Store(engine)

    def start(
        self,
        module: wasmtime.Module,
        imports: Sequence[FunctionImport],
        host_function: Callable[[FunctionImport], HostFunction],
        fill: FillMemory | None = None,
    ) -> None:
        """Instantiate a module that exports its memory as `memory`.

        Args:
            module: the compiled code.
            imports: its `function_imports`; an unknown function of preview 1 answers NOSYS.
            host_function: returns what stands for an import that is not one of preview 1.
            fill: gives the memory its contents, before the guest is called.

        Raises:
            wasmtime.WasmtimeError: it cannot be instantiated under the store's limits.
            wasmtime.Trap: its start function ended it.
        """
        linker = wasmtime.Linker(self.store.engine)
        wasi = functions(self.system)
        for each in imports:
            if each.module == WASI_MODULE:
                linker.define_func(each.module, each.name, each.type, wasi.get(each.name, unknown))
            else:
                answer = host_function(each)
                linker.define_func(each.module, each.name, each.type, answer, access_caller=True)
        self._exports = linker.instantiate(self.store, module).exports(self.store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        if fill is not None:
            fill(self.store, memory)
        self.memory = _linear(memory, self.store)
        self.system.attach(self.memory)

    def exports(self, name: str) -> bool:
        """Whether the guest exports something of this name."""
        return name in self._exports

    def function(self, name: str) -> wasmtime.Func:
        """Return an exported function."""
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return function

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function; return its result, 0 where it has none.

        What failed of ours meanwhile is in `system.failure`.

        Raises:
            wasmtime.WasmtimeError: the guest was interrupted.
            wasmtime.Trap: the guest ended.
        """
        return self.function(name)(self.store, *arguments) or 0

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        self.system.close()
        self.store.close()


def _linear(memory: wasmtime.Memory, store: wasmtime.Store) -> LinearMemory:
    """Return a memory as the system sees it, which must not keep the store alive."""
    reference = weakref.ref(store)

    def length() -> int:
        alive = reference()
        return 0 if alive is None else memory.data_len(alive)

    return LinearMemory(ctypes.addressof(memory.data_ptr(store).contents), length)
