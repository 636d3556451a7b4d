"""The runtime, and guests of it under the deterministic system: what a build runs."""

from __future__ import annotations

import ctypes
from functools import partial
from typing import TYPE_CHECKING, Self

import wasmtime
from attrs import frozen

from reglet.infrastructure import SDK_ROOT, STANDARD_LIBRARY_ROOT
from reglet.infrastructure.build import BuildError
from reglet.infrastructure.engine import GuestSession, LinkedModule, compiled_code, engine
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasi.tree import ReadOnlyTree
from reglet.infrastructure.wasm.module import read_signatures
from reglet.infrastructure.wasm.sections import PAGE_SIZE
from reglet.infrastructure.wasm.snapshot import memory_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.engine import HostFunction
    from reglet.infrastructure.runtime import RuntimeModule
    from reglet.infrastructure.wasi.tree import Directory
    from reglet.infrastructure.wasm.signatures import FunctionImport, Signatures

_MOST_MEMORY = 4096 * PAGE_SIZE
"""As in production: what needs more to be imported could not run there."""
_EPOCHS = 16
"""Epochs that a guest lives through: others share the engine, and Ctrl-C moves on until it stops."""
_CLOCK_START = 1_600_000_000_000_000_000
_SEED = b"reglet"
_ENVIRONMENT = {
    "PYTHONHOME": STANDARD_LIBRARY_ROOT,
    "PYTHONPATH": f"{STANDARD_LIBRARY_ROOT}:{SDK_ROOT}",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
}


class GuestError(BuildError):
    """The guest failed in a way that no plugin should be able to cause."""


class GuestStoppedError(BuildError):
    """The guest ended in the middle of its work.

    Attributes:
        output: what it had written.
    """

    def __init__(self, why: str, output: str) -> None:
        super().__init__(why)
        self.output = output


@frozen
class Runtime:
    """The runtime, ready to start guests of.

    Attributes:
        module: the module.
        code: the module's code, compiled for this machine, which imports its memory.
        signatures: the types of its imports and exports.
    """

    module: RuntimeModule
    code: wasmtime.Module
    signatures: Signatures

    @classmethod
    def of(cls, module: RuntimeModule, key: str | None = None) -> Self:
        """Compile the module where this machine has not done so before; `key` names its content."""
        return cls(module, compiled_code(module.wasm, key), read_signatures(module.wasm))


