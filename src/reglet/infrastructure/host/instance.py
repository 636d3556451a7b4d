"""One guest: a store, an instance, and the calls of ABI section 1. Used by one thread at a time."""

from __future__ import annotations

import contextlib
import ctypes
import secrets
import weakref
from functools import partial
from typing import TYPE_CHECKING

import wasmtime

from reglet.infrastructure.host.captured_stream import CapturedStream
from reglet.infrastructure.host.errors import GuestAnswerError, GuestTrapError, LimitExceededError
from reglet.infrastructure.host.guest_clock import GuestClock
from reglet.infrastructure.host.host_imports import HostImports
from reglet.infrastructure.host.packing import unpack
from reglet.infrastructure.host.stopping import StopSwitch
from reglet.infrastructure.host.traps import is_out_of_fuel, reason_of
from reglet.infrastructure.host.wasi_imports import define_wasi
from reglet.infrastructure.wasi import LinearMemory, System, WasiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.domain.ports import HostFunctions
    from reglet.infrastructure.host.code import Code
    from reglet.infrastructure.host.limits import Limits
    from reglet.infrastructure.host.surroundings import Surroundings

_MOST_TABLE_ENTRIES = 1_000_000


class Instance:
    """A started guest. `close` must be called; it is in the thread that used it last."""

    def __init__(
        self,
        code: Code,
        switch: StopSwitch,
        functions: HostFunctions,
        surroundings: Surroundings,
        limits: Limits,
    ) -> None:
        """Instantiate and start the guest.

        Raises:
            GuestTrapError: it ended while it started.
            LimitExceededError: it wants more memory than there is, or was stopped.
        """
        self._code = code
        self._switch = switch
        self._limits = limits
        self._stderr = CapturedStream(surroundings.stderr, limits.output_bytes)
        self._imports = HostImports(functions, switch, limits)
        self._system = System(
            clock=GuestClock(switch),
            random=secrets.token_bytes,
            preopens=surroundings.preopens(),
            environment=surroundings.environment,
            stdout=CapturedStream(surroundings.stdout, limits.output_bytes).write,
            stderr=self._stderr.write,
        )
        self._store = wasmtime.Store(code.engine)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        store = self._store
        store.set_limits(
            memory_size=self._limits.memory,
            table_elements=_MOST_TABLE_ENTRIES,
            instances=1,
            tables=4,
            memories=1,
        )
        self._switch.attach(store)
        self._refuel()
        linker = wasmtime.Linker(self._code.engine)
        self._imports.define(linker)
        define_wasi(linker, self._code.wasi_imports, self._system)
        with self._entering("its start"):
            instance = linker.instantiate(store, self._code.module)
            self._exports = instance.exports(store)
            self._attach()
        if "_initialize" in self._exports:
            self._call("_initialize")

    def _attach(self) -> None:
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)  # looked at when the module was loaded
        if self._code.overlay is not None:
            self._code.overlay.lay(self._store, memory)
        base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._memory = LinearMemory(base, partial(_length, memory, weakref.ref(self._store)))
        self._system.attach(self._memory)
        self._imports.attach(self._memory, self._function("allocate"))

    def manifest(self) -> bytes:
        """Return the JSON of the guest's Manifest."""
        return self._answer("_manifest", self._call("_manifest"))

    def observe(self, config: bytes, functions: HostFunctions) -> bytes:
        """Return the JSON of the Result of a check with a JSON config, host calls answered by `functions`."""
        self._imports.functions = functions
        self._refuel()
        pointer = self._call("allocate", len(config)) & 0xFFFF_FFFF
        if config and not pointer:
            raise GuestAnswerError("allocate", f"there was no room for a config of {len(config)} bytes")
        self._write("allocate", pointer, config)
        answer = self._answer("_observe", self._call("_observe", pointer, len(config)))
        self._release(pointer, len(config))
        return answer

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        self._system.close()
        self._imports.detach()
        self._store.close()

    def _answer(self, call: str, packed: int) -> bytes:
        pointer, length = unpack(packed)
        if pointer == 0:
            raise GuestAnswerError(call, "it is empty" if length == 0 else f"{length} bytes at address 0")
        if length > self._limits.result_bytes:
            allowed = f"{self._limits.result_bytes} bytes"
            raise LimitExceededError("result_bytes", allowed, f"{call} answered with {length} bytes")
        try:
            answer = self._memory.read(pointer, length)
        except WasiError:
            raise GuestAnswerError(call, f"{length} bytes at {pointer:#x} are not in its memory") from None
        self._release(pointer, length)
        return answer

    def _write(self, call: str, pointer: int, data: bytes) -> None:
        try:
            self._memory.write(pointer, data)
        except WasiError:
            problem = f"room for {len(data)} bytes at {pointer:#x}, which is not in its memory"
            raise GuestAnswerError(call, problem) from None

    def _release(self, pointer: int, length: int) -> None:
        if pointer and "deallocate" in self._exports:
            self._call("deallocate", pointer, length)

    def _refuel(self) -> None:
        if self._limits.fuel is not None:
            self._store.set_fuel(self._limits.fuel)

    def _function(self, name: str) -> wasmtime.Func:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)  # looked at when the module was loaded
        return function

    def _call(self, name: str, *arguments: int) -> int:
        with self._entering(name):
            return self._function(name)(self._store, *arguments) or 0

    @contextlib.contextmanager
    def _entering(self, call: str) -> Iterator[None]:
        """Turn a trap, and what was recorded while the guest ran, into our own errors."""
        try:
            yield
        except (wasmtime.WasmtimeError, wasmtime.Trap) as problem:
            raise self._why(call, problem) from problem
        recorded = self._recorded(call)
        if recorded is not None:
            raise recorded

    def _recorded(self, call: str) -> BaseException | None:
        """Return why the guest was stopped, or what failed of ours while it ran."""
        failure = self._system.failure
        if self._switch.reason is not None or failure is None:
            return self._switch.reason
        problem = GuestTrapError(call, f"a system call could not be carried out: {failure}")
        problem.__cause__ = failure
        return problem

    def _why(self, call: str, problem: Exception) -> BaseException:
        recorded = self._recorded(call)
        if recorded is not None:
            return recorded
        if is_out_of_fuel(problem):
            return LimitExceededError("fuel", f"{self._limits.fuel} units", f"{call} used up its fuel")
        reason = reason_of(problem)
        if "exceeds memory limits" in reason:
            return LimitExceededError(
                "memory", f"{self._limits.memory} bytes", f"it could not start: {reason}"
            )
        if self._system.exit_status is not None:
            reason = f"it exited with status {self._system.exit_status}"
        return GuestTrapError(call, reason, self._stderr.tail)


def _length(memory: wasmtime.Memory, store: weakref.ref[wasmtime.Store]) -> int:
    """Return a memory's size; the memory must not keep its store alive."""
    alive = store()
    return 0 if alive is None else memory.data_len(alive)
