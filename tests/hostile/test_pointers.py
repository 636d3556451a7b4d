"""Guests that lie about their memory: no pointer of theirs reaches the host's, and nothing of Python's passes."""

from __future__ import annotations

import threading

import pytest

from reglet.sandbox import GuestAnswerError, GuestTrapError, LimitExceededError, Sandbox
from tests.host.modules import BARE, HOSTILE
from tests.hostile.guests import PATIENT, check, hostile


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
    with Sandbox(limits=PATIENT) as sandbox:
        outcome, _ = check(hostile(sandbox, f"(return {packed})"))
        assert isinstance(outcome, GuestAnswerError | LimitExceededError)
        assert says in str(outcome)


@pytest.mark.parametrize("packed", ["0x7fffffff00000010", "-1", "0x00000000ffffffff", "0x0001fff000000100"])
def test_a_corrupt_request_is_refused(packed):
    """The guest is told, and goes on; nothing outside of its memory is read."""
    with Sandbox(limits=PATIENT) as sandbox:
        calls = f"(drop (call $tcp (i64.const {packed}))) (call $log (i64.const {packed}))"
        assert hostile(sandbox, calls).check({}).is_success


@pytest.mark.parametrize("pointer", ["-16", "0x7ffffff0", "131071"])
def test_an_allocator_that_lies_is_caught(pointer):
    """The config and answers are written where there is memory, or not at all."""
    allocate = f'(func (export "allocate") (param i32) (result i32) (i32.const {pointer}))'
    with Sandbox(limits=PATIENT) as sandbox:
        outcome, _ = check(hostile(sandbox, "", allocate=allocate), b'{"a": 1}')
        assert isinstance(outcome, GuestAnswerError)
        assert "not in its memory" in str(outcome)


def test_a_start_function_may_not_call_the_host():
    """Its memory is not known yet; the error says so."""
    start = "(func $start (call $log (call $pack (i32.const 4096) (i32.const 4)))) (start $start)"
    with Sandbox(limits=PATIENT) as sandbox:
        outcome, _ = check(hostile(sandbox, "", more=start))
        assert isinstance(outcome, GuestTrapError)
        assert "before it was started" in str(outcome)


def test_what_a_host_function_raises_reaches_the_caller():
    """Not the guest, and not another thread's caller."""

    class Raising:
        def __init__(self, name):
            self.name = name

        def call(self, name, request):
            raise ValueError(self.name)

    seen = []

    def run(name):
        with Sandbox(limits=PATIENT, functions=Raising(name)) as sandbox:
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


def test_calls_of_preview_1_with_wrong_arguments_end_in_an_error():
    """They are answered or told; nothing of it passes through the engine."""
    head = """(import "wasi_snapshot_preview1" "fd_close" (func $close (param f64 f64) (result i32)))
     (import "wasi_snapshot_preview1" "no_such_call" (func $none (param i64) (result i32)))"""
    with Sandbox(limits=PATIENT) as sandbox:
        module = hostile(sandbox, "(drop (call $none (i64.const 1)))", head=head + BARE)
        assert module.check({}).is_success
        module = hostile(sandbox, "(drop (call $close (f64.const 1) (f64.const 2)))", head=head + BARE)
        outcome, _ = check(module)
        assert isinstance(outcome, GuestTrapError)
