"""Taking host functions out of a module's imports, and functions that nothing calls out of its code."""

from __future__ import annotations

import pytest
import wasmtime

from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.sections import SectionId, read_sections
from reglet.infrastructure.wasm.signatures import HostFunctionSlot
from reglet.infrastructure.wasm.snapshot import (
    calling_body,
    without_functions,
    without_host_functions,
)
from tests.wasm.wat import wasm
from tools.runtime.linker.module import parse_module

MODULE = wasm("""
    (module
      (import "reglet_host" "dns_lookup" (func $dns (param i64) (result i64)))
      (import "reglet_host" "http_request" (func $http (param i64) (result i64)))
      (import "reglet_host" "log_message" (func $log (param i64)))
      (func $call_dns (export "dns") (param i64) (result i64) (call $dns (local.get 0)))
      (func $call_http (export "http") (param i64) (result i64) (call $http (local.get 0)))
      (func (export "log") (param i64) (call $log (local.get 0))))
""")


def slot(function: int, bit: int) -> HostFunctionSlot:
    """Find the body of a function."""
    code = next(each for each in read_sections(MODULE) if each.id is SectionId.CODE)
    return HostFunctionSlot(bit, parse_module(MODULE).body(function).start - code.start)


SLOTS = {"dns_lookup": slot(3, 0), "http_request": slot(4, 1)}


def test_nothing_dropped_is_the_same_module() -> None:
    """The bytes stay."""
    assert without_host_functions(MODULE, SLOTS, ()) is MODULE


def test_a_dropped_import_is_gone_and_answers_nothing() -> None:
    """Indices stay as they are: the other functions still call what they called."""
    module = without_host_functions(MODULE, SLOTS, ["http_request"])
    assert read_plugin(module).imported_functions("reglet_host") == ("dns_lookup", "log_message")
    assert len(parse_module(module).bodies) == len(parse_module(MODULE).bodies)
    store = wasmtime.Store()
    linker = wasmtime.Linker(store.engine)
    i64 = wasmtime.ValType.i64()
    logged: list[int] = []
    linker.define_func(
        "reglet_host", "dns_lookup", wasmtime.FuncType([i64], [i64]), lambda request: request + 1
    )
    linker.define_func("reglet_host", "log_message", wasmtime.FuncType([i64], []), logged.append)
    exports = linker.instantiate(store, wasmtime.Module(store.engine, module)).exports(store)
    assert exports["http"](store, 5) == 0
    assert exports["dns"](store, 5) == 6
    exports["log"](store, 7)
    assert logged == [7]


def test_all_can_go() -> None:
    """`log_message` alone stays, as often as there were imports."""
    module = without_host_functions(MODULE, SLOTS, SLOTS)
    assert read_plugin(module).imported_functions("reglet_host") == ("log_message",)
    assert len(read_plugin(module).imports) == 3


def test_what_is_dropped_twice_is_refused() -> None:
    """The second time it is not imported."""
    once = without_host_functions(MODULE, SLOTS, ["http_request"])
    with pytest.raises(ModuleFormatError, match="does not import http_request of reglet_host"):
        without_host_functions(once, SLOTS, ["http_request"])


def test_another_body_in_the_slot_is_refused() -> None:
    """The slot's body is looked at before it is overwritten."""
    wrong = {"http_request": SLOTS["dns_lookup"]}
    with pytest.raises(ModuleFormatError, match="no call of import 1 stands here"):
        without_host_functions(MODULE, wrong, ["http_request"])


def test_imports_beyond_one_byte_have_no_such_body() -> None:
    """Two bodies of one length need an index of one byte."""
    with pytest.raises(ValueError, match="beyond the first 128"):
        calling_body(128)


def test_functions_that_nothing_calls_end_the_guest() -> None:
    """What is left out is short and traps; the others and all indices stay."""
    code = next(each for each in read_sections(MODULE) if each.id is SectionId.CODE)
    bodies = parse_module(MODULE).bodies
    entries = [(bodies[0].start - 1 - code.start, bodies[0].end - code.start)]

    module = without_functions(MODULE, entries)

    left = parse_module(module)
    assert module[left.bodies[0].start : left.bodies[0].end] == b"\0\0\x0b"
    assert [module[each.start : each.end] for each in left.bodies[1:]] == [
        MODULE[each.start : each.end] for each in bodies[1:]
    ]
    wasmtime.Module.validate(wasmtime.Engine(), module)
