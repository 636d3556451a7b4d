"""One guest: what it sees of its system and of the host, and the calls of ABI section 1.

Nothing is raised through wasmtime, and nothing of a guest holds its store: a failure stops the guest by its
interrupt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar

import wasmtime
from attrs import field, frozen
from wasmtime import TrapCode

from reglet.domain.errors import CapabilityError
from reglet.domain.ports import LOG_FUNCTION
from reglet.infrastructure.engine import GuestSession, last_line, outside_guests, short_call
from reglet.infrastructure.host.errors import (
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
)
from reglet.infrastructure.host.interruption import GuestClock
from reglet.infrastructure.wasi.memory import WasiError
from reglet.infrastructure.wasi.system import System

if TYPE_CHECKING:
    from reglet.domain.ports import HostFunctions
    from reglet.infrastructure.engine import HostFunction
    from reglet.infrastructure.host.compiled_plugin import CompiledPlugin
    from reglet.infrastructure.host.errors import Limits
    from reglet.infrastructure.host.interruption import EpochInterrupt
    from reglet.infrastructure.wasi.tree import Tree
    from reglet.infrastructure.wasm.signatures import FunctionImport

P = ParamSpec("P")
T = TypeVar("T")

Preopens: TypeAlias = "Callable[[], Sequence[tuple[str, Tree]]]"
"""Makes the directories that one guest sees, each with its path in the guest."""

Sink: TypeAlias = Callable[[bytes], object]
"""Takes what a guest writes to a stream."""

_TAIL_BYTES = 2000
_MOST_TABLE_ENTRIES = 1_000_000
_MOST_INSTANCES = 3
"""The code, the memory of a plugin that shares it, and what answers without the host."""
_MOST_TABLES = 4
_DEEPEST_CALLS = 8
"""Host calls within host calls: a guest may call the host while it finds room for an answer."""

_LOW = 0xFFFF_FFFF

_limit_store = short_call("wasmtime_store_limiter")

_REASONS = {
    TrapCode.STACK_OVERFLOW: "its calls are nested too deeply (call stack exhausted)",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "it used memory that it does not have (out of bounds)",
    TrapCode.UNREACHABLE: "it gave up (unreachable was executed)",
    TrapCode.OUT_OF_FUEL: "its fuel is used up",
}


def discard(_written: bytes) -> None:
    """Take bytes and keep none."""


@frozen(eq=False, repr=False)
class WasiConfig:
    """Files, variables, streams and the time; by default there is nothing, and this machine's time."""

    preopens: Preopens = field(default=tuple)
    environment: Mapping[str, str] = field(factory=dict)
    stdout: Sink = discard
    stderr: Sink = discard
    clock: Callable[[], datetime] | None = None


