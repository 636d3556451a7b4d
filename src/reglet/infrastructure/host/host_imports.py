"""The host functions of ABI section 1 as imports of a module.

Nothing is raised through wasmtime, which keeps one exception for all threads, and nothing holds the store:
a failure stops the guest by its interrupt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime
from wasmtime import TrapCode

from reglet.domain.errors import CapabilityError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.host.errors import GuestTrapError
from reglet.infrastructure.wasi import WasiError
from reglet.infrastructure.wire.failures import encode_failure
from reglet.infrastructure.wire.host_functions import LOG_FUNCTION

if TYPE_CHECKING:
    from wasmtime import Caller

    from reglet.infrastructure.engine import FunctionImport, HostFunction
    from reglet.infrastructure.host.interruption import EpochInterrupt
    from reglet.infrastructure.host.limits import Limits
    from reglet.infrastructure.wasi import LinearMemory

_I64 = wasmtime.ValType.i64()
_LOW = 0xFFFF_FFFF
_SIGN = 1 << 63

_REASONS = {
    TrapCode.STACK_OVERFLOW: "its calls are nested too deeply (call stack exhausted)",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "it used memory that it does not have (out of bounds)",
    TrapCode.UNREACHABLE: "it gave up (unreachable was executed)",
    TrapCode.OUT_OF_FUEL: "its fuel is used up",
}


def pack(pointer: int, length: int) -> int:
    """Return a packed value as the signed number that wasmtime takes for an i64."""
    packed = (pointer & _LOW) << 32 | length
    return packed - (_SIGN << 1) if packed & _SIGN else packed


def unpack(packed: int) -> tuple[int, int]:
    """Return the pointer and the length of a packed value."""
    return packed >> 32 & _LOW, packed & _LOW


def reason_of(error: Exception) -> str:
    """Return what wasmtime says, without its backtrace."""
    code = error.trap_code if isinstance(error, wasmtime.Trap) else None
    if code in _REASONS:
        return _REASONS[code]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("wasm trap: ") if lines else type(error).__name__


def host_function_type(name: str) -> wasmtime.FuncType:
    """Return the type of a host function: a packed request in, a packed answer out, none for the log."""
    return wasmtime.FuncType([_I64], [] if name == LOG_FUNCTION else [_I64])


class HostImports:
    """Carries requests out of one guest's memory and answers into it.

    `functions` may be changed between calls of the guest.
    """

    def __init__(self, functions: HostFunctions, interrupt: EpochInterrupt, limits: Limits) -> None:
        """Answer with `functions`; what they raise stops the guest through `interrupt`."""
        self.functions = functions
        self.interrupt = interrupt
        self._limits = limits
        self._memory: LinearMemory | None = None
        self._allocate: wasmtime.Func | None = None

    def attach(self, memory: LinearMemory, allocate: wasmtime.Func) -> None:
        """Take the guest's memory and allocator, once it is instantiated."""
        self._memory = memory
        self._allocate = allocate

    def detach(self) -> None:
        """Let go of the memory, which must not be used after its store is gone."""
        self._memory = None

    def function(self, wanted: FunctionImport) -> HostFunction:
        """Return what stands for one of the guest's imports."""
        name = wanted.name

        def answer(caller: Caller, packed: int) -> int:
            try:
                return 0 if self.interrupt.reason is not None else self._call(caller, name, packed)
            except BaseException as error:  # noqa: BLE001 - must not pass through wasmtime
                self.interrupt.raise_(error)
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
            answer = _refused(f"an answer of {len(answer)} bytes; {self._limits.response_bytes} may be given")
        pointer = self._room(caller, len(answer))
        if pointer == 0:
            return 0
        memory.write(pointer, answer)
        return pack(pointer, len(answer))

    def _answer(self, memory: LinearMemory, name: str, packed: int) -> bytes:
        pointer, length = unpack(packed)
        if length > self._limits.request_bytes:
            return _refused(f"a request of {length} bytes; {self._limits.request_bytes} may be sent")
        try:
            request = memory.read(pointer, length)
            return self.functions.call(name, request)
        except WasiError:
            return _refused(f"the request, {length} bytes at {pointer:#x}, is not in memory")
        except CapabilityError as error:
            return _refused(str(error))

    def _room(self, caller: Caller, size: int) -> int:
        """Let the guest find room, which runs guest code inside the host call."""
        assert self._allocate is not None
        try:
            return int(self._allocate(caller, size))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise GuestTrapError("allocate", reason_of(error)) from error


def _refused(reason: str) -> bytes:
    """Return the answer in place of an answer (ABI section 4), which both dialects share."""
    return encode_failure("VALIDATION_ERROR", reason)
