"""A guest: an instance of a module, its memory, and the system that it sees.

The imports of a module are defined once, for all of its guests: which guest calls is found from the number
in its store. Functions are called without the wrappers of wasmtime's package, which ask the engine for types
at every call: those of a module are read once, by our own reader.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
import weakref
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings
from wasmtime import _ffi as ffi

from reglet.infrastructure.engine.written_pages import WrittenPages
from reglet.infrastructure.wasi import WASI_MODULE, LinearMemory, function
from reglet.infrastructure.wasm.entries import ValueType
from reglet.infrastructure.wasm.signatures import FunctionType
from reglet.infrastructure.wasm.snapshot import IMPORTED_MEMORY

if TYPE_CHECKING:
    from reglet.infrastructure.wasi import System
    from reglet.infrastructure.wasm.signatures import FunctionImport, Signatures

HostFunction: TypeAlias = Callable[[int], "int | None"]
"""Takes a packed request and returns a packed answer, or None where the import has no result."""

MakeMemory: TypeAlias = Callable[[wasmtime.Store], wasmtime.Memory]
"""Makes the memory of one guest, filled."""

_MOST_VALUES = 8
"""More than any function has arguments that is called here."""

_VALUE_BYTES = 16
"""Of one value, as the engine passes it: a number of any type is at its start."""

_Values = ctypes.c_int64 * (_MOST_VALUES * _VALUE_BYTES // 8)


class _Number(NamedTuple):
    """A type of numbers."""

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

_OF = bindings.wasmtime_extern_t.of.offset
"""Where a reference to what is exported begins in it."""

_HELD, _RELEASED = (kind(str(ffi.filename)) for kind in (ctypes.PyDLL, ctypes.CDLL))
"""The library that is loaded already, called with the interpreter held, or released."""


def short_call(name: str) -> Any:
    """Return a function of the engine that is so short that to release the interpreter takes longer.

    Where several threads run guests, each release is also a chance to wait for the others.
    """
    return _function(_HELD, name)


def _function(library: ctypes.CDLL, name: str) -> Any:
    """Return a function that takes and returns pointers as integers: no object is made of each."""
    declared, function = getattr(bindings, f"_{name}"), getattr(library, name)
    function.restype, *function.argtypes = (
        ctypes.c_void_p if hasattr(kind, "contents") else kind
        for kind in (declared.restype, *declared.argtypes)
    )
    return function


_caller_context = short_call("wasmtime_caller_context")
_context_get_data = short_call("wasmtime_context_get_data")
_context_set_data = short_call("wasmtime_context_set_data")
_instance_export_get = short_call("wasmtime_instance_export_get")
_memory_data = short_call("wasmtime_memory_data")
_memory_data_size = short_call("wasmtime_memory_data_size")
_linker_define = short_call("wasmtime_linker_define")
_store_context = short_call("wasmtime_store_context")

_func_call = _function(_RELEASED, "wasmtime_func_call_unchecked")
_instance_new = _function(_RELEASED, "wasmtime_instance_new")
_linker_instantiate = _function(_RELEASED, "wasmtime_linker_instantiate")


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


class LinkedModule:
    """Compiled code with its imports defined, for any number of guests at once."""

    def __init__(
        self,
        code: wasmtime.Module,
        signatures: Signatures,
        memory: wasmtime.Module | MakeMemory | None = None,
        *,
        engine: wasmtime.Engine,
    ) -> None:
        """Link the code.

        Args:
            code: exports its memory as `memory`.
            signatures: the types of its imports and exports.
            memory: exports the memory that the code imports, or makes it; None if the code has its own.
            engine: what the code was compiled for.
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
        self.written_pages = WrittenPages()
        self._free: list[wasmtime.Linker] = []
        """As many as guests have been started at one time: a memory is defined in one before it is used."""

    def instantiate(self, store: wasmtime.Store, context: int) -> Any:
        """Make an instance in a store, where a guest session is known by its number."""
        instance, trap = bindings.wasmtime_instance_t(), ctypes.c_void_p()
        try:
            linker = self._free.pop()
        except IndexError:
            linker = self._linker()
        try:
            if self._memory is not None:
                memory = self._memory_of(store, context)
                module, name = IMPORTED_MEMORY
                where = (*_buffer(module), *_buffer(name))
                _raise(_linker_define(linker.ptr(), context, *where, ctypes.byref(memory)))
            code = self._code.ptr()
            error = _linker_instantiate(
                linker.ptr(), context, code, ctypes.byref(instance), ctypes.byref(trap)
            )
            _raise(error, trap.value)
        finally:
            self._free.append(linker)
        return instance

    def _memory_of(self, store: wasmtime.Store, context: int) -> Any:
        """Return the memory of one guest, as the engine refers to it."""
        if not isinstance(self._memory, wasmtime.Module):
            assert self._memory is not None
            return self._memory(store)._as_extern()  # noqa: SLF001
        instance, trap = bindings.wasmtime_instance_t(), ctypes.c_void_p()
        error = _instance_new(
            context, self._memory.ptr(), None, 0, ctypes.byref(instance), ctypes.byref(trap)
        )
        _raise(error, trap.value)
        return _export(context, instance, "memory")

    def _linker(self) -> wasmtime.Linker:
        linker = wasmtime.Linker(self.engine)
        linker.allow_shadowing = True
        for number, each in enumerate(self.signatures.functions):
            signature = wasmtime.FuncType(
                [_NUMBERS[kind].of_engine for kind in each.type.parameters],
                [_NUMBERS[kind].of_engine for kind in each.type.results],
            )
            error = bindings.wasmtime_linker_define_func_unchecked(
                linker.ptr(),
                *_buffer(each.module),
                *_buffer(each.name),
                signature.ptr(),
                _ON_CALL,
                number,
                _NOT_DROPPED,
            )
            _raise(error)
        return linker


