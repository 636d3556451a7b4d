"""A guest: an instance of a module, its memory, and the system that it sees.

The imports of a module are defined once, for all of its guests: which guest calls is found from the number
in its store. Functions are called without the wrappers of wasmtime's package, which ask the engine for types
at every call: those of a module are read once, by our own reader.
"""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings
from wasmtime import _ffi as ffi

from reglet.infrastructure.engine.written_pages import WrittenPages
from reglet.infrastructure.wasi.preview1 import WASI_MODULE, functions, unknown
from reglet.infrastructure.wasi.system import LinearMemory
from reglet.infrastructure.wasm.module import FunctionType
from reglet.infrastructure.wasm.sections import ValueType
from reglet.infrastructure.wasm.snapshot import IMPORTED_MEMORY

if TYPE_CHECKING:
    from reglet.infrastructure.wasi.system import System
    from reglet.infrastructure.wasm.module import FunctionImport, Signatures

HostFunction: TypeAlias = Callable[[int], "int | None"]
"""Takes a packed request and returns a packed answer, or None where the import has no result."""

MakeMemory: TypeAlias = Callable[[wasmtime.Store], wasmtime.Memory]
"""Makes the memory of one guest, filled."""

_MOST_VALUES = 8
"""More than any function has arguments that is called here."""

_Values = bindings.wasmtime_val_raw_t * _MOST_VALUES

_VALUE_TYPES = {
    ValueType.I32: wasmtime.ValType.i32(),
    ValueType.I64: wasmtime.ValType.i64(),
    ValueType.F32: wasmtime.ValType.f32(),
    ValueType.F64: wasmtime.ValType.f64(),
}

_library = ctypes.PyDLL(str(ffi.filename))  # the one that is loaded already


def short_call(name: str) -> Any:
    """Return a function of the engine that is so short that to release the interpreter takes longer.

    Where several threads run guests, each release is also a chance to wait for the others.
    """
    released, held = getattr(bindings, f"_{name}"), getattr(_library, name)
    held.restype, held.argtypes = released.restype, released.argtypes
    return held


_caller_context = short_call("wasmtime_caller_context")
_context_get_data = short_call("wasmtime_context_get_data")
_context_set_data = short_call("wasmtime_context_set_data")
_instance_export_get = short_call("wasmtime_instance_export_get")
_memory_data = short_call("wasmtime_memory_data")
_memory_data_size = short_call("wasmtime_memory_data_size")
_linker_define = short_call("wasmtime_linker_define")
_store_context = short_call("wasmtime_store_context")

_INTEGERS = {ValueType.I32, ValueType.I64}
_FIELDS = {kind: kind.name.lower() for kind in _VALUE_TYPES}


