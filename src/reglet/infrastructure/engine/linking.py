"""Compiled code, linked for any number of guests, and calls of the engine without its package's wrappers.

The imports of a module are defined once, for all of its guests: the one that calls is the one that the thread
runs. The wrappers of wasmtime's package ask the engine for types at every call: those of a module
are read once, by our own reader.

What a guest asks at every start, and can be answered without the host, is answered by a few functions of
WebAssembly between the two: a call of the host takes its turn at the interpreter, which others are using.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings
from wasmtime import _ffi as ffi

from reglet.infrastructure.engine.compilation import DIRECT_CALLS, compiled, compiled_before
from reglet.infrastructure.process import renewed_after_fork
from reglet.infrastructure.wasi.memory import WASI_MODULE
from reglet.infrastructure.wasm.signatures import IMPORTED_MEMORY, FunctionType, ValueType, global_name

if TYPE_CHECKING:
    from reglet.infrastructure.wasm.signatures import FunctionImport, Signatures

MakeMemory: TypeAlias = Callable[[wasmtime.Store], wasmtime.Memory]
"""Makes the memory of one guest, filled."""


class _Number(NamedTuple):
    """A type of numbers; as the engine passes it, one takes 16 bytes and is at their start."""

    of_engine: wasmtime.ValType
    read: str
    """How `struct` reads it, with what pads it."""
    written: Any


_NUMBERS = {
    ValueType.I32: _Number(wasmtime.ValType.i32(), "i12x", ctypes.c_int32),
    ValueType.I64: _Number(wasmtime.ValType.i64(), "q8x", ctypes.c_int64),
    ValueType.F32: _Number(wasmtime.ValType.f32(), "f12x", ctypes.c_float),
    ValueType.F64: _Number(wasmtime.ValType.f64(), "d8x", ctypes.c_double),
}
_INTEGERS = {ValueType.I32, ValueType.I64}

REFERENCE = bindings.wasmtime_extern_t.of.offset
"""Where a reference to what is exported begins in it."""

_HELD, _RELEASED = (kind(str(ffi.filename)) for kind in (ctypes.PyDLL, ctypes.CDLL))
"""The library that is loaded already, called with the interpreter held, or released."""


def short_call(name: str) -> Any:
    """Return a function of the engine that is so short that to release the interpreter takes longer.

    Where several threads run guests, each release is also a chance to wait for the others.
    """
    return _engine_function(_HELD, name)


def long_call(name: str) -> Any:
    """Return a function of the engine that other threads of the interpreter do not wait for."""
    return _engine_function(_RELEASED, name)


def _engine_function(library: ctypes.CDLL, name: str) -> Any:
    """Return a function that takes and returns pointers as integers: no object is made of each."""
    declared, function = getattr(bindings, f"_{name}"), getattr(library, name)
    function.restype, *function.argtypes = (
        ctypes.c_void_p if hasattr(kind, "contents") else kind
        for kind in (declared.restype, *declared.argtypes)
    )
    return function


store_context = short_call("wasmtime_store_context")
memory_data = short_call("wasmtime_memory_data")
_instance_export_get = short_call("wasmtime_instance_export_get")
_set_wasi = short_call("wasmtime_context_set_wasi")
_wasi_config = short_call("wasi_config_new")
_global_get = short_call("wasmtime_global_get")
_linker_define = short_call("wasmtime_linker_define")

_instantiate = long_call("wasmtime_linker_instantiate")
_instantiate_own = short_call("wasmtime_linker_instantiate")
"""For code of this SDK's own, which runs nothing at its start."""
_define_instance = short_call("wasmtime_linker_define_instance")
_instance_new = short_call("wasmtime_instance_new")
if sys.platform != "linux":  # where a memory may be copied, and not mapped
    _instance_new = long_call("wasmtime_instance_new")

NOT_DROPPED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
"""What the engine calls in the end for a number that it was given: nothing."""


