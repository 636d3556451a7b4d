"""The host functions of ABI section 1 as imports of a module.

Nothing is raised through wasmtime, which keeps one exception for all threads, and nothing holds the store:
a failure stops the guest by its switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from reglet.domain.errors import CapabilityError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.host.errors import GuestTrapError
from reglet.infrastructure.host.packing import pack, unpack
from reglet.infrastructure.host.traps import reason_of
from reglet.infrastructure.wasi import WasiError
from reglet.infrastructure.wire.failures import encode_failure
from reglet.infrastructure.wire.host_functions import HOST_FUNCTION_NAMES, LOG_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmtime import Caller

    from reglet.infrastructure.host.limits import Limits
    from reglet.infrastructure.host.stopping import StopSwitch
    from reglet.infrastructure.wasi import LinearMemory

HOST_MODULE = "reglet_host"
"""The module that host functions are imported from."""

_I64 = wasmtime.ValType.i64()


def host_function_type(name: str) -> wasmtime.FuncType:
    """Return the type of a host function: a packed request in, a packed answer out, none for the log."""
    return wasmtime.FuncType([_I64], [] if name == LOG_FUNCTION else [_I64])


class HostImports:
    """Carries requests out of one guest's memory and answers into it.

    `functions` may be changed between calls of the guest.
    """

    def __init__(self, functions: HostFunctions, switch: StopSwitch, limits: Limits) -> None:
        """Answer with `functions`; what they raise stops the guest through `switch`."""
        self.functions = functions
        self.switch = switch
        self._limits = limits
        self._memory: LinearMemory | None = None
        self._allocate: wasmtime.Func | None = None

    def define(self, linker: wasmtime.Linker) -> None:
        """Define every host function; a guest may import those that it likes."""
        for name in HOST_FUNCTION_NAMES:
            linker.define_func(
                HOST_MODULE, name, host_function_type(name), self._function(name), access_caller=True
            )

    def attach(self, memory: LinearMemory, allocate: wasmtime.Func) -> None:
        """Give the guest's memory and allocator, once it is instantiated."""
        self._memory = memory
        self._allocate = allocate

    def detach(self) -> None:
        """Let go of the memory, which must not be used after its store is gone."""
        self._memory = None

    def _function(self, name: str) -> Callable[[Caller, int], int | None]:
        def answer(caller: Caller, packed: int) -> int:
            try:
                return 0 if self.switch.reason is not None else self._call(caller, name, packed)
            except BaseException as problem:  # noqa: BLE001 - must not pass through wasmtime
                self.switch.stop(problem)
                return 0

        def take(caller: Caller, packed: int) -> None:
            answer(caller, packed)

        return take if name == LOG_FUNCTION else answer

    def _call(self, caller: Caller, name: str, packed: int) -> int:
        memory = self._memory
        if memory is None:
            raise GuestTrapError("its start function", f"it called {name} before it was started")
        answer = self._answer(memory, name, packed)
        if not answer or name == LOG_FUNCTION:
            return 0
        if len(answer) > self._limits.response_bytes:
            answer = encode_failure(
                "VALIDATION_ERROR",
                f"an answer of {len(answer)} bytes; {self._limits.response_bytes} may be given",
            )
        pointer = self._room(caller, len(answer))
        if pointer == 0:
            return 0
        memory.write(pointer, answer)
        return pack(pointer, len(answer))

    def _answer(self, memory: LinearMemory, name: str, packed: int) -> bytes:
        pointer, length = unpack(packed)
        if length > self._limits.request_bytes:
            return encode_failure(
                "VALIDATION_ERROR", f"a request of {length} bytes; {self._limits.request_bytes} may be sent"
            )
        try:
            request = memory.read(pointer, length)
            return self.functions.call(name, request)
        except WasiError:
            return encode_failure(
                "VALIDATION_ERROR", f"the request, {length} bytes at {pointer:#x}, is not in memory"
            )
        except CapabilityError as problem:
            return encode_failure("VALIDATION_ERROR", str(problem))

    def _room(self, caller: Caller, size: int) -> int:
        """Let the guest find room, which runs guest code inside the host call."""
        assert self._allocate is not None
        try:
            return int(self._allocate(caller, size))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as problem:
            raise GuestTrapError("allocate", reason_of(problem)) from problem
