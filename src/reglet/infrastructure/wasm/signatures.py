"""The outside of a module: the types of what it imports and exports, and what hosts and plugins agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple, Self

from reglet.infrastructure.wasm import unsigned

IMPORTED_MEMORY = ("snapshot", "memory")
"""The names under which code that was split from its memory imports one."""


def global_name(index: int) -> str:
    """Return under which name code that was split from its memory exports one of its own globals."""
    return f"snapshot global {index}"


class ValueType(IntEnum):
    """The value types that a host with wazero's features takes."""

    I32 = 0x7F
    I64 = 0x7E
    F32 = 0x7D
    F64 = 0x7C
    V128 = 0x7B
    FUNCREF = 0x70
    EXTERNREF = 0x6F


class SizeLimits(NamedTuple):
    """The least and the greatest size of a memory (in pages) or a table (in entries)."""

    minimum: int
    maximum: int | None = None

    def encode(self) -> bytes:
        """Write the limits."""
        if self.maximum is None:
            return b"\0" + unsigned(self.minimum)
        return b"\1" + unsigned(self.minimum) + unsigned(self.maximum)


FUNCTION_TYPE = 0x60
"""How the type of a function begins."""


class FunctionType(NamedTuple):
    """What a function takes and returns."""

    parameters: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def encode(self) -> bytes:
        """Write the type."""
        lists = (unsigned(len(kinds)) + bytes(kinds) for kinds in (self.parameters, self.results))
        return bytes([FUNCTION_TYPE]) + b"".join(lists)

    def __str__(self) -> str:
        """Write it as the core specification does."""
        taken, returned = (
            ", ".join(each.name.lower() for each in kinds) for kinds in (self.parameters, self.results)
        )
        return f"({taken}) -> ({returned})"


_DESCRIBES = FunctionType((), (ValueType.I64,))
_OBSERVES = FunctionType((ValueType.I32, ValueType.I32), (ValueType.I64,))
NEWER_EXPORTS = {"_manifest": _DESCRIBES, "_observe": _OBSERVES}
OLDER_EXPORTS = {"describe": _DESCRIBES, "schema": _DESCRIBES, "observe": _OBSERVES}
"""What hosts call of a plugin, by name: those of today, and the older Reglet app."""


class FunctionImport(NamedTuple):
    """A function that a module imports."""

    module: str
    name: str
    type: FunctionType


class Signatures(NamedTuple):
    """The outside of a module.

    Attributes:
        functions: the functions that it imports, each once: Go imports some twice.
        others: the module and name of what else it imports.
        exports: by name, the type of a function or a memory; None for what is neither.
    """

    functions: tuple[FunctionImport, ...]
    others: tuple[tuple[str, str], ...]
    exports: Mapping[str, FunctionType | SizeLimits | None]

    @classmethod
    def of_json(cls, document: Any) -> Self:
        """Return what was written as JSON: all of it is tuples and numbers."""

        def function(kind: Any) -> FunctionType:
            return FunctionType(*(tuple(map(ValueType, each)) for each in kind))

        functions, others, exports = document
        return cls(
            tuple(FunctionImport(module, name, function(kind)) for module, name, kind in functions),
            tuple((module, name) for module, name in others),
            {
                name: kind and (SizeLimits(*kind) if isinstance(kind[0], int) else function(kind))
                for name, kind in exports.items()
            },
        )


class HostFunctionSlot(NamedTuple):
    """Where the runtime calls a host function.

    Attributes:
        bit: its bit for `_declare_host_functions`.
        code_offset: where the body that calls it begins, in bytes from the start of the code section.
    """

    bit: int
    code_offset: int
