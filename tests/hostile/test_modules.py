"""Files that are no plugins: each is refused in one line, and none ends the process."""

from __future__ import annotations

import pytest
import wasmtime

from reglet.infrastructure.host.compiled_plugin import check_signatures
from reglet.sandbox import NotAPluginError, Sandbox
from tests.host.modules import BARE
from tests.hostile.guests import hostile


@pytest.mark.parametrize(
    ("binary", "says"),
    [
        (b"", "it is not WebAssembly"),
        (b"#!/bin/sh", "it is not WebAssembly"),
        (b"\0asm\x0d\0\x01\0", "it is a component; build it with `--target core`"),
        (b"\0asm\x02\0\0\0", "version is 02000000"),
        (b"\0asm", "version is missing"),
        (b"\0asm\x01\0\0\0", "it does not export memory, allocate, _manifest, _observe"),
        (b"\0asm\x01\0\0\0\x01\x7f", "it does not validate"),
    ],
)
def test_what_is_no_plugin_is_refused(binary, says):
    """The text says what it is instead."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match=says.replace("(", r"\(")):
        sandbox.load(binary)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (
            '(import "env" "f" (func))',
            "it imports env.f; hosts give reglet_host and wasi_snapshot_preview1 alone",
        ),
        ('(import "reglet_host" "kv_get" (func (param i64) (result i64)))', "it imports reglet_host.kv_get"),
        (
            '(import "reglet_host" "dns_lookup" (func (param i32)))',
            r"is \(i32\) -> \(\), not \(i64\) -> \(i64\)",
        ),
        ('(import "wasi_snapshot_preview1" "fd_close" (func (param i32)))', "not the type that preview 1"),
    ],
)
def test_imports_that_no_host_gives_are_refused(head, says):
    """By name, when the module is loaded."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match=says):
        hostile(sandbox, "", head=head + BARE)


@pytest.mark.parametrize("memory", ["(memory i64 1)", "(memory 1 2 shared)", "(func)", "(table 1 funcref)"])
def test_a_memory_of_another_kind_is_refused(memory):
    """Hosts take one memory of 32 bits, which is the guest's alone; it cannot move while it is in use."""
    text = f"""(module {memory.replace(" ", ' (export "memory") ', 1) if " " in memory else '(func (export "memory"))'}
     (func (export "allocate") (param i32) (result i32) (i32.const 0))
     (func (export "_manifest") (result i64) (i64.const 0))
     (func (export "_observe") (param i32 i32) (result i64) (i64.const 0)))"""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match="not a memory of 32 bits"):
        sandbox.load(bytes(wasmtime.wat2wasm(text)))


def _abi(manifest='(func (export "_manifest") (result i64) (i64.const 0))', *, more=""):
    return bytes(
        wasmtime.wat2wasm(
            f"""(module {more} (memory (export "memory") 1)
             (func (export "allocate") (param i32) (result i32) (i32.const 0)) {manifest}
             (func (export "_observe") (param i32 i32) (result i64) (i64.const 0)))"""
        )
    )


FOREIGN_TYPES = [
    "v128", "externref", "funcref", "anyref", "eqref", "i31ref", "structref", "arrayref", "nullref",
    "exnref", "(ref func)", "(ref null extern)", "(ref any)", "nullexternref", "f32", "f64",
]  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN_TYPES)
@pytest.mark.parametrize(
    "module",
    [
        '(func (export "_manifest") (param {0}) (result i64) (i64.const 0))',
        '(func (export "_manifest") (result {0}) unreachable)',
        '(func (export "_manifest") (result i64 {0}) unreachable)',
    ],
)
def test_no_type_of_an_export_ends_the_process(module, kind):
    """The engine's C interface aborts at types that it does not know: it is not asked for any."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match=r"_manifest is|not a value type|of kind"):
        sandbox.load(_abi(module.format(kind)))


@pytest.mark.parametrize("kind", FOREIGN_TYPES)
@pytest.mark.parametrize(
    "module",
    [
        '(import "reglet_host" "dns_lookup" (func (param {0}) (result i64)))',
        '(import "reglet_host" "dns_lookup" (func (param i64) (result {0})))',
        '(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result {0})))',
        '(import "reglet_host" "dns_lookup" (global {0}))',
        '(import "wasi_snapshot_preview1" "fd_close" (global (mut {0})))',
    ],
)
def test_no_type_of_an_import_ends_the_process(module, kind):
    """Of a function or of a global, under a name that hosts give."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError):
        sandbox.load(_abi(more=module.format(kind)))


@pytest.mark.parametrize(
    "more",
    [
        '(global (export "g") v128 (v128.const i64x2 0 0))',
        "(func (drop (v128.const i64x2 0 0)))",
        "(type (struct (field i32)))",
        "(type $t (array i8)) (func (drop (array.new_default $t (i32.const 1))))",
        "(memory i64 1)",
        "(memory 1) ",
        "(memory 1 2 shared)",
        "(tag)",
        "(func $f (return_call $f))",
        "(func (drop (i32.atomic.load (i32.const 0))))",
        '(import "wasi_snapshot_preview1" "m" (memory 1))',
        '(import "wasi_snapshot_preview1" "t" (table 1 funcref))',
    ],
)
def test_what_no_plugin_needs_is_switched_off(more):
    """Each proposal is one more way to be wrong about a foreign module."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError):
        sandbox.load(_abi(more=more))


def test_cut_and_changed_modules_are_plugins_or_are_refused():
    """At every byte of a small plugin; nothing but our own error comes of it."""
    whole = _abi()
    seen = set()
    with Sandbox() as sandbox:
        for at in range(8, len(whole)):
            for changed in (whole[:at], whole[:at] + b"\x7b" + whole[at + 1 :]):
                try:
                    check_signatures(changed, "p")
                except NotAPluginError:
                    seen.add("refused")
                else:
                    seen.add("read")
        with pytest.raises(NotAPluginError):
            sandbox.load(whole[:-1])
    assert "refused" in seen
