"""A guest: an instance of a module, its memory, and the system that it sees."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings

from reglet.infrastructure.engine.linking import (
    NOT_DROPPED,
    REFERENCE,
    export_of,
    long_call,
    raise_failure,
    running,
    short_call,
)
from reglet.infrastructure.wasi.memory import WASI_MODULE, LinearMemory
from reglet.infrastructure.wasm.signatures import FunctionType

if TYPE_CHECKING:
    from reglet.infrastructure.engine.linking import LinkedModule
    from reglet.infrastructure.wasi.system import System
    from reglet.infrastructure.wasm.signatures import FunctionImport

HostFunction: TypeAlias = Callable[[int], "int | None"]
"""Takes a packed request and returns a packed answer, or None where the import has no result."""

_MOST_VALUES = 8
"""More than any function has arguments that is called here."""

_VALUE_BYTES = 16
"""Of a value; an integer is at their start."""

_Values = ctypes.c_char * (_VALUE_BYTES * _MOST_VALUES)

_memory_data = short_call("wasmtime_memory_data")
_memory_data_size = short_call("wasmtime_memory_data_size")
_store_context = short_call("wasmtime_store_context")
_store_new = short_call("wasmtime_store_new")
_func_call = long_call("wasmtime_func_call_unchecked")


class _Store(wasmtime.Store):
    """A store that is made with the interpreter held; its base class releases it twice."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        made = _store_new(engine.ptr(), None, NOT_DROPPED)
        self._set_ptr(ctypes.cast(made, ctypes.POINTER(bindings.wasmtime_store_t)))
        self.engine = engine

    def _context(self) -> Any:
        return bindings.wasmtime_store_context(self.ptr())


class GuestSession:
    """One guest, used by one thread at a time.

    Its store is there before its instance: limits and a deadline are set on `store` first.
    """

    def __init__(
        self,
        module: LinkedModule,
        system: System,
        host_function: Callable[[FunctionImport], HostFunction],
        *,
        direct: bool = False,
    ) -> None:
        """Make the guest's store.

        Args:
            module: what it will be an instance of.
            system: what it sees; an unknown function of preview 1 answers NOSYS.
            host_function: returns what stands for an import that is not one of preview 1.
            direct: whether it may be answered without the host, where it has this machine's clocks, and
                neither variables nor directories.
        """
        self.system = system
        self.store = _Store(module.engine)
        self._module = module
        self._host_function = host_function
        self._imports: list[Callable[..., int | None] | None] = [None] * len(module.imports)
        """What stands for each, once it was called."""
        self._calls: dict[str, Callable[[tuple[int, ...]], int]] = {}
        """What calls each function that was called."""
        self._first_memory: tuple[int, int] | None = None
        """Its address and its size at the start; None before that, and when it is gone."""
        self._direct = direct
        self._context = _store_context(self.store.ptr())

    def start(self) -> None:
        """Instantiate the module.

        Raises:
            wasmtime.WasmtimeError: it cannot be instantiated under the store's limits.
            wasmtime.Trap: its start function ended it.
        """
        before, running.guest = running.guest, self
        try:
            self._instance = self._module.instantiate(self.store, self._context, direct=self._direct)
        finally:
            running.guest = before
        memory = ctypes.byref(export_of(self._context, self._instance, "memory"), REFERENCE)
        base = _memory_data(self._context, memory)
        self._module.written_pages.populate(base)
        self._first_memory = base, _memory_data_size(self._context, memory)
        store = weakref.ref(self.store)  # which the memory must not keep alive

        def length() -> int:
            alive = store()
            return 0 if alive is None else int(_memory_data_size(_store_context(alive.ptr()), memory))

        self.memory = LinearMemory(base, length)
        self.system.attach(self.memory)

    def exports(self, name: str) -> bool:
        """Whether the guest exports a function of this name."""
        return isinstance(self._module.signatures.exports.get(name), FunctionType)

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function with integers; return its result, 0 where it has none.

        What failed of ours meanwhile is in `system.failure`. It may be called within a call of the host.

        Raises:
            TypeError: there is no such function, or it has other parameters or results.
            wasmtime.WasmtimeError: the guest was interrupted.
            wasmtime.Trap: the guest ended.
        """
        if name not in self._calls:
            self._calls[name] = self._prepared(name)
        before, running.guest = running.guest, self  # that may be another, whose host runs this one
        try:
            return self._calls[name](arguments)
        except ValueError:
            raise self._unlike_a_call(name) from None
        finally:
            running.guest = before

    def _prepared(self, name: str) -> Callable[[tuple[int, ...]], int]:
        """Return what calls an exported function.

        A call within one of the same function may use its buffer: the engine has read the arguments then, and
        writes a result last.
        """
        taken, result = self._module.callable.get(name, (None, None))
        if taken is None:
            raise self._unlike_a_call(name)
        function, values, trap = export_of(self._context, self._instance, name), _Values(), ctypes.c_void_p()
        given = [ctypes.c_int64.from_buffer(values, _VALUE_BYTES * index) for index in range(taken)]
        answer = ctypes.c_int64(0) if result is None else result.from_buffer(values)
        passed = self._context, ctypes.byref(function, REFERENCE), values, _MOST_VALUES, ctypes.byref(trap)

        def call(arguments: tuple[int, ...]) -> int:
            for place, argument in zip(given, arguments, strict=True):
                place.value = argument
            error = _func_call(*passed)
            if error or trap.value:
                raise_failure(error, trap.value)
            return int(answer.value)

        return call

    def _unlike_a_call(self, name: str) -> TypeError:
        kind = self._module.signatures.exports.get(name)
        if isinstance(kind, FunctionType):
            return TypeError(f"{name} is {kind}, which is not how it is called")
        return TypeError(f"{name} is not a function that it exports")

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        if self._first_memory is not None:
            self._module.written_pages.learn(*self._first_memory)
            self._first_memory = None
        self.system.close()
        self.store.close()

    def fail(self, error: BaseException) -> None:
        """Keep what failed of ours; the guest goes on, and whoever called it finds it."""
        self.system.failure = error

    def answer(self, number: int, values: int) -> None:
        """Answer a call of the host: arguments are read at an address, and the result is written there."""
        wanted, kind, read, result = self._module.imports[number]
        called = self._imports[number]
        if called is None:
            if wanted.module == WASI_MODULE:
                from reglet.infrastructure.wasi.preview1 import function  # many a guest calls none

                called = function(wanted.name, self.system)
            else:
                called = self._host_function(wanted)
            self._imports[number] = called
        answer = called(*read(kind.from_address(values)))
        if result is not None:
            result.from_address(values).value = answer or 0