class Guest:
    """A running interpreter. It is a context manager; nothing of it may be used afterwards.

    Args:
        runtime: the runtime.
        folders: what is seen where, by absolute guest path.
        image: a memory to go on from; None starts the interpreter.
        environment: further variables of the interpreter.
    """

    def __init__(
        self,
        runtime: Runtime,
        folders: Mapping[str, Directory],
        image: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._module = runtime.module
        self._written: list[bytes] = []
        self.refused_calls: list[str] = []
        self.clock = SteppingClock(_CLOCK_START)
        self.random = HashedRandom(_SEED)
        system = System(
            clock=self.clock,
            random=self.random,
            preopens=[(path, ReadOnlyTree(folder)) for path, folder in folders.items()],
            environment=_ENVIRONMENT | dict(environment or {}),
            stdout=self._written.append,
            stderr=self._written.append,
        )
        code = LinkedModule(
            runtime.code, runtime.signatures, partial(_memory, runtime, image), engine=engine()
        )
        self._session = GuestSession(code, system, self._refusal)
        try:
            self._session.store.set_epoch_deadline(_EPOCHS)
            self._session.store.set_limits(memory_size=_MOST_MEMORY)
            self._session.start()
            for name in () if image else (*self._module.constructors, "_python_initialize"):
                self._call(name)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the guest."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of the guest's memory and files."""
        self.close()

    def close(self) -> None:
        """Let go of the guest's memory and files."""
        self._session.close()

    def run(self, source: str) -> bytes:
        """Run Python source as `__main__`; return what was written to both output streams.

        Raises:
            GuestError: the source raised; the message has its traceback.
            GuestStoppedError: the guest trapped or ended the program.
        """
        content = source.encode() + b"\0"
        self._written.clear()
        address = self._call("allocate", len(content))
        self._session.memory.write(address, content)
        failed = self._call("_run", address)
        self._call("deallocate", address, len(content))
        output = b"".join(self._written)
        if failed:
            raise GuestError(f"the guest raised:\n{output.decode(errors='replace')}")
        return output

    def memory(self) -> bytes:
        """Return the memory as it is, for another guest that sees the same folders."""
        return self._session.memory.read_all()

    def open_files(self) -> list[str]:
        """Return the paths of the files that were left open."""
        return [each.guest_path for each in self._session.system.descriptors.opened_by_guest()]

    def keep_objects(self) -> None:
        """Have functions, classes, modules and what the SDK made stay for good, without counted references.

        A guest that only uses them does not write to their pages of memory, then.
        """
        self._call("_keep_objects")

    def image(self, host_functions: int = 0) -> bytes:
        """Return the memory without what belongs to this process. The guest must not be run afterwards.

        Args:
            host_functions: the mask of those that the plugin may call.
        """
        self._call("_declare_host_functions", host_functions)
        self._call("_forget_process_state")
        memory = bytearray(self._session.memory.read_all())
        zero_free_memory(memory, self._module.heap_base, self._module.stack_size)
        return bytes(memory)

    def _refusal(self, wanted: FunctionImport) -> HostFunction:
        def refuse(_request: int) -> int:
            self.refused_calls.append(wanted.name)
            return 0

        return refuse

    def _call(self, name: str, *arguments: int) -> int:
        try:
            answer = self._session.call(name, *arguments)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            why = "it ends the program"
            if self._session.system.exit_status is None:
                why = f"the interpreter crashed: {str(error).strip().splitlines()[-1].strip()}"
            output = b"".join(self._written).decode(errors="replace")
            raise GuestStoppedError(why, output) from error
        failure = self._session.system.failure
        if isinstance(failure, BuildError):
            raise failure
        if failure is not None:
            raise GuestError(f"a file could not be shown to the guest: {failure}") from failure
        return answer


def _memory(runtime: Runtime, image: bytes | None, store: wasmtime.Store) -> wasmtime.Memory:
    """Make a guest's memory: as an image says, or as the runtime begins."""
    if image is None:
        begins = wasmtime.Module(engine(), memory_module(runtime.module.wasm))
        memory = wasmtime.Instance(store, begins, []).exports(store)["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return memory
    made = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(len(image) // PAGE_SIZE, None)))
    ctypes.memmove(made.data_ptr(store), image, len(image))
    return made


# Stale bytes in free memory cost a plugin size and load time, so they are filled with zeros. wasi-libc's
# allocator is dlmalloc. Its heap is one run of chunks from the heap's base to the top chunk. Each begins with
# the size of the chunk before it, if that is free, and its own size, whose two lowest bits say whether the
# chunk before it and it itself are in use.

_ALIGNMENT = 16
_HEADER_SIZE = 8
_PREVIOUS_IN_USE, _IN_USE, _FLAGS = 1, 2, 7
_SMALL = 256
_SMALL_LINKS, _TREE_LINKS = 16, 32
"""Bytes at the start of a free chunk that the allocator's lists and trees use."""
_LEAST_CHUNKS_END = 64
"""Bytes: a free chunk that ends nearer to the memory's end is the top chunk; the allocator's foot follows."""


class HeapError(BuildError):
    """The heap is not as this file knows it: the runtime has another allocator."""


def zero_free_memory(memory: bytearray, heap_base: int, stack_size: int) -> None:
    """Zero the free chunks, the rest of the top chunk, and the stack, on which nothing lives between calls.

    Raises:
        HeapError: the chunks do not fit together.
    """
    *chunks, (top, top_size) = free_chunks(memory, heap_base)
    for address, size in chunks:
        keep = _SMALL_LINKS if size < _SMALL else _TREE_LINKS
        if size > keep:
            memory[address + keep : address + size] = bytes(size - keep)
    memory[top + _HEADER_SIZE : top + top_size] = bytes(top_size - _HEADER_SIZE)
    memory[:stack_size] = bytes(stack_size)


def free_chunks(memory: bytes | bytearray, heap_base: int) -> list[tuple[int, int]]:
    """Return (address, size) of each free chunk in order, the top chunk last.

    All chunks are looked at, about 60,000: so this is one loop over the memory as 32-bit words.

    Raises:
        HeapError: the chunks do not fit together.
    """
    free: list[tuple[int, int]] = []
    length = len(memory)
    at = (heap_base + _HEADER_SIZE + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT - _HEADER_SIZE
    previous_in_use = _PREVIOUS_IN_USE
    with memoryview(memory) as view, view.cast("I") as words:
        while at + _HEADER_SIZE <= length:
            head = words[(at >> 2) + 1]
            size = head & ~_FLAGS
            if (
                not size
                or size % _ALIGNMENT
                or at + size > length
                or head & _PREVIOUS_IN_USE != previous_in_use
            ):
                raise HeapError(
                    f"the heap is damaged at {at:#x} (chunk of {size} bytes); report this as a bug"
                )
            if head & _IN_USE:
                previous_in_use = _PREVIOUS_IN_USE
            else:
                previous_in_use = 0
                free.append((at, size))
                if length - at - size < _LEAST_CHUNKS_END:
                    return free
            at += size
    raise HeapError(f"the heap runs past the memory at {at:#x}; report this as a bug")
