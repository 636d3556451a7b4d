"""Host functions that a plugin does not use, taken out of its imports without moving an index.

The runtime calls each through one small function. To drop the import, its entry becomes a second one of
`log_message`, which every host has, and that function's body one of the same length that answers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm.binary import ModuleFormatError, Reader
from reglet.infrastructure.wasm.entries import ExternKind, function_import, read_import
from reglet.infrastructure.wasm.sections import Section, SectionId, read_sections, section, vector

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HOST_MODULE = "reglet_host"
"""The module that host functions are imported from (ABI section 1)."""

_ALWAYS_THERE = "log_message"

_NO_LOCALS_PUSH_ARGUMENT_CALL = b"\x00\x20\x00\x10"
_END = b"\x0b"
_ANSWER_NOTHING = b"\x00\x42\x00\x01\x01\x0b"  # no locals, i64.const 0, nop, nop, end


@frozen
class HostFunctionSlot:
    """Where the runtime calls a host function.

    Attributes:
        bit: its bit for `_declare_host_functions`.
        code_offset: where the body that calls it begins, in bytes from the start of the code section.
    """

    bit: int
    code_offset: int


def calling_body(import_index: int) -> bytes:
    """Return the body of the function that calls import `import_index`.

    Raises:
        ValueError: the index takes more than one byte, so the body would have another length.
    """
    if import_index >= 0x80:  # noqa: PLR2004 - one byte of LEB128
        raise ValueError(f"import {import_index} is beyond the first 128")
    return _NO_LOCALS_PUSH_ARGUMENT_CALL + bytes([import_index]) + _END


def without_host_functions(
    module: bytes, slots: Mapping[str, HostFunctionSlot], dropped: Collection[str]
) -> bytes:
    """Write the module without importing the host functions named in `dropped`.

    Raises:
        ModuleFormatError: the module is not one of this runtime.
        KeyError: one of the names has no slot.
    """
    if not dropped:
        return module
    parts = [module[:8]]
    indices: dict[str, int] = {}
    for each in read_sections(module):
        if each.id is SectionId.IMPORT:
            contents, indices = _imports(module, each, frozenset(dropped))
            parts.append(section(SectionId.IMPORT, contents))
        elif each.id is SectionId.CODE:
            parts.append(_code(module, each, {slots[name].code_offset: indices[name] for name in dropped}))
        else:
            parts.append(module[each.header : each.end])
    return b"".join(parts)


def _imports(module: bytes, where: Section, dropped: frozenset[str]) -> tuple[bytes, dict[str, int]]:
    reader = Reader(module, where.start, where.end)
    entries: list[bytes] = []
    indices: dict[str, int] = {}
    types: dict[str, int] = {}
    for _ in range(reader.count()):
        at = reader.at
        each = read_import(reader)
        if each.kind is ExternKind.FUNCTION and each.module == HOST_MODULE and isinstance(each.type, int):
            indices[each.name] = len(entries)
            types[each.name] = each.type
        entries.append(module[at : reader.at])
    missing = {_ALWAYS_THERE, *dropped} - set(indices)
    if missing:
        raise ModuleFormatError(f"does not import {', '.join(sorted(missing))} of {HOST_MODULE}", where.start)
    for name in dropped:
        entries[indices[name]] = function_import(HOST_MODULE, _ALWAYS_THERE, types[_ALWAYS_THERE])
    return vector(entries), indices


def _code(module: bytes, where: Section, calls: Mapping[int, int]) -> bytes:
    patched = bytearray(module[where.header : where.end])
    for offset, import_index in calls.items():
        start = where.start - where.header + offset
        end = start + len(_ANSWER_NOTHING)
        if patched[start:end] != calling_body(import_index):
            raise ModuleFormatError(f"no call of import {import_index} stands here", where.start + offset)
        patched[start:end] = _ANSWER_NOTHING
    return bytes(patched)
