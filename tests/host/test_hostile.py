"""Hostile guests: each ends within its limit, in a clear error, and the host goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
import wasmtime

from reglet.infrastructure.engine import engine
from reglet.infrastructure.host.interruption import EpochInterrupt
from reglet.sandbox import (
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
    Limits,
    NotAPluginError,
    Sandbox,
)
from tests.host.modules import BARE, HEAD, HOSTILE, SUCCESS, plugin

LIMIT = timedelta(milliseconds=150)
ALLOWANCE = 0.1
SMALL = Limits(memory=4 << 20, wall_time=LIMIT, log_messages=5, host_calls=5, output_bytes=1000)


class Silent:
    """Host functions that answer nothing."""

    def call(self, name, request):
        return b""


def check(module, config=b"{}"):
    """Run a check; return its Result or error, and the seconds it took.

    One that took too long is run again: on a loaded machine another process may have had the processor.
    """
    for _ in range(3):
        started = time.perf_counter()
        try:
            outcome = module.check(config)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
            outcome = error
        seconds = time.perf_counter() - started
        if seconds < LIMIT.total_seconds() + ALLOWANCE:
            break
    return outcome, seconds


def hostile(sandbox, observe, **parts):
    """Return a loaded module that does this when it is asked to check."""
    return sandbox.load(plugin(observe, **parts))


@pytest.mark.parametrize("deed", ["loop", "random", "logs", "dials", "prints", "sleep"])
def test_what_never_ends_is_ended(deed):
    """Within the time limit and a tenth of a second, whatever it was doing."""
    with Sandbox(limits=SMALL) as sandbox:
        module = hostile(sandbox, HOSTILE[deed])
        outcome, seconds = check(module)
        assert isinstance(outcome, LimitExceededError)
        assert (outcome.limit, outcome.is_timeout) == ("wall_time", True)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE
        assert sandbox.load(plugin()).check({}).is_success


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("recursion", "nested too deeply"),
        ("memory", "it gave up"),
        ("trap", "it gave up"),
        ("out_of_bounds", "memory that it does not have"),
        ("exit", "exited with status 7"),
    ],
)
def test_what_ends_itself_is_told(deed, says):
    """In one line, with the export that was called."""
    with Sandbox(limits=SMALL) as sandbox:
        outcome, seconds = check(hostile(sandbox, HOSTILE[deed]))
        assert isinstance(outcome, GuestTrapError)
        assert says in str(outcome)
        assert "_observe" in str(outcome)
        assert "\n" not in str(outcome)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE


def test_a_log_flood_is_cut_before_the_sink():
    """The sink gets as many as the limit says, and a word about the rest."""

    class Kept(list):
        def write(self, message):
            self.append(message.message)

    kept = Kept()
    with Sandbox(limits=SMALL, log=kept) as sandbox:
        check(hostile(sandbox, HOSTILE["logs"]))
    assert kept == ["again"] * 5 + ["more than 5 log messages in one check: the rest is dropped"]


def test_output_is_cut():
    """A guest that prints for ever fills no disk."""
    printed = []
    with Sandbox(limits=SMALL, stdout=printed.append) as sandbox:
        check(hostile(sandbox, HOSTILE["prints"]))
    written = b"".join(printed)
    assert written.startswith(b"{}" + bytes(998))
    assert written[1000:] == b"\n[dropped: more than 1000 bytes]\n"


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        ("(i64.const 0)", "it is empty"),
        ("(i64.const 5)", "5 bytes at address 0"),
        ("(i64.const 0x7fffffff00000010)", "not in its memory"),
        ("(i64.const -1)", "4294967295 bytes"),
        ("(call $pack (i32.const 131070) (i32.const 100))", "not in its memory"),
        ("(call $pack (i32.const 1) (i32.const 3))", "wire format decode failed"),
    ],
)
def test_a_corrupt_answer_is_refused(packed, says):
    """No pointer of a guest reaches the host's memory."""
    with Sandbox(limits=SMALL) as sandbox:
        outcome, _ = check(hostile(sandbox, f"(return {packed})"))
        assert isinstance(outcome, GuestAnswerError | LimitExceededError)
        assert says in str(outcome)


@pytest.mark.parametrize("packed", ["0x7fffffff00000010", "-1", "0x00000000ffffffff", "0x0001fff000000100"])
def test_a_corrupt_request_is_refused(packed):
    """The guest is told, and goes on; nothing outside of its memory is read."""
    with Sandbox(limits=SMALL) as sandbox:
        calls = f"(drop (call $tcp (i64.const {packed}))) (call $log (i64.const {packed}))"
        assert hostile(sandbox, calls).check({}).is_success


