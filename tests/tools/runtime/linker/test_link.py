"""Linking small libraries: what comes out, and that it does what they do."""

from __future__ import annotations

from typing import Any

import pytest
import wasmtime
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reglet.infrastructure.wasm import ModuleFormatError
from tests.tools.runtime.linker.libraries import ADAPTER, APP, EXPORTS, LIBC, example, library, library_bytes
from tools.runtime.core import refuse_invalid
from tools.runtime.linker.excluded import Excluded, FunctionRange
from tools.runtime.linker.link import LinkedModule, LinkPlan, link
from tools.runtime.linker.module import function_names, parse_module
from tools.runtime.linker.read import Library, LinkError, read_library
from tools.runtime.linker.resolve import Rules

STACK = 1024
RULES = Rules(frozenset({"reglet_host"}), "adapter")


def plan(*exports: str, **options: Any) -> LinkPlan:
    """Link for some exports, with a small stack."""
    return LinkPlan(**{"rules": RULES, "exports": exports, "stack_size": STACK, **options})


class Instance:
    """A linked module, valid for the hosts' engine, running in wasmtime."""

    def __init__(self, linked: LinkedModule) -> None:
        refuse_invalid(linked.wasm)
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, linked.wasm)
        linker = wasmtime.Linker(self.store.engine)
        self.logged: list[int] = []
        log = wasmtime.FuncType([wasmtime.ValType.i64()], [])
        linker.define_func("reglet_host", "log_message", log, self.logged.append)
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        for constructor in linked.constructors:
            self.call(constructor)

    def call(self, name: str, *arguments: int) -> int:
        """Call an export."""
        return self.exports[name](self.store, *arguments)

    def read(self, address: int, size: int) -> bytes:
        """Read memory."""
        return bytes(self.exports["memory"].read(self.store, address, address + size))


def test_calls_pointers_and_data_cross_libraries() -> None:
    """Each way to reach another library's function or data arrives."""
    instance = Instance(link(example(), plan(*EXPORTS)))
    assert instance.call("through_call", 21) == 42
    assert instance.call("through_got", 21) == 42
    assert instance.call("through_table", 5) == 15
    assert instance.call("through_data", 5) == 15
    assert [instance.call("count") for _ in range(2)] == [1001, 1002]
    assert instance.read(instance.call("text"), 5) == b"hello"
    assert (instance.call("time"), instance.logged) == (1234, [3])


def test_the_stack_is_lowest_and_the_heap_last() -> None:
    """Addresses: 0 the stack's end, then data in the libraries' order, then the heap."""
    linked = link(example(), plan(*EXPORTS))
    instance = Instance(linked)
    assert instance.call("stack") == STACK - 16
    assert instance.read(STACK, 4) == b"\5\0\0\0"
    assert instance.call("text") == STACK + 16 + 16
    assert linked.heap_base == STACK + 16 + 32


def test_room_for_the_host_is_before_the_heap() -> None:
    """Nothing else moves."""
    without, with_room = (link(example(), plan(*EXPORTS, room_size=size)) for size in (0, 64))
    assert with_room.heap_base == without.heap_base + 64
    assert Instance(with_room).call("text") == Instance(without).call("text")


def test_the_structure_of_the_module() -> None:
    """One memory, one table, one global; constants instead of globals; nothing that nobody reaches."""
    linked = link(example(), plan("through_got", "time", debug_names=True))
    module = parse_module(linked.wasm)
    assert [(each.module, each.name) for each in module.imports] == [("reglet_host", "log_message")]
    assert len(module.globals) == len(module.memories) == len(module.tables) == 1
    assert [each.name for each in module.exports] == ["memory", "through_got", "time", "__init00"]
    assert linked.constructors == ("__init00",)
    assert [(each.offset.offset, each.functions) for each in module.elements] == [(1, (3, 1))]
    assert sorted(function_names(module).values()) == ["double", "log_message", "triple"]
    through_got = module.body(module.exported["through_got"].index)
    assert module.data[through_got.start : through_got.end] == bytes.fromhex("00 20 00 41 02 11 00 00 0b")


