"""Reading a whole module."""

from __future__ import annotations

import pytest

from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.sections import (
    HEADER,
    ConstantExpression,
    Export,
    ExternKind,
    GlobalType,
    Import,
    TableType,
)
from reglet.infrastructure.wasm.signatures import FunctionType, SizeLimits, ValueType
from tests.wasm.wat import SMALL, wasm
from tools.runtime.linker.module import Global, function_names, name_section, parse_module

I32, I64 = (ValueType.I32,), (ValueType.I64,)


def test_a_module_is_read_whole() -> None:
    """Every section of a small module, as its text has it."""
    module = parse_module(SMALL)
    assert module.types == (
        FunctionType((), I32),
        FunctionType(I64, ()),
        FunctionType(I32, I32),
        FunctionType((), ()),
    )
    assert module.imports == (
        Import("reglet_host", "log_message", ExternKind.FUNCTION, 1),
        Import("env", "base", ExternKind.GLOBAL, GlobalType(ValueType.I32, mutable=False)),
    )
    assert module.functions == (0, 2, 3)
    assert module.memories == (SizeLimits(1, 3),)
    assert module.tables == (TableType(ValueType.FUNCREF, SizeLimits(4)),)
    assert module.globals == (
        Global(GlobalType(ValueType.I32, mutable=True), ConstantExpression(7)),
        Global(GlobalType(ValueType.I32, mutable=False), ConstantExpression(-5)),
    )
    assert module.exports == (Export("memory", ExternKind.MEMORY, 0), Export("first", ExternKind.FUNCTION, 1))
    assert module.start == 3
    assert [(each.offset, each.functions) for each in module.elements] == [(ConstantExpression(2), (1, 2))]
    assert [SMALL[each.start : each.end] for each in module.data_segments] == [b"hello", b"\0\xff"]
    assert [each.offset.offset for each in module.data_segments] == [16, 65530]


def test_indices_count_imports_first() -> None:
    """Types, bodies and globals are found by the indices that instructions use."""
    module = parse_module(SMALL)
    assert [str(module.function_type(index)) for index in range(4)] == [
        "(i64) -> ()",
        "() -> (i32)",
        "(i32) -> (i32)",
        "() -> ()",
    ]
    first = module.body(1)
    assert SMALL[first.start : first.end] == b"\0\x41\x01\x0b"
    assert module.defined_global(1).initial.offset == 7
    assert module.exported["first"].index == 1


def test_names_are_read_and_written() -> None:
    """Functions' names by index; a written section reads the same."""
    names = {0: "log", 1: "first", 2: "second", 3: "begin"}
    assert function_names(parse_module(SMALL)) == names
    without = wasm('(module (func (export "f")))')
    assert function_names(parse_module(without)) == {}
    assert function_names(parse_module(without + name_section({0: "é"}))) == {0: "é"}


def test_an_empty_module_is_a_module() -> None:
    """The header alone."""
    assert parse_module(HEADER).functions == ()


@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        (b"", 0, "begins with  instead of 0061736d01000000"),
        (b"MZ\x90\0\x03\0\0\0 and more", 0, "begins with 4d5a900003000000 instead of 0061736d01000000"),
        (b"\0asm\x0d\0\1\0", 0, "a component, not a core module"),
        (HEADER + b"\x0d\0", 8, "section 13 is not understood"),
        (HEADER + b"\x01\x05\0", 10, "5 bytes are due and 1 are left"),
        (HEADER + b"\x03\x01\0\x01\x01\0", 11, "the TYPE section is out of order"),
        (HEADER + b"\x01\x01\0\x01\x01\0", 11, "the TYPE section is out of order"),
        (HEADER + b"\x01\x02\0\0", 11, "1 bytes too many in the TYPE section"),
        (HEADER + b"\x01\x02\x01\x5f", 11, "a type of kind 0x5f, which hosts do not take"),
        (HEADER + b"\x01\x04\x01\x60\x01\x69", 13, "0x69 is not a value type that hosts take"),
        (HEADER + b"\x01\x02\x7f\x60", 10, "127 items are due in 1 bytes"),
        (
            HEADER + b"\x05\x03\x01\x03\x01",
            11,
            "limits of kind 0x03: shared and 64-bit memories are not understood",
        ),
        (HEADER + b"\x05\x04\x01\x01\x02\x01", 11, "a maximum of 1 under the minimum of 2"),
        (HEADER + b"\x02\x06\x01\x01a\x01b\x09", 15, "an import or export of kind 9"),
        (HEADER + b"\x02\x04\x01\x01\xffb", 11, "a name that is not UTF-8: invalid start byte"),
        (HEADER + b"\x03\x02\x01\x00", 8, "1 functions and 0 bodies"),
        (HEADER + b"\x06\x06\x01\x7e\x00\x42\x00\x0b", 13, "a global of i64; only i32 is understood"),
        (HEADER + b"\x06\x06\x01\x7f\x02\x41\x00\x0b", 12, "a global's mutability of 2"),
        (
            HEADER + b"\x06\x08\x01\x7f\x00\x41\x00\x41\x00\x0b",
            13,
            "a constant expression that leaves 2 values",
        ),
        (HEADER + b"\x06\x05\x01\x7f\x00\xd2\x0b", 13, "instruction 0xd2 in a constant expression"),
        (HEADER + b"\x07\x05\x01\x01f\x00\x00", 10, "export 'f' is function 0, there are 0"),
        (HEADER + b"\x08\x01\x00", 10, "function 0 does not exist, there are 0"),
        (
            HEADER + b"\x09\x05\x01\x01\x00\x01\x00",
            11,
            "an element segment of kind 1; only active ones are understood",
        ),
        (HEADER + b"\x0b\x03\x01\x01\x00", 11, "a data segment of kind 1; only active ones are understood"),
    ],
)
def test_what_is_not_understood_is_refused(data: bytes, offset: int, reason: str) -> None:
    """Each refusal says where and why."""
    with pytest.raises(ModuleFormatError) as caught:
        parse_module(data)
    assert (caught.value.offset, caught.value.reason) == (offset, reason)
    assert str(caught.value) == f"WebAssembly module, offset {offset} (0x{offset:x}): {reason}"
