"""A plugin's file, looked at, compiled and linked: what instances are made of.

What makes it a plugin is its format, its imports and its exports (ABI section 1). The types of a foreign
module are read by our own reader: the engine's C interface ends the process at some of them.

A plugin that this SDK built has the runtime's code and a memory of its own. So the runtime's code, which
imports its memory, is compiled once for all plugins, and of each plugin only its memory: a module without
code, which the engine maps copy-on-write. Any other module is compiled as it is, in a process of its own.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from itertools import chain, combinations
from typing import TYPE_CHECKING

import wasmtime
from attrs import evolve, frozen

from reglet.domain.ports import LOG_FUNCTION
from reglet.infrastructure.engine import (
    MEMORY_IMAGES,
    CompilationError,
    LinkedModule,
    compiled,
    compiled_apart,
    compiled_before,
    compiled_code,
    direct_calls,
    engine,
)
from reglet.infrastructure.host.errors import LimitExceededError, NotAPluginError
from reglet.infrastructure.process import keep_last, renewed_after_fork
from reglet.infrastructure.wasi.memory import WASI_MODULE
from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.signatures import (
    NEWER_EXPORTS,
    OLDER_EXPORTS,
    FunctionType,
    SizeLimits,
    ValueType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reglet.infrastructure.host.errors import Limits
    from reglet.infrastructure.wasm.module import PluginModule
    from reglet.infrastructure.wasm.signatures import HostFunctionSlot, Signatures


_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"

_I32, _I64 = ValueType.I32, ValueType.I64
_NUMBERS = {_I32, _I64, ValueType.F32, ValueType.F64}
_COMMON = {
    "allocate": FunctionType((_I32,), (_I32,)),
    "deallocate": FunctionType((_I32, _I32), ()),
    "_initialize": FunctionType((), ()),
}


def import_for_first_loads() -> None:
    """Import what only a module needs that was not compiled before, which the functions here import else.

    Whoever imports other things in a thread meanwhile calls this first: threads that import may wait for each
    other.
    """
    import subprocess

    from reglet.infrastructure.wasm import module, snapshot

    del module, snapshot, subprocess


def check_header(binary: bytes, source: str) -> None:
    """Raise `NotAPluginError` unless the bytes begin as a core module."""
    if not binary.startswith(_MAGIC):
        raise NotAPluginError(source, "it is not WebAssembly; build it with `reglet-plugin build`")
    version = binary[4:8]
    if version == _COMPONENT:
        raise NotAPluginError(source, "it is a component; build it with `--target core`")
    if version != _CORE:
        raise NotAPluginError(
            source, f"its WebAssembly version is {version.hex() or 'missing'}, not 01000000"
        )


def check_signatures(binary: bytes, source: str) -> Signatures:
    """Return what a module imports and exports; raise `NotAPluginError` unless a host can serve it."""
    # for foreign modules alone
    from reglet.infrastructure.wasm.module import TooLargeError, check_counts, read_signatures
    from reglet.infrastructure.wasm.snapshot import HOST_MODULE
    from reglet.infrastructure.wire.host_functions import HOST_FUNCTION_NAMES

    try:
        check_counts(binary)
        signatures = read_signatures(binary)
    except TooLargeError as error:
        raise NotAPluginError(source, error.reason) from error
    except ModuleFormatError as error:
        raise NotAPluginError(source, f"it does not validate: {error.reason}") from error
    imports = [(each.module, each.name, each.type) for each in signatures.functions]
    for module, function, kind in [*imports, *((*names, None) for names in signatures.others)]:
        name = f"{module}.{function}"
        if module == HOST_MODULE and function in HOST_FUNCTION_NAMES:
            wanted = FunctionType((_I64,), () if function == LOG_FUNCTION else (_I64,))
            _check_type(source, f"import {name}", kind, wanted)
        elif module == HOST_MODULE:
            known = ", ".join(HOST_FUNCTION_NAMES)
            raise NotAPluginError(source, f"it imports {name}; the host functions are {known}")
        elif module != WASI_MODULE:
            raise NotAPluginError(
                source, f"it imports {name}; hosts give {HOST_MODULE} and {WASI_MODULE} alone"
            )
        else:
            # an error number, except for the function that does not return
            results = () if function == "proc_exit" else (_I32,)
            if kind is None or kind.results != results or not _NUMBERS.issuperset(kind.parameters):
                raise NotAPluginError(source, f"its import {name} has not the type that preview 1 gives it")
    calls_older_exports(signatures, source)
    return signatures


def calls_older_exports(signatures: Signatures, source: str, *, asked: bool = False) -> bool:
    """Return whether a host calls the older app's exports: where that is asked for, or there are no others.

    Raises `NotAPluginError` where what a host calls is not there, or has another type.
    """
    exports = signatures.exports
    older = asked or (not exports.keys() >= NEWER_EXPORTS.keys() and exports.keys() >= OLDER_EXPORTS.keys())
    called = OLDER_EXPORTS if older else NEWER_EXPORTS
    missing = [name for name in ("memory", "allocate", *called) if name not in exports]
    if missing:
        raise NotAPluginError(source, f"it does not export {', '.join(missing)}")
    if not isinstance(exports["memory"], SizeLimits):
        raise NotAPluginError(source, "its export memory is not a memory of 32 bits and of its own")
    for name, wanted in (_COMMON | called).items():
        if name in exports:
            _check_type(source, f"export {name}", exports[name], wanted)
    return older


def _check_type(source: str, what: str, actual: object, wanted: FunctionType) -> None:
    if actual != wanted:
        seen = str(actual) if isinstance(actual, FunctionType) else "not a function"
        raise NotAPluginError(source, f"its {what} is {seen}, not {wanted}")


_MOST_RECENT = 4
_recent: dict[tuple[str, bool], CompiledPlugin] = {}
"""By digest, and whether it counts fuel; the one used last comes last."""
_recent_lock = renewed_after_fork(threading.Lock)


@frozen(eq=False, repr=False)
class CompiledPlugin:
    """A module ready to be instantiated.

    Attributes:
        source: what it is called in messages.
        digest: SHA-256 of the file, hexadecimal.
        module: the compiled code with its imports.
        shares_code: whether the code is that of the runtime.
        room: addresses in a guest's memory that are left to its host; none where the code is another one.
    """

    source: str
    digest: str
    module: LinkedModule
    shares_code: bool
    room: range


def load_plugin(
    binary: bytes,
    source: str,
    limits: Limits,
    runtime: SharedRuntime | None = None,
    digest: str | None = None,
) -> CompiledPlugin:
    """Look at a plugin's file and compile it, from the cache on disk where it was compiled before.

    The last few are kept in memory, so that to load a file again costs little more than to read it.

    Args:
        binary: the file.
        source: what it is called in messages.
        limits: how much time and memory compiling may take, and whether fuel is counted.
        runtime: whose code plugins may share.
        digest: SHA-256 of the file, hexadecimal, where it is known.

    Raises:
        NotAPluginError: it is not WebAssembly, a component, or no Reglet plugin; the message names which.
        LimitExceededError: it takes too much to compile it.
    """
    check_header(binary, source)
    fuel = limits.fuel is not None
    digest = digest or hashlib.sha256(binary).hexdigest()
    with _recent_lock():
        plugin = _recent.pop((digest, fuel), None)
    if plugin is not None:
        plugin = evolve(plugin, source=source)
    else:
        shared = runtime.module_of(binary, digest, fuel=fuel) if runtime else None
        if runtime is not None and shared is not None:
            plugin = CompiledPlugin(source, digest, shared, shares_code=True, room=runtime.room)
        else:
            module = _foreign(binary, source, digest, limits)
            plugin = CompiledPlugin(source, digest, module, shares_code=False, room=range(0))
    with _recent_lock():
        keep_last(_recent, (digest, fuel), plugin, _MOST_RECENT)
    return plugin


def _foreign(binary: bytes, source: str, digest: str, limits: Limits) -> LinkedModule:
    signatures = check_signatures(binary, source)
    fuel = limits.fuel is not None
    try:
        code = compiled_before(digest, fuel=fuel) or compiled_apart(
            binary,
            digest,
            fuel=fuel,
            seconds=limits.compile_time.total_seconds(),
            memory=limits.compile_memory,
        )
    except CompilationError as error:
        if not error.limit:
            raise NotAPluginError(source, str(error)) from error
        allowed = {
            "compile_time": f"{limits.compile_time.total_seconds():g} s",
            "compile_memory": f"{limits.compile_memory} bytes",
        }
        what = f"{source} takes too much to compile"
        raise LimitExceededError(
            error.limit, allowed[error.limit], what, is_timeout=error.limit == "compile_time"
        ) from error
    return LinkedModule(code, signatures, engine=engine(fuel=fuel))


_LARGEST_MEMORY = 256 * 1024 * 1024
"""Bytes that a plugin's memory begins with; one with more is left to the engine as it is."""

