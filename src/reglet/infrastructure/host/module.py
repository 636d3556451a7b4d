"""A loaded plugin: its manifest and its checks, each in a guest of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from reglet.domain.context import Cancellation, Context
from reglet.domain.errors import WireFormatError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.host.compiled_plugin import CompiledPlugin, compiled_whole
from reglet.infrastructure.host.errors import GuestAnswerError, LimitExceededError, SandboxClosedError
from reglet.infrastructure.host.instance import Instance
from reglet.infrastructure.host.interruption import EpochInterrupt, run_guest
from reglet.infrastructure.wire.go_json import encode_json
from reglet.infrastructure.wire.manifest import MANIFEST
from reglet.infrastructure.wire.result import RESULT

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.result import Result
    from reglet.infrastructure.host.limits import Limits
    from reglet.infrastructure.host.wasi_config import WasiConfig

T = TypeVar("T")

OFTEN = 64
"""How many guests a module has started when it is worth some seconds of compiling, in the background."""

FunctionsForCheck: TypeAlias = Callable[[Context], HostFunctions]
"""Returns what answers the host calls of one check, in a context with its deadline."""


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
        slots: threading.Semaphore,
    ) -> None:
        """Run `plugin`; `slots` are as many as guests may run at one moment."""
        self._plugin = plugin
        self._functions = functions
        self._wasi = wasi
        self._limits = limits
        self._slots = slots
        self._kept: tuple[Instance, EpochInterrupt] | None = None
        self._kept_lock = threading.Lock()
        self._fresh_guests = 0
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
        data = self._in_fresh(lambda instance, _functions: instance.manifest())
        try:
            return MANIFEST.decode(data)
        except WireFormatError as error:
            raise GuestAnswerError("_manifest", str(error)) from error

    def check(self, config: Mapping[str, Any] | bytes, *, fresh: bool = True, release: bool = True) -> Result:
        """Run a check and return its Result.

        Args:
            config: the plugin's config, as JSON values or as JSON.
            fresh: in a guest made for this check alone, as hosts do. Otherwise one guest is kept from check
                to check, which is quicker, and shows what a plugin carries over; such checks run one by one.
            release: give the guest its buffers back after the check, which the Go host SDK never does.
        """
        data = config if isinstance(config, bytes) else encode_json(dict(config))
        if len(data) > self._limits.request_bytes:
            allowed = f"{self._limits.request_bytes} bytes"
            raise LimitExceededError("request_bytes", allowed, f"the config is {len(data)} bytes")

        def observe(instance: Instance, functions: HostFunctions) -> bytes:
            return instance.observe(data, functions, release=release)

        answer = self._in_fresh(observe) if fresh else self._in_kept(observe)
        try:
            return RESULT.decode(answer)
        except WireFormatError as error:
            raise GuestAnswerError("_observe", str(error)) from error

    def answer(self, export: str, config: bytes | None = None) -> bytes:
        """Return what an export answers, as it is: `_manifest`, or those of the older app's form.

        `config` is for those that take one, `_observe` and `observe`.
        """
        if config is None:
            return self._in_fresh(lambda instance, _functions: instance.manifest(export))
        return self._in_fresh(lambda instance, functions: instance.observe(config, functions, export))

    def close(self) -> None:
        """Let go of the kept guest; checks after this raise `SandboxClosedError`."""
        with self._kept_lock:
            self._closed = True
            if self._kept is not None:
                self._kept[0].close()
                self._kept = None

    def _in_fresh(self, work: _Work) -> bytes:
        interrupt = EpochInterrupt(self._plugin.engine)

        def run(functions: HostFunctions) -> bytes:
            instance = self._instance(interrupt, functions)
            try:
                return work(instance, functions)
            finally:
                instance.close()

        answer = self._run(run, interrupt)
        self._fresh_guests += 1
        if self._fresh_guests == OFTEN and self._plugin.image is not None:
            threading.Thread(target=self._compile_whole, name="reglet-compile", daemon=True).start()
        return answer

    def _compile_whole(self) -> None:
        """Compile a plugin that is run often by itself: its guests then start without copying its memory."""
        self._plugin = compiled_whole(self._plugin)

    def _in_kept(self, work: _Work) -> bytes:
        with self._kept_lock:
            kept, self._kept = self._kept, None
            interrupt = EpochInterrupt(self._plugin.engine) if kept is None else kept[1]

            def run(functions: HostFunctions) -> tuple[Instance, bytes]:
                instance = self._instance(interrupt, functions) if kept is None else kept[0]
                try:
                    return instance, work(instance, functions)
                except BaseException:
                    instance.close()  # here, since whoever waited may be gone
                    raise

            instance, answer = self._run(run, interrupt)
            if interrupt.reason is None:
                self._kept = (instance, interrupt)
            else:
                instance.close()
            return answer

    def _instance(self, interrupt: EpochInterrupt, functions: HostFunctions) -> Instance:
        return Instance(self._plugin, interrupt, functions, self._wasi, self._limits)

    def _run(self, work: Callable[[HostFunctions], T], interrupt: EpochInterrupt) -> T:
        if self._closed:
            raise SandboxClosedError
        cancellation = Cancellation()

        def run() -> T:
            context = Context(cancellation=cancellation).with_timeout(self._limits.wall_time)
            return work(self._functions(context))

        try:
            return run_guest(run, interrupt, self._limits.wall_time, self._slots)
        except BaseException:
            cancellation.cancel()
            raise


_Work: TypeAlias = Callable[[Instance, HostFunctions], bytes]