@pytest.mark.parametrize("pointer", ["-16", "0x7ffffff0", "131071"])
def test_an_allocator_that_lies_is_caught(pointer):
    """The config and answers are written where there is memory, or not at all."""
    allocate = f'(func (export "allocate") (param i32) (result i32) (i32.const {pointer}))'
    with Sandbox(limits=SMALL) as sandbox:
        outcome, _ = check(hostile(sandbox, "", allocate=allocate), b'{"a": 1}')
        assert isinstance(outcome, GuestAnswerError)
        assert "not in its memory" in str(outcome)


@pytest.mark.parametrize(
    ("body", "error"), [("(loop (br 0)) (i32.const 0)", LimitExceededError), ("unreachable", GuestTrapError)]
)
def test_an_allocator_that_never_returns_is_ended(body, error):
    """Also when it is called inside a host call."""
    allocate = f"""(global $calls (mut i32) (i32.const 0))
     (func (export "allocate") (param i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (drop (block (result i32) {body}))))
      (i32.const 65536))"""
    with Sandbox(limits=SMALL) as sandbox:
        outcome, seconds = check(hostile(sandbox, HOSTILE["dials"], allocate=allocate))
        assert isinstance(outcome, error)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE


def test_a_start_function_that_never_returns_is_ended():
    """The clock runs from before the guest is instantiated."""
    with Sandbox(limits=SMALL) as sandbox:
        module = hostile(sandbox, "", more="(func $start (loop (br 0))) (start $start)")
        outcome, seconds = check(module)
        assert isinstance(outcome, LimitExceededError)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE


def test_a_start_function_may_not_call_the_host():
    """Its memory is not known yet; the error says so."""
    start = "(func $start (call $log (call $pack (i32.const 4096) (i32.const 4)))) (start $start)"
    with Sandbox(limits=SMALL) as sandbox:
        outcome, _ = check(hostile(sandbox, "", more=start))
        assert isinstance(outcome, GuestTrapError)
        assert "before it was started" in str(outcome)


def test_a_memory_larger_than_the_limit_is_refused():
    """Before anything runs."""
    small = Limits(memory=65536)
    with Sandbox(limits=small) as sandbox:
        outcome, _ = check(hostile(sandbox, ""))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "memory"


def test_an_answer_over_the_limit_is_refused_unread():
    """A Result of any size cannot fill the host."""
    small = Limits(result_bytes=len(SUCCESS) - 1)
    with Sandbox(limits=small) as sandbox:
        outcome, _ = check(hostile(sandbox, ""))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "result_bytes"


def test_a_config_over_the_limit_is_refused_unsent():
    """It names the size and the limit."""
    with Sandbox(limits=Limits(request_bytes=10)) as sandbox:
        outcome, _ = check(hostile(sandbox, ""), b'{"a": "0123456789"}')
        assert str(outcome) == "the config is 19 bytes; the limit is 10 bytes (Limits.request_bytes)"


def test_fuel_stops_a_loop_at_the_same_place_each_time():
    """Without waiting for any clock."""
    with Sandbox(limits=Limits(fuel=100_000)) as sandbox:
        outcome, _ = check(hostile(sandbox, HOSTILE["loop"]))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "fuel"
        assert sandbox.load(plugin()).check({}).is_success


def test_a_guest_that_starts_after_it_was_stopped_ends_too():
    """Its store had no deadline when the epoch moved; it does not run on for ever, unseen."""
    interrupt = EpochInterrupt(engine())
    interrupt.raise_(ValueError("stopped"))
    ended = []

    def run():
        store = wasmtime.Store(engine())
        interrupt.attach(store)
        module = wasmtime.Module(engine(), "(module (func $loop (loop (br 0))) (start $loop))")
        with pytest.raises(wasmtime.WasmtimeError, match="stopped by the host"):
            wasmtime.Instance(store, module, [])
        store.close()
        ended.append(True)

    guest = threading.Thread(target=run, daemon=True)
    guest.start()
    guest.join(5)
    assert ended == [True]


