"""A loaded plugin: its manifest and its checks, each in a guest of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import evolve

from reglet.domain.context import Cancellation, Context
from reglet.domain.errors import WireFormatError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.engine import idle_guests
from reglet.infrastructure.host.compiled_plugin import CompiledPlugin
from reglet.infrastructure.host.errors import GuestAnswerError, LimitExceededError, SandboxClosedError
from reglet.infrastructure.host.instance import Instance, WasiConfig
from reglet.infrastructure.host.interruption import EpochInterrupt, run_guest
from reglet.infrastructure.process import Renewed, renewed_after_fork
from reglet.infrastructure.wire.exports import MANIFEST, RESULT
from reglet.infrastructure.wire.go_json import encode_json

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.result import Result
    from reglet.infrastructure.host.errors import Limits

T = TypeVar("T")

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)

FunctionsForCheck: TypeAlias = Callable[[Context], HostFunctions]
"""Returns what answers the host calls of one check, in a context with its deadline."""

_TO_ANSWER = timedelta(milliseconds=500)
"""What a guest keeps of its time, or a tenth, to say itself that a host call lasted too long."""


class Module:
    """A plugin that a sandbox has loaded. Its methods may be called from any number of threads.

    Every method raises `GuestTrapError` when the guest ends, `LimitExceededError` when it is stopped at one
    of its limits, and `GuestAnswerError` when its answer cannot be read. The module stays usable.
    """

    def __init__(
        self,
        plugin: CompiledPlugin,
        functions: FunctionsForCheck,
        wasi: WasiConfig,
        limits: Limits,
        slots: Renewed[threading.BoundedSemaphore],
        *,
        older: bool = False,
    ) -> None:
        """Run `plugin`; `slots` are as many as guests may run at one moment.

        `older` says that the exports of the older app are called, whose answers are read as a Manifest and
        as Results.
        """
        self._plugin = plugin
        self._functions = functions
        self._wasi = wasi
        self._limits = limits
        self._slots = slots
        self._older = older
        self._kept: tuple[Instance, EpochInterrupt] | None = None
        self._kept_lock = renewed_after_fork(threading.Lock)
        self._closed = False

    @property
    def source(self) -> str:
        """What the module is called in messages: its path."""
        return self._plugin.source

    @property
    def digest(self) -> str:
        """The SHA-256 of its file, hexadecimal: what grants are kept under."""
        return self._plugin.digest

    def manifest(self) -> Manifest:
        """Return the plugin's description of itself."""
        if self._older:
            from reglet.infrastructure.host import older_form

            description = self._described("describe", older_form.decode_description)
            return evolve(description, config_schema=self._described("schema", older_form.decode_schema))
        return self._described("_manifest", MANIFEST.decode)

    def check(self, config: Mapping[str, Any] | bytes, *, fresh: bool = True, release: bool = True) -> Result:
        """Run a check and return its Result.

        Args:
            config: the plugin's config, as JSON values or as JSON.
            fresh: in a guest made for this check alone, as hosts do. Otherwise one guest is kept from check
                to check, which is quicker, and shows what a plugin carries over; such checks run one by one.
            release: give a guest that is kept its buffers back after the check, which the Go host SDK never
                does.
        """
        data = config if isinstance(config, bytes) else encode_json(dict(config))
        if len(data) > self._limits.request_bytes:
            allowed = f"{self._limits.request_bytes} bytes"
            raise LimitExceededError("request_bytes", allowed, f"the config is {len(data)} bytes")

        export: str = "_observe"
        decode: Callable[[bytes], Result] = RESULT.decode
        if self._older:
            from reglet.infrastructure.host import older_form

            export, decode = "observe", older_form.decode_evidence

        def observe(instance: Instance, functions: HostFunctions) -> bytes:
            return instance.observe(data, functions, export, release=release and not fresh)

        read = self._reader(export, decode)
        return self._in_fresh(observe, read) if fresh else self._in_kept(observe, read)

    def answer(self, export: str, config: bytes | None = None) -> bytes:
        """Return what an export answers, as it is: `_manifest`, or those of the older app's form.

        `config` is for those that take one, `_observe` and `observe`.
        """
        if config is None:
            return self._in_fresh(lambda instance, _functions: instance.manifest(export), bytes)
        return self._in_fresh(lambda instance, functions: instance.observe(config, functions, export), bytes)

    def kept_memory(self) -> int:
        """Return how many bytes of memory the guest has that is kept for further checks; 0 without one."""
        with self._kept_lock():
            return self._kept[0].memory_size() if self._kept is not None else 0

    def close(self) -> None:
        """Let go of its guests; checks after this raise `SandboxClosedError`."""
        with self._kept_lock():
            self._closed = True
            if self._kept is not None:
                self._kept[0].close()
                self._kept = None
        idle_guests().close(self._plugin.module)

    def _described(self, export: str, decode: Callable[[bytes], T]) -> T:
        return self._in_fresh(lambda guest, _functions: guest.manifest(export), self._reader(export, decode))

    def _in_fresh(self, work: _Work, read: Callable[[bytes], T]) -> T:
        interrupt = EpochInterrupt(self._plugin.module.engine)

        def run(functions: HostFunctions) -> T:
            instance = self._instance(interrupt, functions)
            try:
                answer = work(instance, functions)
                instance.close(reuse=not self._closed)
            finally:
                instance.close()
            return read(answer)

        return self._run(run, interrupt)

    def _in_kept(self, work: _Work, read: Callable[[bytes], T]) -> T:
        with self._kept_lock():
            kept, self._kept = self._kept, None
            interrupt = EpochInterrupt(self._plugin.module.engine) if kept is None else kept[1]

            def run(functions: HostFunctions) -> tuple[Instance, T]:
                instance = self._instance(interrupt, functions) if kept is None else kept[0]
                try:
                    return instance, read(work(instance, functions))
                except BaseException:
                    instance.close()  # here, since whoever waited may be gone
                    raise

            instance, answer = self._run(run, interrupt)
            if interrupt.reason is None:
                self._kept = (instance, interrupt)
            else:
                instance.close()
            return answer

    def _reader(self, call: str, decode: Callable[[bytes], T]) -> Callable[[bytes], T]:
        """Return what reads an answer to `call`, within the limits of the check."""

        def read(answer: bytes) -> T:
            # about how many, for each takes memory many times its bytes
            values = _marks(answer)
            if values > self._limits.result_values:  # with those in strings, which are none
                values = _marks(_STRING.sub(b"", answer))
            if values > self._limits.result_values:
                allowed = f"{self._limits.result_values} values"
                raise LimitExceededError("result_values", allowed, f"{call} answered with {values} values")
            try:
                return decode(answer)
            except WireFormatError as error:
                raise GuestAnswerError(call, str(error)) from error
            except RecursionError as error:
                raise GuestAnswerError(call, "it is nested too deeply") from error
            except (ValueError, ArithmeticError) as error:
                raise GuestAnswerError(call, f"it cannot be read: {error}") from error

        return read

    def _instance(self, interrupt: EpochInterrupt, functions: HostFunctions) -> Instance:
        return Instance(self._plugin, interrupt, functions, self._wasi, self._limits)

    def _run(self, work: Callable[[HostFunctions], T], interrupt: EpochInterrupt) -> T:
        if self._closed:
            raise SandboxClosedError
        cancellation = Cancellation()

        def run(remaining: timedelta) -> T:
            of_calls = remaining - min(remaining / 10, _TO_ANSWER)
            return work(self._functions(Context(cancellation=cancellation).with_timeout(of_calls)))

        try:
            return run_guest(run, interrupt, self._limits.wall_time, self._slots())
        except BaseException:
            cancellation.cancel()
            raise


def _marks(json: bytes) -> int:
    """Count what stands before a value."""
    return json.count(b",") + json.count(b"[") + json.count(b"{")


_Work: TypeAlias = Callable[[Instance, HostFunctions], bytes]