class _Import(NamedTuple):
    """A function that a module imports, and how its values are passed."""

    wanted: FunctionImport
    arguments: Any
    """The type of the memory that they are in."""
    read: Callable[[Any], tuple[Any, ...]]
    result: Any
    """The type of the result; None without one."""

    @classmethod
    def of(cls, wanted: FunctionImport) -> _Import:
        kind = struct.Struct("=" + "".join(_NUMBERS[each].read for each in wanted.type.parameters))
        results = [_NUMBERS[each].written for each in wanted.type.results]  # one at most
        return cls(wanted, ctypes.c_char * kind.size, kind.unpack, results[0] if results else None)


_DIRECT = """
(module
  (import "{}" "{}" (memory 0))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $engine_clock (param i32 i64 i32) (result i32)))
  (import "host" "clock_time_get" (func $host_clock (param i32 i64 i32) (result i32)))
  (import "host" "environ_sizes_get" (func $host_sizes (param i32 i32) (result i32)))
  (import "host" "fd_prestat_get" (func $host_preopen (param i32 i32) (result i32)))
  (export "memory" (memory 0))
  (func $has (param $address i32) (param $size i64) (result i32)
    (i64.le_u
      (i64.add (i64.extend_i32_u (local.get $address)) (local.get $size))
      (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16))))
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $to i32) (result i32)
    (if (i32.and
          (i32.le_u (local.get $clock) (i32.const 1))
          (i32.and
            (i32.eqz (i32.and (local.get $to) (i32.const 7)))
            (call $has (local.get $to) (i64.const 8))))
      (then
        (return (call $engine_clock (local.get $clock) (local.get $precision) (local.get $to)))))
    (call $host_clock (local.get $clock) (local.get $precision) (local.get $to)))
  (func (export "environ_sizes_get") (param $count i32) (param $size i32) (result i32)
    (if (i32.and
          (call $has (local.get $count) (i64.const 4))
          (call $has (local.get $size) (i64.const 4)))
      (then
        (i32.store (local.get $count) (i32.const 0))
        (i32.store (local.get $size) (i32.const 0))
        (return (i32.const 0))))
    (call $host_sizes (local.get $count) (local.get $size)))
  (func (export "environ_get") (param $pointers i32) (param $strings i32) (result i32)
    (i32.const 0))
  (func (export "fd_prestat_get") (param $number i32) (param $to i32) (result i32)
    (if (i32.eq (local.get $number) (i32.const 3))
      (then (return (i32.const 8))))  ;; BADF
    (call $host_preopen (local.get $number) (local.get $to))))
""".format(*IMPORTED_MEMORY)
"""What is answered to a guest that has this machine's clocks, no variables and no directories.

What the engine would end the guest for is left to the host, which answers with an error.
"""

_I32 = ValueType.I32
_DIRECT_TYPES = {
    "clock_time_get": FunctionType((_I32, ValueType.I64, _I32), (_I32,)),
    "environ_sizes_get": FunctionType((_I32, _I32), (_I32,)),
    "environ_get": FunctionType((_I32, _I32), (_I32,)),
    "fd_prestat_get": FunctionType((_I32, _I32), (_I32,)),
}


def direct_calls(*, fuel: bool = False) -> wasmtime.Module:
    """Return what answers some functions of preview 1 without the host, see `LinkedModule`."""
    key = f"direct {hashlib.sha256(_DIRECT.encode()).hexdigest()}"
    before = compiled_before(key, fuel=fuel, kept=DIRECT_CALLS)
    return before or compiled(bytes(wasmtime.wat2wasm(_DIRECT)), key, fuel=fuel, kept=DIRECT_CALLS)


class _Linkers(NamedTuple):
    """What the parts of one guest are put together with, one guest after the other."""

    code: wasmtime.Linker
    direct: wasmtime.Linker | None