class LinkedModule:
    """Compiled code with its imports defined, for any number of guests at once."""

    def __init__(
        self,
        code: wasmtime.Module,
        signatures: Signatures,
        make_memory: MakeMemory | None = None,
        *,
        engine: wasmtime.Engine,
    ) -> None:
        """Link the code.

        Args:
            code: exports its memory as `memory`.
            signatures: the types of its imports and exports.
            make_memory: makes the memory that the code imports, where it has none of its own.
            engine: what the code was compiled for.
        """
        self.engine = engine
        self._code = code
        self.signatures = signatures
        self._make_memory = make_memory
        self.written_pages = WrittenPages()
        self._free: list[wasmtime.Linker] = []
        """As many as guests have been started at one time: a memory is defined in one before it is used."""

    def instantiate(self, store: wasmtime.Store) -> wasmtime.Instance:
        """Make an instance in a store, where a guest session is known by its number."""
        try:
            linker = self._free.pop()
        except IndexError:
            linker = self._linker()
        try:
            if self._make_memory is not None:
                module, name = IMPORTED_MEMORY
                memory = self._make_memory(store)
                item = memory._as_extern()  # noqa: SLF001 - as the engine refers to it
                context = _store_context(store.ptr())
                where = (*_buffer(module), *_buffer(name))
                _raise(_linker_define(linker.ptr(), context, *where, ctypes.byref(item)))
            return linker.instantiate(store, self._code)
        finally:
            self._free.append(linker)

    def _linker(self) -> wasmtime.Linker:
        linker = wasmtime.Linker(self.engine)
        linker.allow_shadowing = True
        for each in self.signatures.functions:
            number = next(_numbers)
            _defined[number] = each
            signature = wasmtime.FuncType(
                [_VALUE_TYPES[kind] for kind in each.type.parameters],
                [_VALUE_TYPES[kind] for kind in each.type.results],
            )
            error = bindings.wasmtime_linker_define_func_unchecked(
                linker.ptr(),
                *_buffer(each.module),
                *_buffer(each.name),
                signature.ptr(),
                _ON_CALL,
                number,
                _ON_DROP,
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
        self._wasi = functions(system)
        self._answering: dict[FunctionImport, Callable[..., int | None]] = {}
        self._functions: dict[str, tuple[Any, str]] = {}
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
        self._instance = self._module.instantiate(self.store)
        memory = ctypes.byref(self._export("memory", ffi.WASMTIME_EXTERN_MEMORY).memory)
        base = ctypes.addressof(_memory_data(self._context, memory).contents)
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
        function, result = self._functions.get(name) or self._function(name, len(arguments))
        values = _Values()
        for index, argument in enumerate(arguments):
            values[index].i64 = argument
        trap = ctypes.POINTER(bindings.wasm_trap_t)()
        error = bindings.wasmtime_func_call_unchecked(
            self._context,
            function,
            values,
            _MOST_VALUES,
            ctypes.byref(trap),
        )
        _raise(error, trap)
        return int(getattr(values[0], result)) if result else 0

    def close(self) -> None:
        """Let go of the guest, its memory and its files. Closing twice does nothing."""
        if self._first_memory is not None:
            self._module.written_pages.learn(*self._first_memory)
            self._first_memory = None
        self.system.close()
        self.store.close()
        _guests.pop(self._number, None)

    def answer(self, wanted: FunctionImport, context: Any, values: Any) -> None:
        """Answer a call of the host: arguments are read from `values`, and the result written there."""
        function = self._answering.get(wanted)
        if function is None:
            if wanted.module == WASI_MODULE:
                function = self._wasi.get(wanted.name, unknown)
            else:
                function = self._host_function(wanted)
            self._answering[wanted] = function
        arguments = [
            getattr(values[index], _FIELDS[kind]) for index, kind in enumerate(wanted.type.parameters)
        ]
        outer, self._context = self._context, context
        try:
            result = function(*arguments)
        finally:
            self._context = outer
        for kind in wanted.type.results:  # one at most
            setattr(values[0], _FIELDS[kind], result or 0)

    def _function(self, name: str, arguments: int) -> tuple[Any, str]:
        """Return a reference to a function and the kind of its result, if it takes so many integers."""
        kind = self._module.signatures.exports.get(name)
        if not isinstance(kind, FunctionType):
            raise TypeError(f"{name} is not a function that it exports")
        if (
            len(kind.parameters) != arguments
            or len(kind.results) > 1
            or not _INTEGERS.issuperset(kind.parameters + kind.results)
        ):
            raise TypeError(f"{name} is {kind}, which is not how it is called")
        function = ctypes.byref(self._export(name, ffi.WASMTIME_EXTERN_FUNC).func)
        self._functions[name] = function, "".join(_FIELDS[each] for each in kind.results)
        return self._functions[name]

    def _export(self, name: str, kind: Any) -> Any:
        """Return what the guest exports under a name that its types list, as the engine refers to it."""
        item = bindings.wasmtime_extern_t()
        instance = ctypes.byref(self._instance._instance)  # noqa: SLF001  # without looking at the others
        found = _instance_export_get(self._context, instance, *_buffer(name), ctypes.byref(item))
        assert found
        assert item.kind == kind.value
        return item.of


@cache
def _buffer(name: str) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Return a name as the engine takes it, with its length."""
    encoded = name.encode()
    return ctypes.create_string_buffer(encoded), len(encoded)


def _raise(error: Any, trap: Any = None) -> None:
    """Raise what a pointer that is not null points to, as the wrappers do."""
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)  # noqa: SLF001
    if trap:
        raise wasmtime.Trap._from_ptr(trap)  # noqa: SLF001


_numbers = itertools.count(1)
_guests: dict[int, GuestSession] = {}
_defined: dict[int, FunctionImport] = {}


def _on_call(number: int, caller: Any, values: Any, count: int) -> int:
    """Answer a call of a guest. Nothing may be raised here: the guest gets a zero, its caller the failure."""
    context = _caller_context(caller)
    guest = _guests[_context_get_data(context)]
    try:
        guest.answer(_defined[number], context, values)
    except BaseException as error:  # noqa: BLE001 - must not pass through the engine
        guest.system.failure = error
        if count:
            values[0].i64 = 0
    return 0


_ON_CALL = bindings.wasmtime_func_unchecked_callback_t(_on_call)
_ON_DROP = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda number: _defined.pop(number, None) and None)