def test_pointers_in_data_are_in_place_before_anything_runs() -> None:
    """What the libraries would store at the start is in the data segments."""
    linked = link(example(), plan("text"))
    assert "__wasm_apply_data_relocs" not in function_names(parse_module(linked.wasm)).values()
    [segment] = [each for each in parse_module(linked.wasm).data_segments if each.offset.offset > STACK + 8]
    assert segment.offset.offset == STACK + 16 + 8
    slot, counter = 1, STACK + 4
    assert linked.wasm[segment.start : segment.start + 8] == bytes([slot, 0, 0, 0]) + counter.to_bytes(
        4, "little"
    )


def test_linking_twice_gives_the_same_bytes() -> None:
    """Nothing depends on anything but the libraries."""
    assert link(example(), plan(*EXPORTS)).wasm == link(example(), plan(*EXPORTS)).wasm


def test_large_functions_come_last() -> None:
    """Hosts compile faster so; indices follow."""
    large = "(nop) " * 6000
    one = library("one", f'(func $large (export "large") (result i32) {large} (i32.const 1))')
    two = library(
        "two",
        '(import "env" "large" (func $large (result i32))) (func (export "f") (result i32) (call $large))',
    )
    linked = link([one, two], plan("large", "f"))
    module = parse_module(linked.wasm)
    assert module.exported["large"].index == len(module.functions) - 1
    assert Instance(linked).call("f") == 1


def test_the_place_of_a_body_is_told() -> None:
    """Located functions are not exported; their bodies begin where it is said."""
    linked = link(example(), plan("time", located=("through_call",)))
    module = parse_module(linked.wasm)
    assert "through_call" not in module.exported
    code_start = next(body.start for body in module.bodies) - 2  # the count and the first body's length
    start = code_start + linked.located["through_call"]
    assert [body.start for body in module.bodies if body.start == start] == [start]


def test_interfaces_without_an_answer_trap_only_if_they_are_listed() -> None:
    """A list says which; anything else is an error that names it."""
    body = '(import "wasi:sockets/tcp@0.2.0" "listen" (func $f)) (func (export "f") (call $f))'
    libraries = [library("libc.so", body), library("adapter", ADAPTER)]
    with pytest.raises(LinkError, match="wasi:sockets/tcp#listen is answered by nothing"):
        link(libraries, plan("f"))
    rules = Rules(frozenset(), "adapter", frozenset({"wasi:sockets/tcp#listen"}))
    linked = link(libraries, plan("f", rules=rules))
    assert linked.traps == ("wasi:sockets/tcp#listen",)
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        Instance(linked).call("f")


LEFT_OUT_LIBRARY = """
    (type $f (func (result i32)))
    (func $needed (export "needed") (result i32) (i32.const 1))
    (func $first (type $f) (call $last))
    (func $last (result i32) (i32.const 3))
    (func $leads_there (export "leads_there") (result i32) (call $last))
    (func (export "through_slot") (result i32) (call_indirect (type $f) (global.get $table_base)))
    (elem (global.get $table_base) $first)
    (data (global.get $memory_base) "0123456789abcdef")
"""
RANGE = FunctionRange(1, "first", 2, "last")


def test_what_is_left_out_is_gone() -> None:
    """Its functions, its slot and its data; what stays, stays."""
    excluded = (Excluded("lib", (RANGE,), data=((4, 8),)),)
    libraries = [library("lib", LEFT_OUT_LIBRARY, memory=16, table=1)]
    linked = link(libraries, plan("needed", "through_slot", excluded=excluded, debug_names=True))
    module = parse_module(linked.wasm)
    assert sorted(function_names(module).values()) == ["needed"]
    instance = Instance(linked)
    assert instance.call("needed") == 1
    assert instance.read(STACK, 16) == b"0123\0\0\0\x0089abcdef"
    with pytest.raises(wasmtime.Trap, match="uninitialized element"):
        instance.call("through_slot")