class LinkedModule:
    """Compiled code with its imports defined, for any number of guests at once."""

    def __init__(
        self,
        code: wasmtime.Module,
        signatures: Signatures,
        memory: wasmtime.Module | MakeMemory | None = None,
        *,
        engine: wasmtime.Engine,
        direct: wasmtime.Module | None = None,
    ) -> None:
        """Link the code.

        Args:
            code: exports its memory as `memory`. Code that imports it has no start function.
            signatures: the types of its imports and exports.
            memory: exports the memory that the code imports, or makes it; None if the code has its own.
            engine: what the code was compiled for.
            direct: what `direct_calls` returned, for code that imports its memory and all that is answered
                there.
        """
        self.engine = engine
        self._code = code
        self.signatures = signatures
        self.imports = [_Import.of(each) for each in signatures.functions]
        self.callable = {
            name: (len(kind.parameters), next((_NUMBERS[each].written for each in kind.results), None))
            for name, kind in signatures.exports.items()
            if isinstance(kind, FunctionType)
            and len(kind.results) <= 1
            and _INTEGERS.issuperset(kind.parameters + kind.results)
        }
        """By name, the exported functions of integers: how many each takes, and the type of its result."""
        self._memory = memory
        types = {each.name: each.type for each in signatures.functions if each.module == WASI_MODULE}
        self._direct = direct if _DIRECT_TYPES.items() <= types.items() else None
        self.often_written: list[tuple[int, int]] = []
        """What guests write of their memory: from where in it, and how many bytes."""
        self.examples = 0
        """How many guests were looked at for that."""
        self._pristine: tuple[wasmtime.Store, int] | None = None
        self._pristine_lock = renewed_after_fork(threading.Lock)
        self._free: dict[bool, list[_Linkers]] = {False: [], True: []}
        """As many as guests have been started at one time: a memory is defined in one before it is used.

        They are told apart by whether something answers without the host, for what was defined there stays.
        """

    def instantiate(self, store: wasmtime.Store, context: int, *, direct: bool) -> Any:
        """Make an instance in a store, whose guest is the running one.

        `direct` says whether the guest may be answered without the host where that is possible.
        """
        direct = direct and self._direct is not None
        free = self._free[direct]
        try:
            linkers = free.pop()
        except IndexError:
            linkers = self._linkers(direct=direct)
        try:
            if self._memory is not None:
                if isinstance(self._memory, wasmtime.Module):
                    memory = _memory_of(self._memory, context)
                else:
                    memory = self._memory(store)._as_extern()  # noqa: SLF001
                self._define_memory(linkers.code, context, memory)
                if linkers.direct is not None:
                    assert self._direct is not None
                    self._define_memory(linkers.direct, context, memory)
                    start_clock(context)
                    answering = _instance_of(linkers.direct, context, self._direct, _instantiate_own)
                    error = _define_instance(
                        linkers.code.ptr(), context, *_buffer(WASI_MODULE), ctypes.byref(answering)
                    )
                    raise_failure(error)
            instantiate = _instantiate if self._memory is None else _instantiate_own
            return _instance_of(linkers.code, context, self._code, instantiate)
        finally:
            free.append(linkers)

    def pristine_memory(self) -> int | None:
        """Return where a memory lies as its guests begin with, and which none of them has.

        None for code that may hold more of a guest than its memory: all that does not import it.
        """
        if not isinstance(self._memory, wasmtime.Module):
            return None
        with self._pristine_lock():
            if self._pristine is None:
                store = wasmtime.Store(self.engine)
                context = store_context(store.ptr())
                memory = _memory_of(self._memory, context)
                self._pristine = store, memory_data(context, ctypes.byref(memory, REFERENCE))
            return self._pristine[1]

    @staticmethod
    def _define_memory(linker: wasmtime.Linker, context: int, memory: Any) -> None:
        where = (*_buffer(IMPORTED_MEMORY[0]), *_buffer(IMPORTED_MEMORY[1]))
        raise_failure(_linker_define(linker.ptr(), context, *where, ctypes.byref(memory)))

    def _linkers(self, *, direct: bool) -> _Linkers:
        made = _Linkers(wasmtime.Linker(self.engine), wasmtime.Linker(self.engine) if direct else None)
        made.code.allow_shadowing = True
        if made.direct is not None:
            made.direct.allow_shadowing = True
            made.direct.define_wasi()
        for number, each in enumerate(self.signatures.functions):
            signature = wasmtime.FuncType(
                [_NUMBERS[kind].of_engine for kind in each.type.parameters],
                [_NUMBERS[kind].of_engine for kind in each.type.results],
            )
            for linker, module in ((made.code, each.module), (made.direct, "host")):
                if linker is not None:
                    error = bindings.wasmtime_linker_define_func_unchecked(
                        linker.ptr(),
                        *_buffer(module),
                        *_buffer(each.name),
                        signature.ptr(),
                        _ON_CALL,
                        number,
                        NOT_DROPPED,
                    )
                    raise_failure(error)
        return made


