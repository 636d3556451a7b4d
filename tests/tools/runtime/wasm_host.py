"""A small host for tests: it loads a built module and calls its exports as the Go hosts do."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from reglet.infrastructure.engine import GuestSession, LinkedModule, compiled, engine
from reglet.infrastructure.host.compiled_plugin import SharedRuntime
from reglet.infrastructure.runtime import load_product
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasi.tree import MemoryFile, ReadOnlyTree, directory_of
from reglet.infrastructure.wasm.module import read_signatures
from reglet.infrastructure.wasm.sections import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reglet.infrastructure.engine import HostFunction
    from reglet.infrastructure.wasm.signatures import FunctionImport


@cache
def shared_runtime() -> SharedRuntime:
    """Return the runtime of this tree."""
    product = load_product()
    runtime = product.module
    return SharedRuntime(
        runtime.wasm, runtime.host_functions, product.key, runtime.startup, tuple(runtime.optional.values())
    )


@cache
def _linked(module: bytes) -> LinkedModule:
    """Compile a module: of one that is made of the runtime its memory alone, which takes a hundredth of the time."""
    shared = shared_runtime().module_of(module, hashlib.sha256(module).hexdigest())
    return shared or _linked_whole(module)


@cache
def _linked_whole(module: bytes) -> LinkedModule:
    return LinkedModule(compiled(module, kept="compiled"), read_signatures(module), engine=engine())


def _files(files: Mapping[str, bytes]) -> dict[str, MemoryFile]:
    return {path: MemoryFile(contents) for path, contents in files.items()}


class WasmHost:
    """One instance. Each host function gets the request and gives an answer: bytes, or a packed value as it is.

    `whole` runs the module's own code, where its host functions differ from the runtime's.
    """

    def __init__(
        self,
        module: bytes,
        host_functions: Mapping[str, Callable[[bytes], bytes | int]] | None = None,
        environment: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self.output: list[bytes] = []
        self.logged: list[bytes] = []
        self._host_functions = {"log_message": self._log, **(host_functions or {})}
        system = System(
            clock=SteppingClock(1_700_000_000_000_000_000),
            random=HashedRandom(b"test"),
            environment=environment or {},
            preopens=[("/data", ReadOnlyTree(directory_of(_files(files))))] if files else [],
            stdout=self.output.append,
            stderr=self.output.append,
        )
        code = _linked_whole(module) if whole else _linked(module)
        self._session = GuestSession(code, system, self._answering)
        self._session.store.set_epoch_deadline(1 << 62)
        self._session.start()
        self.memory = self._session.memory

    @property
    def pages(self) -> int:
        """The size of the guest's memory."""
        return len(self.memory.read_all()) // PAGE_SIZE

    def call(self, export: str, *arguments: int) -> Any:
        """Call an export."""
        return self._session.call(export, *arguments)

    def allocate(self, size: int) -> int:
        """Call `allocate`; the address as unsigned."""
        return self.call("allocate", size) & 0xFFFFFFFF

    def write(self, contents: bytes) -> int:
        """Put bytes into allocated memory; give their address."""
        address = self.allocate(len(contents))
        self.memory.write(address, contents)
        return address

    def read(self, packed: int) -> bytes:
        """Read what a packed value points to."""
        return self.memory.read(packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF)

    def observe(self, config: bytes, export: str = "_observe") -> bytes:
        """Call `_observe` and never deallocate, as the Go host SDK does."""
        return self.read(self.call(export, self.write(config), len(config)))

    def close(self) -> None:
        """End the instance."""
        self._session.close()

    def _log(self, message: bytes) -> int:
        self.logged.append(message)
        return 0

    def _answering(self, wanted: FunctionImport) -> HostFunction:
        def call(request: int) -> int | None:
            answer = self._host_functions[wanted.name](self.read(request))
            if wanted.name == "log_message":
                return None
            packed = answer if isinstance(answer, int) else self.write(answer) << 32 | len(answer)
            return packed - (1 << 64) if packed >> 63 else packed

        return call