def test_what_something_calls_cannot_be_left_out() -> None:
    """The error names the function."""
    libraries = [library("lib", LEFT_OUT_LIBRARY, memory=16, table=1)]
    with pytest.raises(LinkError, match="lib: last is left out and something that stays calls it"):
        link(libraries, plan("leads_there", excluded=(Excluded("lib", (RANGE,)),)))


def test_ranges_of_another_release_are_refused() -> None:
    """Names hold the indices."""
    libraries = [library("lib", LEFT_OUT_LIBRARY, memory=16, table=1)]
    wrong = (Excluded("lib", (FunctionRange(0, "first", 1, "last"),)),)
    with pytest.raises(LinkError, match="lib: function 0 is needed, not first, to be left out"):
        link(libraries, plan("needed", excluded=wrong))


EQUAL = """
    (type $f (func (result i32)))
    (func $one (type $f) (i32.const 7))
    (func $other (type $f) (i32.const 7))
    (func (export "through_one") (result i32) (call $one))
    (func (export "through_other") (result i32) (call $other))
    (func (export "through_slot") (param i32) (result i32)
      (call_indirect (type $f) (i32.add (global.get $table_base) (local.get 0))))
    (elem (global.get $table_base) $one $other)
"""


def test_equal_functions_share_a_body() -> None:
    """So do those that call them, then; each keeps its own slot of the table."""
    exports = ("through_one", "through_other", "through_slot")
    linked = link([library("lib", EQUAL, table=2)], plan(*exports, debug_names=True))
    module = parse_module(linked.wasm)
    assert sorted(function_names(module).values()) == ["one"]
    assert len(module.functions) == 3
    assert module.exported["through_one"].index == module.exported["through_other"].index
    instance = Instance(linked)
    assert [instance.call("through_other"), *(instance.call("through_slot", n) for n in (0, 1))] == [7, 7, 7]


REPLACING = """
    (func (export "replaces:answer") (param i32) (result i32) (i32.add (local.get 0) (i32.const 100)))
"""
REPLACED = """
    (type $f (func (param i32) (result i32)))
    (func $answer (type $f) (local.get 0))
    (func (export "through_call") (param i32) (result i32) (call $answer (local.get 0)))
    (func (export "through_slot") (param i32) (result i32)
      (call_indirect (type $f) (local.get 0) (global.get $table_base)))
    (elem (global.get $table_base) $answer)
"""


def test_a_function_can_be_replaced() -> None:
    """Calls and pointers lead to the other body, and the library's own is gone."""
    libraries = [library("lib", REPLACED, table=1), library("adapter", REPLACING)]
    instance = Instance(link(libraries, plan("through_call", "through_slot")))
    assert instance.call("through_call", 1) == 101
    assert instance.call("through_slot", 1) == 101


def test_what_replaces_a_function_may_call_it() -> None:
    """By a name of its own."""
    around = """
        (import "env" "original:answer" (func $original (param i32) (result i32)))
        (func (export "replaces:answer") (param i32) (result i32)
          (i32.add (call $original (local.get 0)) (i32.const 100)))
    """
    instance = Instance(
        link([library("lib", REPLACED, table=1), library("adapter", around)], plan("through_call"))
    )
    assert instance.call("through_call", 1) == 101


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        (LIBC, "0 functions have the name of what 'replaces:answer' stands in for"),
        (
            '(func $answer (export "through_call"))',
            r"'replaces:answer' is \(i32\) -> \(i32\), not \(\) -> \(\)",
        ),
    ],
)
def test_what_is_replaced_must_be_there(replaced: str, reason: str) -> None:
    """A library of another release is refused."""
    with pytest.raises(LinkError, match=reason):
        link([library("lib", replaced, memory=8), library("adapter", REPLACING)], plan("through_call"))


