"""Modules written by hand, in the text format: a small plugin, and hostile ones."""

from __future__ import annotations

from functools import cache

import wasmtime

BARE = """
 (memory (export "memory") 2)
 (global $next (mut i32) (i32.const 65536))
 (func $pack (param $p i32) (param $n i32) (result i64)
  (i64.or (i64.shl (i64.extend_i32_u (local.get $p)) (i64.const 32)) (i64.extend_i32_u (local.get $n))))
"""
"""What every module has, without imports."""

HEAD = (
    """
 (import "reglet_host" "tcp_connect" (func $tcp (param i64) (result i64)))
 (import "reglet_host" "log_message" (func $log (param i64)))
 (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
"""
    + BARE
)
_ALLOCATE = """
 (func (export "allocate") (param $n i32) (result i32) (local $p i32)
  (local.set $p (global.get $next))
  (global.set $next (i32.add (global.get $next) (local.get $n)))
  (block $enough
   (loop $more
    (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
    (br_if $enough (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
    (br $more)))
  (local.get $p))
"""
_DEALLOCATE = ' (func (export "deallocate") (param i32 i32))'
MANIFEST = b'{"name":"by-hand","version":"1.0.0"}'
SUCCESS = b'{"status":"success","message":"ok","timestamp":"2026-01-01T00:00:00Z"}'
LOG = b'{"level":"INFO","message":"again"}'
DIAL = b'{"host":"h.test","port":"22"}'


def _text(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


def _data(at: int, data: bytes) -> str:
    return f' (data (i32.const {at}) "{_text(data)}")'


@cache
def plugin(
    observe: str = "",
    *,
    more: str = "",
    allocate: str = _ALLOCATE,
    deallocate: str = _DEALLOCATE,
    answer: bytes = SUCCESS,
    manifest: bytes = MANIFEST,
    head: str = HEAD,
) -> bytes:
    """Return a plugin that runs `observe` and then answers with `answer`, which stands at 2048.

    A log message stands at 4096, a request to dial at 5120; `$p` and `$n` are the config's.
    """
    return bytes(
        wasmtime.wat2wasm(
            "\n".join(
                (
                    "(module",
                    head,
                    allocate,
                    deallocate,
                    _data(1024, manifest),
                    _data(2048, answer),
                    _data(4096, LOG),
                    _data(5120, DIAL),
                    f' (func (export "_manifest") (result i64) (call $pack (i32.const 1024) (i32.const {len(manifest)})))',
                    ' (func $observe (export "_observe") (param $p i32) (param $n i32) (result i64)',
                    f"  {observe}",
                    f"  (call $pack (i32.const 2048) (i32.const {len(answer)})))",
                    more,
                    ")",
                )
            )
        )
    )


DESCRIPTION = b'{"name":"older","version":"0.9.0","description":"","capabilities":[]}'
EVIDENCE = b'{"Status":true,"Error":null,"Timestamp":"2026-01-01T00:00:00Z","Data":{"a":1},"Raw":null}'


@cache
def older_plugin(
    observe: str = "", *, description: bytes = DESCRIPTION, schema: bytes = b"{}", evidence: bytes = EVIDENCE
) -> bytes:
    """Return a plugin of the older app: it runs `observe` and answers with what is given."""
    return bytes(
        wasmtime.wat2wasm(
            f"""(module {HEAD} {_ALLOCATE} {_DEALLOCATE} {_data(5120, DIAL)}
 {_data(1024, description)} {_data(8192, schema)} {_data(2048, evidence)}
 (func (export "describe") (result i64) (call $pack (i32.const 1024) (i32.const {len(description)})))
 (func (export "schema") (result i64) (call $pack (i32.const 8192) (i32.const {len(schema)})))
 (func (export "observe") (param $p i32) (param $n i32) (result i64)
  {observe}
  (call $pack (i32.const 2048) (i32.const {len(evidence)}))))"""
        )
    )


HOSTILE = {
    "loop": "(loop (br 0))",
    "recursion": "(drop (call $observe (local.get $p) (local.get $n)))",
    "memory": "(loop (br_if 0 (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable",
    "trap": "unreachable",
    "out_of_bounds": "(drop (i32.load (i32.const -4)))",
    "exit": "(call $exit (i32.const 7)) unreachable",
    "sleep": """
        (i64.store (i32.const 8) (i64.const 0)) (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 3600000000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))""",
    "random": """(loop (drop (call $random (i32.const 0) (i32.const 131072))) (br 0))""",
    "logs": f"(loop (call $log (call $pack (i32.const 4096) (i32.const {len(LOG)}))) (br 0))",
    "dials": f"(loop (drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)})))) (br 0))",
    "prints": """
        (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 65536))
        (loop (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))""",
}
"""What hostile guests do when they are asked to check, by name."""
