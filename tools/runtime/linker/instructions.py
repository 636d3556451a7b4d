"""Instructions, scanned: a body is cut into those that name an index, and the runs of bytes between them.

One compiled regular expression skips all other instructions, so that six megabytes take less than half a
second. It knows those that compilers write for hosts with wazero's features; everything else is refused.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from reglet.infrastructure.wasm import ModuleFormatError, Reader, read_signed, read_unsigned
from reglet.infrastructure.wasm.sections import read_value_type

if TYPE_CHECKING:
    from tools.runtime.linker.module import Body

LEB = rb"[\x80-\xff]*+[\x00-\x7f]"
"""A pattern of a number in LEB128, of any length."""
_ALIGNMENT = rb"[\x00-\x1f]"
_VALUE_TYPE = rb"[\x40\x6f\x70\x7b-\x7f]"

_PLAIN = (
    # unreachable nop else end return drop select; comparisons, arithmetic, conversions, sign extension
    rb"[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4\xd1]",
    rb"[\x0c\x0d\x20-\x22\x42]" + LEB,  # br br_if local.get local.set local.tee i64.const
    rb"\x41" + LEB + rb"(?!\x23)",  # i32.const, unless a global.get follows
    rb"[\x28-\x3e]" + _ALIGNMENT + LEB,  # loads and stores
    rb"[\x02-\x04]" + _VALUE_TYPE,  # block loop if, without a type index
    rb"[\x3f\x40]\x00",  # memory.size memory.grow
    rb"\x43.{4}|\x44.{8}",  # f32.const f64.const
    rb"\x1c\x01" + _VALUE_TYPE,  # select with its type
    rb"\xfc(?:[\x00-\x07]|\x0a\x00\x00|\x0b\x00)",  # saturating conversions, memory.copy memory.fill
    rb"\xd0[\x6f\x70]",  # ref.null
    # vector instructions: loads and stores, constants and shuffles, lanes, the rest
    rb"\xfd(?:[\x00-\x0b\x5c\x5d]" + _ALIGNMENT + LEB + rb"|[\x0c\x0d].{16}|[\x15-\x22].|[\x54-\x5b]"
    + _ALIGNMENT + LEB + rb".|[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff]\x01)",
)  # fmt: skip

_NAMING = (
    rb"\x10" + LEB,  # call
    rb"\x23" + LEB + rb"(?:\x41" + LEB + rb"\x6a)?+",  # global.get, and an addition of a constant
    rb"\x41" + LEB + rb"\x23" + LEB + rb"\x6a",  # a constant, global.get and an addition
    rb"\x24" + LEB,  # global.set
    rb"\x11" + LEB + LEB,  # call_indirect
    rb"\xd2" + LEB,  # ref.func
    rb"[\x02-\x04](?:[\x00-\x3f]|[\x80-\xff]" + LEB + rb")",  # block loop if, with a type index
    rb"\x41" + LEB + rb"(?=\x23)",  # a constant before a global.get that no addition follows
    rb"\x0e",  # br_table, whose length only its own count tells
)


class Operation(IntEnum):
    """Which kind of index an instruction names; each number is that of its group in the expression."""

    CALL = 1
    GLOBAL_GET = 2
    CONSTANT_PLUS_GLOBAL = 3
    GLOBAL_SET = 4
    CALL_INDIRECT = 5
    REFERENCE = 6
    BLOCK = 7


_BRANCH_TABLE = len(_NAMING)
_OPERATIONS = {each.value: each for each in Operation}

_match = re.compile(
    rb"(?:" + rb"|".join(_PLAIN) + rb")*+(?:" + rb"|".join(rb"(%s)" % each for each in _NAMING) + rb"|\Z)",
    re.DOTALL,
).match

Piece: TypeAlias = tuple[Operation | None, bytes]
"""A part of a body: an instruction that names an index, or (None) bytes that can be kept as they are."""


def scan_body(data: bytes, body: Body) -> list[Piece]:
    """Cut a body into pieces that give it when joined; the locals are in the first.

    Raises:
        ModuleFormatError: an instruction that is not understood, with its offset.
    """
    code = data[body.start : body.end]
    at = _skip_locals(data, body) - body.start
    kept = 0
    pieces: list[Piece] = []
    while at < len(code):
        match = _match(code, at)
        if match is None:
            raise _not_understood(code, at, body)
        at = match.end()
        group = match.lastindex
        operation = _OPERATIONS.get(group or 0)
        if group == _BRANCH_TABLE:
            at = _skip_branch_table(code, at, body)
        elif operation is not None:
            start = match.start(operation)
            if start > kept:
                pieces.append((None, code[kept:start]))
            pieces.append((operation, code[start:at]))
            kept = at
    if kept < len(code):
        pieces.append((None, code[kept:]))
    if not code.endswith(b"\x0b"):
        raise ModuleFormatError("a function without an end", body.end)
    return pieces


def _skip_locals(data: bytes, body: Body) -> int:
    reader = Reader(data, body.start, body.end)
    for _ in range(reader.count()):
        reader.u32()
        read_value_type(reader)
    return reader.at


def _skip_branch_table(code: bytes, at: int, body: Body) -> int:
    reader = Reader(code, at)
    try:
        for _ in range(reader.count() + 1):
            reader.u32()
    except ModuleFormatError as error:
        raise ModuleFormatError(error.reason, body.start + error.offset) from None
    return reader.at


def _not_understood(code: bytes, at: int, body: Body) -> ModuleFormatError:
    plain = _skip_plain(code, at)
    assert plain is not None
    at = plain.end()
    return ModuleFormatError(f"instruction {code[at : at + 4].hex(' ')} … is not understood", body.start + at)


_skip_plain = re.compile(rb"(?:" + rb"|".join(_PLAIN) + rb")*+", re.DOTALL).match


def called_function(call: bytes) -> int:
    """Return the function index of a call or a ref.func."""
    return read_unsigned(call, 1)[0]


def set_global(encoded: bytes) -> int:
    """Return the global index of a global.set."""
    return read_unsigned(encoded, 1)[0]


def global_plus_constant(operation: Operation, encoded: bytes) -> tuple[int, int | None]:
    """Return the global index of a GLOBAL_GET or CONSTANT_PLUS_GLOBAL, and the constant if one is added."""
    if operation is Operation.CONSTANT_PLUS_GLOBAL:
        constant, at = read_signed(encoded, 1)
        return read_unsigned(encoded, at + 1)[0], constant
    index, at = read_unsigned(encoded, 1)
    if at == len(encoded):
        return index, None
    return index, read_signed(encoded, at + 1)[0]


def indirect_type(encoded: bytes) -> int:
    """Return the type index of a call_indirect.

    Raises:
        ModuleFormatError: it names a table other than 0; the offset is the instruction's own.
    """
    type_index, at = read_unsigned(encoded, 1)
    if read_unsigned(encoded, at)[0] != 0:
        raise ModuleFormatError("a call_indirect through a table other than 0", at)
    return type_index


def block_type(encoded: bytes) -> int:
    """Return the type index of a block, loop or if."""
    return read_signed(encoded, 1, 33)[0]