def test_what_runs_once_is_listed_as_startup_although_a_pointer_leads_there() -> None:
    """With what it alone calls."""
    libraries = [library("lib", LEFT_OUT_LIBRARY, memory=16, table=1)]
    assert len(link(libraries, plan("needed", lasting=("needed",))).startup) == 0
    assert len(link(libraries, plan("needed", lasting=("needed",), once=("first",))).startup) == 2


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        (['(import "env" "f" (func $f))  (func (export "x") (call $f))'], "no library has the function 'f'"),
        (['(import "GOT.mem" "d" (global i32)) (func (export "x"))'], "no library has the data 'd'"),
        (['(import "GOT.func" "d" (global i32)) (func (export "x"))'], "no library has the function 'd'"),
        (['(import "env" "other" (global i32)) (func (export "x"))'], "imports the global 'other' of 'env'"),
        (
            ['(func (export "f") (param i32))', '(import "env" "f" (func $f)) (func (export "x") (call $f))'],
            r"'f' is \(i32\) -> \(\) and is called as \(\) -> \(\)",
        ),
        (['(func (export "y"))'], "0 libraries export 'x'"),
        (['(func (export "x"))', '(func (export "x"))'], "2 libraries export 'x'"),
        (
            ['(import "GOT.mem" "__heap_base" (global $g (mut i32))) (func (export "x") (global.set $g (i32.const 1)))'],
            "global 3 is set; only the stack pointer may be",
        ),
        (['(global $g (mut i32) (i32.const 1)) (func (export "x"))'], "has a global that can be set"),
        (['(memory 1) (func (export "x"))'], "has a memory or a table of its own"),
        (['(import "env" "table2" (table 1 funcref)) (func (export "x"))'], "imports a second table, 'table2'"),
        (
            ['(import "env" "__stack_pointer" (global $s i32)) (func (export "x")) (data (global.get $s) "x")'],
            "the stack pointer in a constant expression",
        ),
        (
            ['(func (export "x")) (func (export "__wasm_apply_data_relocs") (call 0))'],
            "a relocation at offset .* that is not understood",
        ),
        (
            [
                """(func (export "x"))
                   (func (export "__wasm_apply_data_relocs")
                     (i32.store (i32.add (i32.const 8) (global.get $memory_base)) (global.get $memory_base)))"""
            ],
            "a pointer at address 1032, where no library has data",
        ),
        (['(func (export "x") (return_call 0))'], "function 0: .* instruction 12 00 0b … is not understood"),
        (
            ['(import "env" "t" (table $t 1 funcref)) (func (export "x") (call_indirect $t (i32.const 0)))'],
            "imports a second table",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(bodies: list[str], reason: str) -> None:
    """Every refusal names the library and the thing."""
    with pytest.raises(LinkError, match=reason):
        link([library(f"lib{place}", body) for place, body in enumerate(bodies)], plan("x"))


def test_what_is_no_library_is_refused() -> None:
    """A plain module, and bytes that are no module."""
    plain = bytes(wasmtime.wat2wasm("(module)"))
    with pytest.raises(LinkError, match=r"plain: .*offset 0.*not a shared library"):
        read_library("plain", plain)
    with pytest.raises(LinkError, match=r"text: .*begins with 68656c6c6f"):
        read_library("text", b"hello")


BYTES = {
    "libc.so": library_bytes(LIBC, memory=8),
    "app.so": library_bytes(APP, memory=21, table=1, needed=["libc.so"]),
}


@settings(deadline=None)
@given(st.sampled_from(sorted(BYTES)), st.data())
def test_damage_is_refused_or_gives_a_module_that_validates(name: str, data: st.DataObject) -> None:
    """Flipped bits and cut ends end in a LinkError, from the linker or from validation, or do no harm."""
    whole = BYTES[name]
    damaged = bytearray(whole[: data.draw(st.integers(len(whole) - 40, len(whole)))])
    for at in data.draw(st.lists(st.integers(8, len(damaged) - 1), max_size=3)):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        libraries: list[Library] = [
            read_library(each, bytes(damaged) if each == name else BYTES[each]) for each in BYTES
        ]
        refuse_invalid(link([*libraries, library("adapter", ADAPTER)], plan(*EXPORTS)).wasm)
    except LinkError as refusal:
        event(str(refusal)[:20])


def test_a_refusal_keeps_the_offset() -> None:
    """The reader's error is the cause."""
    with pytest.raises(LinkError) as caught:
        read_library("cut", BYTES["libc.so"][:-1])
    assert isinstance(caught.value.__cause__, ModuleFormatError)
