"""One guest: an instance of a module, its memory, and the system that it sees.

A guest of a built plugin can be made as new after a check, and then waits for another one. Its memory is all
that is made new. Outside of it, code of the runtime has nothing but its stack pointer, which is looked at: it
is where it was at the start when a call has returned. No instruction of it changes tables, or drops data.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings

from reglet.infrastructure.engine.linking import (
    NOT_DROPPED,
    REFERENCE,
    Globals,
    export_of,
    long_call,
    memory_data,
    raise_failure,
    running,
    short_call,
    start_clock,
    store_context,
)
from reglet.infrastructure.engine.written_pages import WrittenPages, populate
from reglet.infrastructure.process import available_cores, renewed_after_fork
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

_EXAMPLES = 4
"""Guests of a module whose written pages are looked at when they are dropped."""

_DROPPED_FIRST = 2
"""Guests of a module, a manifest and a check: a process that needs no more of them makes no preparations."""

_memory_data_size = short_call("wasmtime_memory_data_size")
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


class Guest:
    """An instance in a store of its own, and its memory, without what it sees of its system and its host.

    Its store is there before its instance. It is used by one thread at a time.
    """

    def __init__(self, module: LinkedModule, *, direct: bool) -> None:
        self.module = module
        self.store = _Store(module.engine)
        self._direct = direct
        self._context = store_context(self.store.ptr())
        self._calls: dict[str, Callable[[tuple[int, ...]], int]] = {}
        """What calls each function that was called."""
        self._written: WrittenPages | None = None
        """Once it is started, until it is closed."""
        self._process = os.getpid()

    def start(self) -> None:
        """Instantiate the module, or let the clock of a restored guest start."""
        if self._written is not None:
            start_clock(self._context)
            return
        self._instance = self.module.instantiate(self.store, self._context, direct=self._direct)
        memory = ctypes.byref(export_of(self._context, self._instance, "memory"), REFERENCE)
        base = memory_data(self._context, memory)
        populate(base, self.module.often_written)
        self._first_size = _memory_data_size(self._context, memory)
        self._written = WrittenPages(base, self._first_size)
        self._globals = Globals(self._context, self._instance)
        self._first_globals = self._globals.values()
        store = weakref.ref(self.store)  # which the memory must not keep alive

        def length() -> int:
            alive = store()
            return 0 if alive is None else int(_memory_data_size(store_context(alive.ptr()), memory))

        self.memory = LinearMemory(base, length)

    def restore(self) -> bool:
        """Make it as new after its calls have returned; report whether that was done.

        Otherwise it must not be called any more: it belongs to another process, its memory has grown, it
        wrote too much of it, or the system does not report what.
        """
        if (
            self._written is None
            or self.module.examples < _DROPPED_FIRST
            or self._process != os.getpid()
            or self.memory.size() != self._first_size
            or self._globals.values() != self._first_globals
        ):
            return False
        pristine = self.module.pristine_memory()
        return pristine is not None and self._written.restore(pristine)

    def close(self) -> None:
        """Let go of it and its memory. Closing twice does nothing."""
        if self._written is not None and self.module.examples < _EXAMPLES:
            self.module.examples += 1
            if self._written.look():
                self.module.often_written = self._written.ranges
        self._written = None
        self.store.close()

    def call(self, name: str, arguments: tuple[int, ...]) -> int:
        """Call an exported function, see `GuestSession.call`."""
        if name not in self._calls:
            self._calls[name] = self._prepared(name)
        try:
            return self._calls[name](arguments)
        except ValueError:
            raise self._unlike_a_call(name) from None

    def _prepared(self, name: str) -> Callable[[tuple[int, ...]], int]:
        """Return what calls an exported function.

        A call within one of the same function may use its buffer: the engine has read the arguments then, and
        writes a result last.
        """
        taken, result = self.module.callable.get(name, (None, None))
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
        kind = self.module.signatures.exports.get(name)
        if isinstance(kind, FunctionType):
            return TypeError(f"{name} is {kind}, which is not how it is called")
        return TypeError(f"{name} is not a function that it exports")


class GuestSession:
    """One guest with its system and its host, from its start to its end.

    Limits and a deadline are set on `store` before it is started.
    """

    def __init__(
        self,
        module: LinkedModule,
        system: System,
        host_function: Callable[[FunctionImport], HostFunction],
        *,
        direct: bool = False,
        memory_limit: int | None = None,
    ) -> None:
        """Take a guest that waits, or make the store of a new one.

        Args:
            module: what it is an instance of.
            system: what it sees; an unknown function of preview 1 answers NOSYS.
            host_function: returns what stands for an import that is not one of preview 1.
            direct: whether it may be answered without the host, where it has this machine's clocks, and
                neither variables nor directories.
            memory_limit: bytes that the caller allows its store; a guest that waits was allowed as many.
        """
        self.system = system
        self._module = module
        self._host_function = host_function
        self._imports: list[Callable[..., int | None] | None] = [None] * len(module.imports)
        """What stands for each, once it was called."""
        self._kind = module, direct, memory_limit
        self._guest = idle_guests().take(self._kind) or Guest(module, direct=direct)
        self.store = self._guest.store
        self._is_open = True

    @property
    def memory(self) -> LinearMemory:
        """The guest's memory, once it is started."""
        return self._guest.memory

    def start(self) -> None:
        """Instantiate the module, unless the guest has waited.

        Raises:
            wasmtime.WasmtimeError: it cannot be instantiated under the store's limits.
            wasmtime.Trap: its start function ended it.
        """
        before, running.guest = running.guest, self
        try:
            self._guest.start()
        finally:
            running.guest = before
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
        before, running.guest = running.guest, self  # that may be another, whose host runs this one
        try:
            return self._guest.call(name, arguments)
        finally:
            running.guest = before

    def close(self, *, reuse: bool = False) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing.

        `reuse` says that nothing went wrong and no call is open: the guest is made as new, where that is
        possible, and waits for another session with the same limit of memory.
        """
        self.system.close()
        if not self._is_open:
            return
        self._is_open = False
        if reuse and self._guest.restore():
            idle_guests().add(self._kind, self._guest)
        else:
            self._guest.close()

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


class IdleGuests:
    """Restored guests that wait for a check: as many as a process runs at one time, those that came last."""

    def __init__(self) -> None:
        self._guests: list[tuple[Hashable, Guest]] = []
        self._most = available_cores()
        self._lock = threading.Lock()
        _made.append(self)

    def take(self, kind: Hashable) -> Guest | None:
        """Return one that was added as of a kind, which is the caller's then; None if there is none."""
        with self._lock:
            for index in reversed(range(len(self._guests))):
                if self._guests[index][0] == kind:
                    return self._guests.pop(index)[1]
        return None

    def add(self, kind: Hashable, guest: Guest) -> None:
        """Keep one; too many are closed, the one first that has waited the longest."""
        with self._lock:
            self._guests.append((kind, guest))
            surplus = self._guests.pop(0)[1] if len(self._guests) > self._most else None
        if surplus is not None:
            surplus.close()

    def close(self, module: LinkedModule) -> None:
        """Close those of a module."""
        with self._lock:
            closed = [guest for _, guest in self._guests if guest.module is module]
            self._guests = [each for each in self._guests if each[1].module is not module]
        for guest in closed:
            guest.close()


_made: list[IdleGuests] = []
"""Those of the processes too that this one was forked off: to let go of their guests may wait for ever."""

idle_guests = renewed_after_fork(IdleGuests)
"""Those of this process."""
