"""Small shared libraries, written by hand as compilers write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from tools.runtime.linker.read import Library, read_library

if TYPE_CHECKING:
    from collections.abc import Sequence


def library(name: str, body: str, *, memory: int = 0, table: int = 0, needed: Sequence[str] = ()) -> Library:
    """Assemble a library that takes `memory` bytes and `table` entries."""
    return read_library(name, library_bytes(body, memory=memory, table=table, needed=needed))


def library_bytes(body: str, *, memory: int = 0, table: int = 0, needed: Sequence[str] = ()) -> bytes:
    """Assemble a library's bytes."""
    names = " ".join(f'"{each}"' for each in needed)
    return bytes(
        wasmtime.wat2wasm(f"""
        (module
          (@dylink.0 (mem-info (memory {memory} 4) (table {table} 0)) (needed {names}))
          (import "env" "memory" (memory 0))
          (import "env" "__indirect_function_table" (table 0 funcref))
          (import "env" "__stack_pointer" (global $stack_pointer (mut i32)))
          (import "env" "__memory_base" (global $memory_base i32))
          (import "env" "__table_base" (global $table_base i32))
          {body})
        """)
    )


LIBC = """
    (func $double (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func $unused (param i32) (result i32) (i32.const 99))
    (func (export "_initialize") (i32.store (i32.add (global.get $memory_base) (i32.const 4)) (i32.const 1000)))
    (global (export "counter") i32 (i32.const 4))
    (data (global.get $memory_base) "\\05\\00\\00\\00")
"""
"""`double`, a number 5 in its data and a counter that its constructor sets to 1000."""

APP = """
    (import "env" "double" (func $double (param i32) (result i32)))
    (import "GOT.mem" "counter" (global $counter (mut i32)))
    (import "GOT.func" "double" (global $double_slot (mut i32)))
    (import "reglet_host" "log_message" (func $log (param i64)))
    (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (result i64)))
    (type $unary (func (param i32) (result i32)))
    (func $triple (type $unary) (i32.mul (local.get 0) (i32.const 3)))
    (func (export "through_call") (param i32) (result i32) (call $double (local.get 0)))
    (func (export "through_got") (param i32) (result i32)
      (call_indirect (type $unary) (local.get 0) (global.get $double_slot)))
    (func (export "through_table") (param i32) (result i32)
      (call_indirect (type $unary) (local.get 0) (i32.add (global.get $table_base) (i32.const 0))))
    (func (export "through_data") (param i32) (result i32)
      (call_indirect (type $unary) (local.get 0) (i32.load (i32.add (i32.const 8) (global.get $memory_base)))))
    (func (export "count") (result i32)
      (i32.store (global.get $counter) (i32.add (i32.load (global.get $counter)) (i32.const 1)))
      (i32.load (global.get $counter)))
    (func (export "stack") (result i32)
      (global.set $stack_pointer (i32.sub (global.get $stack_pointer) (i32.const 16)))
      (global.get $stack_pointer))
    (func (export "time") (result i64) (call $log (i64.const 3)) (call $now))
    (func (export "text") (result i32) (i32.add (global.get $memory_base) (i32.const 16)))
    (func (export "__wasm_apply_data_relocs")
      (i32.store (i32.add (i32.const 8) (global.get $memory_base))
                 (i32.add (global.get $table_base) (i32.const 0)))
      (i32.store (i32.add (i32.const 12) (global.get $memory_base)) (global.get $counter)))
    (elem (global.get $table_base) $triple)
    (data (global.get $memory_base) "\\00\\00\\00\\00\\00\\00\\00\\00\\aa\\aa\\aa\\aa\\bb\\bb\\bb\\bbhello")
"""
"""Calls, pointers and data across libraries, in each way that compilers use."""

ADAPTER = """
    (func (export "wasi:clocks/wall-clock#now") (result i64) (i64.const 1234))
"""
"""Answers one interface."""

EXPORTS = (
    "through_call", "through_got", "through_table", "through_data", "count", "stack", "time", "text",
)  # fmt: skip


def example() -> list[Library]:
    """The three libraries."""
    return [
        library("libc.so", LIBC, memory=8),
        library("app.so", APP, memory=21, table=1, needed=["libc.so"]),
        library("adapter", ADAPTER),
    ]