class BoundedStream:
    """One stream of one guest: passes at most `limit` bytes on to `sink`, and reports once what it drops."""

    def __init__(self, sink: Sink, limit: int) -> None:
        self._sink = sink
        self._left = limit
        self._limit = limit
        self._tail = b""

    def write(self, written: bytes) -> None:
        """Take what the guest wrote."""
        self._tail = (self._tail + written[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        if self._left < 0:
            return
        self._sink(written[: self._left])
        self._left -= len(written)
        if self._left < 0:
            self._sink(f"\n[dropped: more than {self._limit} bytes]\n".encode())

    @property
    def tail(self) -> str:
        """The last 2,000 bytes that were written, for messages."""
        return self._tail.decode(errors="replace")


class HostImports:
    """Carries requests out of one guest's memory and answers into it.

    `functions` may be changed between calls of the guest.
    """

    def __init__(
        self, functions: HostFunctions, interrupt: EpochInterrupt, limits: Limits, room: range
    ) -> None:
        """Answer with `functions`; what they raise stops the guest through `interrupt`.

        `room` are addresses of the guest's for answers that it takes away at once.
        """
        self.functions = functions
        self._interrupt = interrupt
        self._limits = limits
        self._room = room
        self._depth = 0
        self.session: GuestSession | None = None
        """The guest, once it is instantiated."""

    def function(self, wanted: FunctionImport) -> HostFunction:
        """Return what stands for one of the guest's imports."""
        name = wanted.name

        def answer(packed: int) -> int:
            if self._interrupt.reason is not None:
                return 0
            self._depth += 1
            try:
                return self._answer(name, packed >> 32 & _LOW, packed & _LOW)
            except BaseException as error:  # noqa: BLE001 - must not pass through wasmtime
                self._interrupt.raise_(error)
                return 0
            finally:
                self._depth -= 1

        return answer

    def _answer(self, name: str, pointer: int, length: int) -> int:
        session = self.session
        if session is None:
            raise GuestTrapError("its start function", f"it called {name} before it was started")
        if self._depth > _DEEPEST_CALLS:
            raise GuestTrapError("allocate", f"it called {name} within {_DEEPEST_CALLS} host calls")
        answer, refusal = b"", ""
        if length > self._limits.request_bytes:
            refusal = f"a request of {length} bytes; {self._limits.request_bytes} may be sent"
        else:
            try:
                request = session.memory.read(pointer, length)
                answer = outside_guests(self.functions.call, name, request)
            except WasiError:
                refusal = f"the request, {length} bytes at {pointer:#x}, is not in memory"
            except CapabilityError as error:
                refusal = str(error)
        if len(answer) > self._limits.response_bytes:
            refusal = f"an answer of {len(answer)} bytes; {self._limits.response_bytes} may be given"
        if refusal:
            from reglet.infrastructure.host.dispatcher import refused

            answer = refused(refusal)
        if not answer or name == LOG_FUNCTION:
            return 0
        place = self._room.start if len(answer) <= len(self._room) else _allocated(session, len(answer))
        if place == 0:
            return 0
        _write(session, place, answer)
        return place << 32 | len(answer)


def _allocated(session: GuestSession, size: int) -> int:
    """Return where the guest found room for an answer, 0 if it did not: its code runs inside a host call."""
    try:
        return session.call("allocate", size) & _LOW
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise GuestTrapError("allocate", reason_of(error)) from error


def _write(session: GuestSession, pointer: int, content: bytes) -> None:
    """Put bytes where the guest found room for them."""
    try:
        session.memory.write(pointer, content)
    except WasiError:
        reason = f"room for {len(content)} bytes at {pointer:#x}, which is not in its memory"
        raise GuestAnswerError("allocate", reason) from None


def reason_of(error: Exception) -> str:
    """Return why a guest ended, in one line."""
    code = error.trap_code if isinstance(error, wasmtime.Trap) else None
    return _REASONS[code] if code in _REASONS else last_line(error)


class Instance:
    """A started guest. `close` must be called; it is in the thread that used it last."""

    def __init__(
        self,
        plugin: CompiledPlugin,
        interrupt: EpochInterrupt,
        functions: HostFunctions,
        wasi: WasiConfig,
        limits: Limits,
    ) -> None:
        """Instantiate and start the guest.

        Raises:
            GuestTrapError: it ended while it started.
            LimitExceededError: it wants more memory than there is, or was interrupted.
        """
        self._interrupt = interrupt
        self._limits = limits
        self._stderr = BoundedStream(wasi.stderr, limits.output_bytes)
        self._imports = HostImports(functions, interrupt, limits, plugin.room)
        self._room = plugin.room
        preopens = wasi.preopens()
        system = System(
            clock=GuestClock(interrupt, wasi.clock),
            random=os.urandom,
            preopens=preopens,
            environment=wasi.environment,
            stdout=BoundedStream(wasi.stdout, limits.output_bytes).write,
            stderr=self._stderr.write,
            written_bytes=limits.written_bytes,
        )
        direct = wasi.clock is None and not wasi.environment and not preopens
        self._session = GuestSession(
            plugin.module, system, self._imports.function, direct=direct, memory_limit=limits.memory
        )
        try:
            store = self._session.store
            _limit_store(store.ptr(), limits.memory, _MOST_TABLE_ENTRIES, _MOST_INSTANCES, _MOST_TABLES, 1)
            interrupt.attach(store)
            self._refuel()
            self._enter("its start", self._session.start)
            self._imports.session = self._session
            if self._session.exports("_initialize"):
                self._call("_initialize")
        except BaseException:
            self.close()
            raise

    def manifest(self, export: str = "_manifest") -> bytes:
        """Return the JSON of the guest's Manifest, or what another export without arguments answers."""
        return self._read(export, self._call(export))[0]

    def observe(
        self, config: bytes, functions: HostFunctions, export: str = "_observe", *, release: bool = False
    ) -> bytes:
        """Return the JSON of the Result of a check with a JSON config, host calls answered by `functions`.

        `release` says whether the guest gets its buffers back, which one that ends now does not need.
        """
        self._imports.functions = functions
        self._session.system.quota.renew()
        self._refuel()
        fits = len(config) <= len(self._room)
        pointer = self._room.start if fits else self._call("allocate", len(config)) & _LOW
        if config and not pointer:
            raise GuestAnswerError("allocate", f"there was no room for a config of {len(config)} bytes")
        _write(self._session, pointer, config)
        answer, place = self._read(export, self._call(export, pointer, len(config)))
        if release and self._session.exports("deallocate"):
            self._call("deallocate", place, len(answer))
            if pointer and not fits:
                self._call("deallocate", pointer, len(config))
        return answer

    def memory_size(self) -> int:
        """Return how many bytes of memory the guest has now."""
        return self._session.memory.size()

    def close(self, *, reuse: bool = False) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing.

        `reuse` says that its last call has returned: if nothing went wrong the guest may serve another check.
        """
        self._imports.session = None
        self._interrupt.detach()
        system = self._session.system
        ended_well = self._interrupt.reason is None and system.failure is None and system.exit_status is None
        self._session.close(reuse=reuse and ended_well)

    def _read(self, call: str, packed: int) -> tuple[bytes, int]:
        """Return an answer, and where it lies."""
        pointer, length = packed >> 32 & _LOW, packed & _LOW
        if pointer == 0:
            raise GuestAnswerError(call, "it is empty" if length == 0 else f"{length} bytes at address 0")
        if length > self._limits.result_bytes:
            allowed = f"{self._limits.result_bytes} bytes"
            raise LimitExceededError("result_bytes", allowed, f"{call} answered with {length} bytes")
        try:
            return self._session.memory.read(pointer, length), pointer
        except WasiError:
            raise GuestAnswerError(call, f"{length} bytes at {pointer:#x} are not in its memory") from None

    def _refuel(self) -> None:
        if self._limits.fuel is not None:
            self._session.store.set_fuel(self._limits.fuel)

    def _call(self, name: str, *arguments: int) -> int:
        try:
            return self._enter(name, self._session.call, name, *arguments)
        except TypeError as error:
            raise GuestAnswerError(name, str(error)) from error

    def _enter(self, call: str, enter: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Turn a trap, and what was recorded while the guest ran, into our own errors."""
        try:
            result = enter(*args, **kwargs)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            recorded = self._recorded(call)
            if recorded is not None:
                raise recorded from error
            if isinstance(error, wasmtime.Trap) and error.trap_code is TrapCode.OUT_OF_FUEL:
                fuel = f"{self._limits.fuel} units"
                raise LimitExceededError("fuel", fuel, f"{call} used up its fuel") from error
            reason = reason_of(error)
            if "exceeds memory limits" in reason:
                memory = f"{self._limits.memory} bytes"
                raise LimitExceededError("memory", memory, f"it could not start: {reason}") from error
            if self._session.system.exit_status is not None:
                reason = f"it exited with status {self._session.system.exit_status}"
            raise GuestTrapError(call, reason, self._stderr.tail) from error
        recorded = self._recorded(call)
        if recorded is not None:
            raise recorded
        return result

    def _recorded(self, call: str) -> BaseException | None:
        """Return why the guest was stopped, or what failed of ours while it ran."""
        failure = self._session.system.failure
        if self._interrupt.reason is not None or failure is None:
            return self._interrupt.reason
        error = GuestTrapError(call, f"a system call could not be carried out: {failure}")
        error.__cause__ = failure
        return error