_FORMAT = 2
"""Of what is kept: a new number makes entries of the old form unknown."""


class SharedRuntime:
    """One runtime, whose code plugins share that have no other, but for what they left out of it.

    That are host functions, what runs before a snapshot alone, and parts that its modules do not need.

    With the runtime's code, a plugin that dropped a host function could still call it, if it wrote its own
    memory; the host asks the policy all the same.
    """

    def __init__(
        self,
        module: bytes,
        slots: Mapping[str, HostFunctionSlot],
        key: str | None = None,
        startup: Sequence[tuple[int, int]] = (),
        optional: Sequence[Sequence[tuple[int, int]]] = (),
        room: range = range(0),
        signatures: Signatures | None = None,
    ) -> None:
        """Take the runtime.

        Args:
            module: its module.
            slots: where it calls host functions.
            key: the name of its content; by default its digest.
            startup: where its code section has functions that every plugin leaves out.
            optional: where it has those of each part that a plugin may leave out.
            room: addresses that are left to the host.
            signatures: what it imports and exports, where that is known.
        """
        self._module = module
        self._given_signatures = signatures
        self._slots = slots
        self._startup = startup
        self._optional = optional
        self.room = room
        self._key = key or hashlib.sha256(module).hexdigest()
        self._code: dict[bool, wasmtime.Module] = {}
        self._direct: dict[bool, wasmtime.Module] = {}

    def module_of(self, binary: bytes, digest: str, *, fuel: bool = False) -> LinkedModule | None:
        """Return a plugin as the runtime's code over its memory; None if its code is not the runtime's.

        `digest` is the SHA-256 of the plugin: its compiled memory is kept under it on disk.
        """
        key = f"{_FORMAT} {digest} {self._key}"
        memory = compiled_before(key, fuel=fuel, kept=MEMORY_IMAGES)
        if memory is None:
            if not self._is_code_of(binary):
                return None
            from reglet.infrastructure.wasm.snapshot import memory_module

            memory = compiled(memory_module(binary), key, fuel=fuel, kept=MEMORY_IMAGES)
        if fuel not in self._code:
            self._code[fuel] = compiled_code(self._module, self._key, fuel=fuel)
            self._direct[fuel] = direct_calls(fuel=fuel)
        return LinkedModule(
            self._code[fuel],
            self._signatures,
            memory,
            engine=engine(fuel=fuel),
            direct=self._direct[fuel],
        )

    @cached_property
    def _signatures(self) -> Signatures:
        if self._given_signatures is not None:
            return self._given_signatures
        from reglet.infrastructure.wasm.module import read_signatures

        return read_signatures(self._module)

    @cached_property
    def _parsed(self) -> PluginModule:
        from reglet.infrastructure.wasm.module import read_plugin
        from reglet.infrastructure.wasm.snapshot import without_functions

        return read_plugin(without_functions(self._module, self._startup))

    def _is_code_of(self, binary: bytes) -> bool:
        """Whether a plugin, which was not compiled before, has this code."""
        from reglet.infrastructure.wasm.module import read_plugin
        from reglet.infrastructure.wasm.sections import PAGE_SIZE, SectionId
        from reglet.infrastructure.wasm.snapshot import (
            HOST_MODULE,
            code_sections,
            without_functions,
            without_host_functions,
        )

        try:
            plugin = read_plugin(binary)
        except ModuleFormatError:
            return False
        parts = self._parts_left_out(plugin.section_sizes.get(SectionId.CODE, 0))
        if plugin.memory is None or parts is None:
            return False
        end = max((address + len(contents) for address, contents in plugin.data), default=0)
        if end > min(plugin.memory.minimum * PAGE_SIZE, _LARGEST_MEMORY):
            return False
        ours = {each.name: each for each in self._parsed.exports}
        if any(ours.get(each.name) != each for each in plugin.exports):
            return False
        dropped = set(self._slots) - set(plugin.imported_functions(HOST_MODULE))
        runtime = without_host_functions(self._module, self._slots, dropped)
        left_out = chain(self._startup, *parts)
        return code_sections(binary) == code_sections(without_functions(runtime, left_out))

    def _parts_left_out(self, size: int) -> Sequence[Sequence[tuple[int, int]]] | None:
        """Return the optional parts without which the code section has this size; None if no choice has."""
        from reglet.infrastructure.wasm.sections import SectionId
        from reglet.infrastructure.wasm.snapshot import size_left_out

        left = self._parsed.section_sizes[SectionId.CODE] - size
        choices = chain.from_iterable(combinations(self._optional, n) for n in range(len(self._optional) + 1))
        return next((parts for parts in choices if sum(map(size_left_out, parts)) == left), None)
