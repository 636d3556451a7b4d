"""One guest: a store, an instance, and the calls of ABI section 1. Used by one thread at a time."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import wasmtime
from wasmtime import TrapCode

from reglet.infrastructure.engine import GuestSession
from reglet.infrastructure.host.errors import GuestAnswerError, GuestTrapError, LimitExceededError
from reglet.infrastructure.host.host_imports import HostImports, reason_of, unpack
from reglet.infrastructure.host.interruption import GuestClock
from reglet.infrastructure.host.wasi_config import BoundedStream
from reglet.infrastructure.wasi import System, WasiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.domain.ports import HostFunctions
    from reglet.infrastructure.host.compiled_plugin import CompiledPlugin
    from reglet.infrastructure.host.interruption import EpochInterrupt
    from reglet.infrastructure.host.limits import Limits
    from reglet.infrastructure.host.wasi_config import WasiConfig

_MOST_TABLE_ENTRIES = 1_000_000


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
        self._imports = HostImports(functions, interrupt, limits)
        system = System(
            clock=GuestClock(interrupt, wasi.clock),
            random=secrets.token_bytes,
            preopens=wasi.preopens(),
            environment=wasi.environment,
            stdout=BoundedStream(wasi.stdout, limits.output_bytes).write,
            stderr=self._stderr.write,
            written_bytes=limits.written_bytes,
        )
        self._session = GuestSession(plugin.engine, system)
        try:
            self._start(plugin)
        except BaseException:
            self.close()
            raise

    def _start(self, plugin: CompiledPlugin) -> None:
        store = self._session.store
        store.set_limits(
            memory_size=self._limits.memory,
            table_elements=_MOST_TABLE_ENTRIES,
            instances=1,
            tables=4,
            memories=1,
        )
        self._interrupt.attach(store)
        self._refuel()
        with self._entering("its start"):
            fill = None if plugin.image is None else plugin.image.apply
            self._session.start(plugin.module, plugin.imports, self._imports.function, fill)
            self._imports.attach(self._session.memory, self._session.function("allocate"))
        if self._session.exports("_initialize"):
            self._call("_initialize")

    def manifest(self, export: str = "_manifest") -> bytes:
        """Return the JSON of the guest's Manifest, or what another export without arguments answers."""
        return self._answer(export, self._call(export))

    def observe(
        self, config: bytes, functions: HostFunctions, export: str = "_observe", *, release: bool = True
    ) -> bytes:
        """Return the JSON of the Result of a check with a JSON config, host calls answered by `functions`.

        `release` says whether the guest gets its buffers back, which it need not on every host.
        """
        self._imports.functions = functions
        self._session.system.quota.renew()
        self._refuel()
        pointer = self._call("allocate", len(config)) & 0xFFFF_FFFF
        if config and not pointer:
            raise GuestAnswerError("allocate", f"there was no room for a config of {len(config)} bytes")
        try:
            self._session.memory.write(pointer, config)
        except WasiError:
            reason = f"room for {len(config)} bytes at {pointer:#x}, which is not in its memory"
            raise GuestAnswerError("allocate", reason) from None
        answer = self._answer(export, self._call(export, pointer, len(config)), release=release)
        if release:
            self._release(pointer, len(config))
        return answer

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        self._imports.detach()
        self._session.close()

    def _answer(self, call: str, packed: int, *, release: bool = True) -> bytes:
        pointer, length = unpack(packed)
        if pointer == 0:
            raise GuestAnswerError(call, "it is empty" if length == 0 else f"{length} bytes at address 0")
        if length > self._limits.result_bytes:
            allowed = f"{self._limits.result_bytes} bytes"
            raise LimitExceededError("result_bytes", allowed, f"{call} answered with {length} bytes")
        try:
            answer = self._session.memory.read(pointer, length)
        except WasiError:
            raise GuestAnswerError(call, f"{length} bytes at {pointer:#x} are not in its memory") from None
        if release:
            self._release(pointer, length)
        return answer

    def _release(self, pointer: int, length: int) -> None:
        if pointer and self._session.exports("deallocate"):
            self._call("deallocate", pointer, length)

    def _refuel(self) -> None:
        if self._limits.fuel is not None:
            self._session.store.set_fuel(self._limits.fuel)

    def _call(self, name: str, *arguments: int) -> int:
        with self._entering(name):
            return self._session.call(name, *arguments)

    @contextlib.contextmanager
    def _entering(self, call: str) -> Iterator[None]:
        """Turn a trap, and what was recorded while the guest ran, into our own errors."""
        try:
            yield
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise self._why(call, error) from error
        recorded = self._recorded(call)
        if recorded is not None:
            raise recorded

    def _recorded(self, call: str) -> BaseException | None:
        """Return why the guest was stopped, or what failed of ours while it ran."""
        failure = self._session.system.failure
        if self._interrupt.reason is not None or failure is None:
            return self._interrupt.reason
        error = GuestTrapError(call, f"a system call could not be carried out: {failure}")
        error.__cause__ = failure
        return error

    def _why(self, call: str, error: Exception) -> BaseException:
        recorded = self._recorded(call)
        if recorded is not None:
            return recorded
        if isinstance(error, wasmtime.Trap) and error.trap_code is TrapCode.OUT_OF_FUEL:
            return LimitExceededError("fuel", f"{self._limits.fuel} units", f"{call} used up its fuel")
        reason = reason_of(error)
        if "exceeds memory limits" in reason:
            return LimitExceededError(
                "memory", f"{self._limits.memory} bytes", f"it could not start: {reason}"
            )
        if self._session.system.exit_status is not None:
            reason = f"it exited with status {self._session.system.exit_status}"
        return GuestTrapError(call, reason, self._stderr.tail)