class GuestSession:
    """One guest, used by one thread at a time.

    Its store is there before its instance: limits and a deadline are set on `store` first.
    """

    def __init__(
        self,
        module: LinkedModule,
        system: System,
        host_function: Callable[[FunctionImport], HostFunction],
    ) -> None:
        """Make the guest's store.

        Args:
            module: what it will be an instance of.
            system: what it sees; an unknown function of preview 1 answers NOSYS.
            host_function: returns what stands for an import that is not one of preview 1.
        """
        self.system = system
        self.store = wasmtime.Store(module.engine)
        self._module = module
        self._host_function = host_function
        self._imports: list[Callable[..., int | None] | None] = [None] * len(module.imports)
        """What stands for each, once it was called."""
        self._functions: dict[str, Any] = {}
        """Those that were called, as the engine refers to them."""
        self._first_memory: tuple[int, int] | None = None
        """Its address and its size at the start; None before that, and when it is gone."""
        self._number = next(_numbers)
        self._context = _store_context(self.store.ptr())

    def start(self) -> None:
        """Instantiate the module.

        Raises:
            wasmtime.WasmtimeError: it cannot be instantiated under the store's limits.
            wasmtime.Trap: its start function ended it.
        """
        _guests[self._number] = self
        _context_set_data(self._context, self._number)
        self._instance = self._module.instantiate(self.store, self._context)
        memory = ctypes.byref(_export(self._context, self._instance, "memory"), _OF)
        base = _memory_data(self._context, memory)
        self._module.written_pages.populate(base)
        self._first_memory = base, _memory_data_size(self._context, memory)
        store = weakref.ref(self.store)  # which the memory must not keep alive

        def length() -> int:
            alive = store()
            return 0 if alive is None else int(_memory_data_size(_store_context(alive.ptr()), memory))

        self.memory = LinearMemory(base, length)
        self.system.attach(self.memory)

    def exports(self, name: str) -> bool:
        """Whether the guest exports a function of this name."""
        return isinstance(self._module.signatures.exports.get(name), FunctionType)

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function with integers; return its result, 0 where it has none.

        What failed of ours meanwhile is in `system.failure`. It may be called within a call of the host.

        Raises:
            TypeError: there is no such function, or it has other parameters or results.
            wasmtime.WasmtimeError: the guest was interrupted.
            wasmtime.Trap: the guest ended.
        """
        taken, result = self._module.callable.get(name, (-1, None))
        if taken != len(arguments):
            kind = self._module.signatures.exports.get(name)
            if isinstance(kind, FunctionType):
                raise TypeError(f"{name} is {kind}, which is not how it is called")
            raise TypeError(f"{name} is not a function that it exports")
        if name not in self._functions:
            self._functions[name] = _export(self._context, self._instance, name)
        values, trap = _Values(), ctypes.c_void_p()
        for index, argument in enumerate(arguments):
            values[2 * index] = argument
        referred = ctypes.byref(self._functions[name], _OF)
        error = _func_call(self._context, referred, values, _MOST_VALUES, ctypes.byref(trap))
        if error or trap.value:
            _raise(error, trap.value)
        return 0 if result is None else int(result.from_buffer(values).value)

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        if self._first_memory is not None:
            self._module.written_pages.learn(*self._first_memory)
            self._first_memory = None
        self.system.close()
        self.store.close()
        _guests.pop(self._number, None)

    def answer(self, number: int, values: int) -> None:
        """Answer a call of the host: arguments are read at an address, and the result is written there."""
        wanted, kind, read, result = self._module.imports[number]
        called = self._imports[number]
        if called is None:
            if wanted.module == WASI_MODULE:
                called = function(wanted.name, self.system)
            else:
                called = self._host_function(wanted)
            self._imports[number] = called
        answer = called(*read(kind.from_address(values)))
        if result is not None:
            result.from_address(values).value = answer or 0


def _export(context: int, instance: Any, name: str) -> Any:
    """Return what a guest exports under a name that its types list, as the engine refers to it."""
    item = bindings.wasmtime_extern_t()
    found = _instance_export_get(context, ctypes.byref(instance), *_buffer(name), ctypes.byref(item))
    assert found
    return item


@cache
def _buffer(name: str) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Return a name as the engine takes it, with its length."""
    encoded = name.encode()
    return ctypes.create_string_buffer(encoded), len(encoded)


def _raise(error: Any, trap: Any = None) -> None:
    """Raise what a pointer that is not null points to, as the wrappers do."""
    if error:
        raised = ctypes.cast(error, ctypes.POINTER(bindings.wasmtime_error_t))
        raise wasmtime.WasmtimeError._from_ptr(raised)  # noqa: SLF001
    if trap:
        raise wasmtime.Trap._from_ptr(ctypes.cast(trap, ctypes.POINTER(bindings.wasm_trap_t)))  # noqa: SLF001


_numbers = itertools.count(1)
_guests: dict[int, GuestSession] = {}


def _on_call(number: int | None, caller: int, values: int, count: int) -> int:
    """Answer a call of a guest. Nothing may be raised here: the guest gets a zero, its caller the failure."""
    guest = _guests[_context_get_data(_caller_context(caller))]
    try:
        guest.answer(number or 0, values)
    except BaseException as error:  # noqa: BLE001 - must not pass through the engine
        guest.system.failure = error
        if count:
            ctypes.c_int64.from_address(values).value = 0
    return 0


_CALL = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(
    _on_call
)
_ON_CALL = ctypes.cast(_CALL, bindings.wasmtime_func_unchecked_callback_t)
_NOT_DROPPED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