def start_clock(context: int) -> None:
    """Have the engine's own clock, which answers directly, start now for the guest of a store."""
    raise_failure(_set_wasi(context, _wasi_config()))


def _memory_of(module: wasmtime.Module, context: int) -> Any:
    """Make an instance of a module that has no imports, and return the memory that it exports."""
    instance, trap = bindings.wasmtime_instance_t(), ctypes.c_void_p()
    error = _instance_new(context, module.ptr(), None, 0, ctypes.byref(instance), ctypes.byref(trap))
    raise_failure(error, trap.value)
    return export_of(context, instance, "memory")


def _instance_of(linker: wasmtime.Linker, context: int, code: wasmtime.Module, instantiate: Any) -> Any:
    instance, trap = bindings.wasmtime_instance_t(), ctypes.c_void_p()
    error = instantiate(linker.ptr(), context, code.ptr(), ctypes.byref(instance), ctypes.byref(trap))
    raise_failure(error, trap.value)
    return instance


def export_of(context: int, instance: Any, name: str) -> Any:
    """Return what a guest exports under a name that its types list, as the engine refers to it."""
    item = _export(context, instance, name)
    assert item is not None
    return item


def _export(context: int, instance: Any, name: str) -> Any:
    item = bindings.wasmtime_extern_t()
    found = _instance_export_get(context, ctypes.byref(instance), *_buffer(name), ctypes.byref(item))
    return item if found else None


class Globals:
    """The variables outside of memory of an instance whose code imports its memory."""

    def __init__(self, context: int, instance: Any) -> None:
        self._context = context
        self._references: list[Any] = []
        """They keep what they refer to."""
        while (item := _export(context, instance, global_name(len(self._references)))) is not None:
            self._references.append(ctypes.byref(item, REFERENCE))

    def values(self) -> list[object]:
        """Return what they hold now; something that equals nothing for what is no integer."""
        value: Any = bindings.wasmtime_val_t()
        values: list[object] = []
        for reference in self._references:
            _global_get(self._context, reference, ctypes.byref(value))
            if value.kind == ffi.WASMTIME_I32.value:
                values.append(value.of.i32)
            else:
                values.append(value.of.i64 if value.kind == ffi.WASMTIME_I64.value else object())
        return values


@cache
def _buffer(name: str) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Return a name as the engine takes it, with its length."""
    encoded = name.encode()
    return ctypes.create_string_buffer(encoded), len(encoded)


def raise_failure(error: Any, trap: Any = None) -> None:
    """Raise what a pointer that is not null points to, as the wrappers do."""
    if error:
        raised = ctypes.cast(error, ctypes.POINTER(bindings.wasmtime_error_t))
        raise wasmtime.WasmtimeError._from_ptr(raised)  # noqa: SLF001
    if trap:
        raise wasmtime.Trap._from_ptr(ctypes.cast(trap, ctypes.POINTER(bindings.wasm_trap_t)))  # noqa: SLF001


class Answering(Protocol):
    """A guest, as its calls of the host find it."""

    def answer(self, number: int, values: int) -> None:
        """Answer a call of an import: arguments are read at an address, and the result is written there."""
        ...

    def fail(self, error: BaseException) -> None:
        """Keep what failed of ours."""
        ...


class _Running(threading.local):
    """What a thread runs now."""

    guest: Answering | None = None


running = _Running()


def _on_call(number: int | None, _caller: int, values: int, count: int) -> int:
    """Answer a call of a guest. Nothing may be raised here: the guest gets a zero, its caller the failure."""
    guest = running.guest
    assert guest is not None
    try:
        guest.answer(number or 0, values)
    except BaseException as error:  # noqa: BLE001 - must not pass through the engine
        guest.fail(error)
        if count:
            ctypes.c_int64.from_address(values).value = 0
    return 0


_CALL = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(
    _on_call
)
_ON_CALL = ctypes.cast(_CALL, bindings.wasmtime_func_unchecked_callback_t)
