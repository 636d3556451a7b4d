"""What makes a file a Reglet plugin: its format, its imports, its exports (ABI section 1).

The types of a foreign module are read here: the engine's C interface ends the process at some of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.domain.ports import LOG_FUNCTION
from reglet.infrastructure.host.errors import NotAPluginError
from reglet.infrastructure.wasi.preview1 import WASI_MODULE
from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.limits import TooLargeError, check_counts
from reglet.infrastructure.wasm.module import FunctionType, read_signatures
from reglet.infrastructure.wasm.sections import SizeLimits, ValueType
from reglet.infrastructure.wasm.snapshot import HOST_MODULE
from reglet.infrastructure.wire.host_functions import HOST_FUNCTION_NAMES

if TYPE_CHECKING:
    from reglet.infrastructure.wasm.module import FunctionImport, Signatures
    from reglet.infrastructure.wasm.sections import Import

_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"

_I32, _I64 = ValueType.I32, ValueType.I64
_NUMBERS = {_I32, _I64, ValueType.F32, ValueType.F64}
_DESCRIBES = FunctionType((), (_I64,))
_OBSERVES = FunctionType((_I32, _I32), (_I64,))
NEWER_EXPORTS = {"_manifest": _DESCRIBES, "_observe": _OBSERVES}
OLDER_EXPORTS = {"describe": _DESCRIBES, "schema": _DESCRIBES, "observe": _OBSERVES}
"""What hosts call of a plugin, by name: those of today, and the older Reglet app."""
_COMMON = {
    "allocate": FunctionType((_I32,), (_I32,)),
    "deallocate": FunctionType((_I32, _I32), ()),
    "_initialize": FunctionType((), ()),
}


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
    try:
        check_counts(binary)
        signatures = read_signatures(binary)
    except TooLargeError as error:
        raise NotAPluginError(source, error.reason) from error
    except ModuleFormatError as error:
        raise NotAPluginError(source, f"it does not validate: {error.reason}") from error
    imports: list[FunctionImport | Import] = [*signatures.functions, *signatures.others]
    for each in imports:
        name = f"{each.module}.{each.name}"
        if each.module == HOST_MODULE and each.name in HOST_FUNCTION_NAMES:
            wanted = FunctionType((_I64,), () if each.name == LOG_FUNCTION else (_I64,))
            _check_type(source, f"import {name}", each.type, wanted)
        elif each.module == HOST_MODULE:
            known = ", ".join(HOST_FUNCTION_NAMES)
            raise NotAPluginError(source, f"it imports {name}; the host functions are {known}")
        elif each.module != WASI_MODULE:
            raise NotAPluginError(
                source, f"it imports {name}; hosts give {HOST_MODULE} and {WASI_MODULE} alone"
            )
        else:
            # an error number, except for the function that does not return
            results = () if each.name == "proc_exit" else (_I32,)
            kind = each.type
            if (
                not isinstance(kind, FunctionType)
                or kind.results != results
                or not _NUMBERS.issuperset(kind.parameters)
            ):
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
