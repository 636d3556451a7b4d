"""Writing a memory into a module, and reading the module again."""

from __future__ import annotations

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.module import PluginModule, read_plugin
from reglet.infrastructure.wasm.sections import PAGE_SIZE, ExternKind, SectionId, custom_section
from reglet.infrastructure.wasm.signatures import SizeLimits
from reglet.infrastructure.wasm.snapshot import ZERO_GAP, code_module, filled_runs, write_snapshot
from tests.wasm.wat import wasm

RUNTIME = wasm("""
    (module
      (memory (export "memory") 1)
      (data (i32.const 0) "replaced")
      (func (export "_run") (param i32))
      (func (export "byte_at") (param i32) (result i32) (i32.load8_u (local.get 0))))
""")


def memory_of(module: PluginModule) -> bytes:
    """Lay the data segments out."""
    assert module.memory is not None
    memory = bytearray(module.memory.minimum * PAGE_SIZE)
    for address, contents in module.data:
        memory[address : address + len(contents)] = contents
    return bytes(memory)


PIECES = st.lists(
    st.tuples(
        st.integers(0, 2 * PAGE_SIZE - 300),
        st.one_of(st.binary(min_size=1, max_size=40), st.integers(1, 300).map(lambda size: b"\x01" * size)),
    ),
    max_size=12,
)


@given(PIECES)
def test_the_memory_comes_back(pieces: list[tuple[int, bytes]]) -> None:
    """Whatever is in memory is in the module's data, and runs of zeros are not."""
    memory = bytearray(2 * PAGE_SIZE)
    for address, contents in pieces:
        memory[address : address + len(contents)] = contents
    module = read_plugin(write_snapshot(RUNTIME, memory, ("memory", "byte_at")))
    assert memory_of(module) == bytes(memory)
    assert all(bytes(ZERO_GAP) not in bytes(contents) for _, contents in module.data)
    assert all(contents[0] != 0 for _, contents in module.data)


def test_short_runs_of_zeros_stay_in_their_segment() -> None:
    """A segment costs more than the zeros it saves."""
    memory = bytearray(PAGE_SIZE)
    memory[10] = memory[10 + ZERO_GAP] = memory[10 + 2 * ZERO_GAP + 1] = 1
    assert [(at, len(part)) for at, part in filled_runs(bytes(memory))] == [
        (10, ZERO_GAP + 1),
        (11 + 2 * ZERO_GAP, 1),
    ]


def test_a_memory_full_to_the_end_is_written() -> None:
    """The last byte of memory may be in use, and the first."""
    assert [(at, len(part)) for at, part in filled_runs(b"\1" * PAGE_SIZE)] == [(0, PAGE_SIZE)]


def test_the_module_runs_from_that_memory_and_has_no_other_exports() -> None:
    """The engine sees the bytes; what only a build calls is gone."""
    memory = bytearray(3 * PAGE_SIZE)
    memory[2 * PAGE_SIZE + 5] = 42
    module = write_snapshot(RUNTIME, memory, ("memory", "byte_at"))
    store = wasmtime.Store()
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, module), []).exports(store)
    assert list(exports) == ["memory", "byte_at"]
    assert exports["byte_at"](store, 2 * PAGE_SIZE + 5) == 42
    assert exports["memory"].size(store) == 3


def test_an_export_that_the_runtime_lacks_is_refused() -> None:
    """A plugin without its entry points would be found out by the host only."""
    with pytest.raises(ModuleFormatError, match="the runtime does not export _observe"):
        write_snapshot(RUNTIME, bytes(PAGE_SIZE), ("memory", "_observe"))


def test_half_a_page_is_refused() -> None:
    """Memory has whole pages."""
    with pytest.raises(ModuleFormatError, match="not whole pages"):
        write_snapshot(RUNTIME, bytes(100), ("memory",))


def test_a_plugin_is_read_without_its_code() -> None:
    """Imports, exports, sizes and custom sections."""
    data = wasm("""
        (module
          (import "reglet_host" "log_message" (func (param i64)))
          (import "reglet_host" "dns_lookup" (func (param i64) (result i64)))
          (import "reglet_host" "log_message" (func (param i64)))
          (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2 4096)
          (func (export "_manifest") (result i64) (i64.const 0)))
    """) + custom_section("reglet", b"{}")
    module = read_plugin(data)
    assert module.imported_functions("reglet_host") == ("dns_lookup", "log_message")
    assert module.exported_functions == {"_manifest"}
    assert [each.kind for each in module.exports] == [ExternKind.MEMORY, ExternKind.FUNCTION]
    assert module.memory == SizeLimits(2, 4096)
    assert bytes(module.custom["reglet"]) == b"{}"
    assert module.section_sizes[SectionId.CODE] == 6


def test_addresses_above_two_gigabytes_are_unsigned() -> None:
    """The format writes them as negative numbers."""
    data = wasm('(module (memory 40000) (data (i32.const 2200000000) "x"))')
    assert [address for address, _ in read_plugin(data).data] == [2_200_000_000]


def test_data_at_a_globals_address_is_refused() -> None:
    """Where it lies would depend on the host."""
    data = wasm('(module (import "a" "b" (global $b i32)) (memory 1) (data (global.get $b) "x"))')
    with pytest.raises(ModuleFormatError, match="whose address is a global's value"):
        read_plugin(data)


def test_shared_code_with_a_start_function_is_refused() -> None:
    """Guests are started at once and in turn: nothing of theirs may run, and hold up others, by then."""
    starting = wasm('(module (memory (export "memory") 1) (func $loop (loop (br 0))) (start $loop))')
    with pytest.raises(ModuleFormatError, match="a start function"):
        code_module(starting)
    code_module(RUNTIME)