def test_a_write_of_millions_of_parts_costs_the_host_nothing():
    """The parts are in the guest's memory; a list of them would take the host gigabytes and seconds."""
    parts = "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 8000000) (i32.const 8)))"
    head = HEAD.replace('"memory") 2', '"memory") 1000')
    with Sandbox(limits=Limits(wall_time=LIMIT)) as sandbox:
        outcome, seconds = check(hostile(sandbox, parts, head=head))
    assert outcome.is_success
    assert seconds < LIMIT.total_seconds() + ALLOWANCE


def test_a_host_call_that_hangs_is_left_behind():
    """An epoch stops no host call: the caller goes on, and the guest's thread ends with the call."""
    released = threading.Event()

    class Hanging:
        def call(self, name, request):
            released.wait(5)
            return b""

    with Sandbox(limits=SMALL, functions=Hanging()) as sandbox:
        outcome, seconds = check(hostile(sandbox, HOSTILE["dials"]))
        assert isinstance(outcome, LimitExceededError)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE
        released.set()
        assert sandbox.load(plugin()).check({}).is_success


def test_what_a_host_function_raises_reaches_the_caller():
    """Not the guest, and not another thread's caller."""

    class Raising:
        def __init__(self, name):
            self.name = name

        def call(self, name, request):
            raise ValueError(self.name)

    seen = []

    def run(name):
        with Sandbox(limits=SMALL, functions=Raising(name)) as sandbox:
            module = hostile(sandbox, HOSTILE["dials"])
            for _ in range(20):
                outcome, _ = check(module)
                seen.append((name, type(outcome), str(outcome)))

    threads = [threading.Thread(target=run, args=(f"thread {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert all(kind is ValueError and text == name for name, kind, text in seen)


def test_an_answer_of_the_host_over_the_limit_is_replaced():
    """The guest is told; its memory is not flooded."""

    class Wordy:
        def call(self, name, request):
            return b"x" * 1000

    observe = "(return (call $tcp (call $pack (i32.const 5120) (i32.const 10))))"
    with Sandbox(limits=Limits(response_bytes=500), functions=Wordy()) as sandbox:
        outcome, _ = check(hostile(sandbox, observe))
        assert isinstance(outcome, GuestAnswerError)
        assert "VALIDATION_ERROR" in str(outcome)


@pytest.mark.parametrize("deed", ["loop", "trap"])
def test_a_kept_guest_that_ended_is_replaced(deed):
    """The next check gets a new one."""
    observe = f"(if (i32.gt_u (local.get $n) (i32.const 2)) (then {HOSTILE[deed]}))"
    with Sandbox(limits=SMALL) as sandbox:
        module = hostile(sandbox, observe)
        assert module.check(b"{}", fresh=False).is_success
        with pytest.raises((GuestTrapError, LimitExceededError)):
            module.check(b'{"a": 1}', fresh=False)
        assert module.check(b"{}", fresh=False).is_success


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


def test_calls_of_preview_1_with_wrong_arguments_end_in_an_error():
    """They are answered or told; nothing of it passes through the engine."""
    head = """(import "wasi_snapshot_preview1" "fd_close" (func $close (param f64 f64) (result i32)))
     (import "wasi_snapshot_preview1" "no_such_call" (func $none (param i64) (result i32)))"""
    with Sandbox(limits=SMALL) as sandbox:
        module = hostile(sandbox, "(drop (call $none (i64.const 1)))", head=head + BARE)
        assert module.check({}).is_success
        module = hostile(sandbox, "(drop (call $close (f64.const 1) (f64.const 2)))", head=head + BARE)
        outcome, _ = check(module)
        assert isinstance(outcome, GuestTrapError)


@pytest.mark.parametrize(("before", "after"), [("enable", "disable"), ("is_enabled", "enable")])
def test_faulthandler_turns_no_trap_into_the_end_of_the_process(before, after):
    """Whenever it sets or takes back its handlers of signals: pytest does, and debuggers."""
    code = f"""
import faulthandler
from reglet.sandbox import GuestTrapError, Sandbox
from tests.host.modules import HOSTILE, plugin
faulthandler.{before}()
with Sandbox() as sandbox:
    assert sandbox.load(plugin()).check({{}}).is_success
    faulthandler.{after}()
    for deed in ("trap", "out_of_bounds", "divides"):
        try:
            sandbox.load(plugin(HOSTILE.get(deed, "(drop (i32.div_u (i32.const 1) (i32.const 0)))"))).check({{}})
        except GuestTrapError:
            print("trapped")
    assert sandbox.load(plugin()).check({{}}).is_success
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "trapped\n" * 3, "")
