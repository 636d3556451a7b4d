"""Modules written as text, for tests."""

from __future__ import annotations

import wasmtime


def wasm(text: str) -> bytes:
    """Assemble a module."""
    return bytes(wasmtime.wat2wasm(text))


SMALL = wasm("""
    (module
      (type $answer (func (result i32)))
      (import "reglet_host" "log_message" (func $log (param i64)))
      (import "env" "base" (global $base i32))
      (memory (export "memory") 1 3)
      (table 4 funcref)
      (global $counter (mut i32) (i32.const 7))
      (global $constant i32 (i32.const -5))
      (func $first (export "first") (type $answer) (i32.const 1))
      (func $second (param i32) (result i32) (local i64 i64 f32)
        (global.set $counter (i32.add (global.get $counter) (local.get 0)))
        (call $log (i64.const 9))
        (call_indirect (type $answer) (i32.const 2)))
      (elem (i32.const 2) $first $second)
      (data (i32.const 16) "hello")
      (data (i32.const 65530) "\\00\\ff")
      (start $begin)
      (func $begin))
""")
