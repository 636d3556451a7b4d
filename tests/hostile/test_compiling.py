"""Modules that are made to be hard to compile: they are refused, or stopped, and Ctrl-C ends it at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from reglet.infrastructure.wasm import module, unsigned
from reglet.infrastructure.wasm.sections import HEADER, SectionId, custom_section, section, vector
from reglet.sandbox import LimitExceededError, Limits, NotAPluginError, Sandbox
from tests.hostile.guests import hostile
from tests.patience import comes_true, interrupted

SLOW = " ".join(
    f"(func (result i32) {'(i32.add ' * 900}(i32.const 1){'(i32.const 1))' * 900})" for _ in range(300)
)
"""Much to compile, and none of it beyond a limit."""


def with_function(body: str) -> str:
    """Return the text of a function."""
    return f"(func {body})"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (with_function("(local " + "i64 " * 5001 + ")"), "5001 locals; it may have 5000"),
        (" ".join([with_function("(local " + "i64 " * 4999 + ")")] * 201), "locals with those before it"),
        (with_function("(loop " * 101 + ")" * 101), "101 loops in loops; it may have 100"),
        (with_function("(block " * 20_001 + ")" * 20_001), "20001 blocks in blocks"),
        (with_function("(block (loop " * 101 + "))" * 101), "101 loops in loops"),
        (with_function("(drop (i32.const 1))" * 400_000), "bytes; it may have 1048576"),
        ("(table 1 funcref)" * 5, "TABLE section has 5 items; it may have 4"),
        (" ".join(f'(export "{n}" (memory 0))' for n in range(10_001)), "EXPORT section has 1000"),
        ("(global i32 (i32.const 0))" * 10_001, "GLOBAL section has 1000"),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_beyond_a_limit_is_not_compiled(more, reason):
    """The error says what it has, and how many it may have."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match=reason):
        hostile(sandbox, more=more)


@pytest.mark.parametrize(
    ("binary", "reason"),
    [
        (HEADER + custom_section("x", b"") * 1001, "more than 1000 sections"),
        (HEADER + section(SectionId.TYPE, vector([b"\x60\0\0"] * 10_001)), "TYPE section has 10001 items"),
        (HEADER + section(SectionId.TYPE, unsigned(1) + bytes(module.MIB)), "TYPE section has 1048577 bytes"),
        (HEADER + section(SectionId.FUNCTION, vector([b"\0"] * 100_001)), "FUNCTION section has 100001"),
        (HEADER + section(SectionId.IMPORT, unsigned(2**32 - 1)), "IMPORT section has 4294967295 items"),
    ],
)
def test_what_is_beyond_a_limit_is_not_even_read(binary, reason):
    """Whoever only looks at a file spends no time on it either."""
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match=reason):
        sandbox.load(binary)


def test_instructions_are_told_from_what_they_carry():
    """Bytes of constants and of branch tables that look like loops are none."""
    fake = "(drop (i32.const 0x03030303)) (drop (f64.const 0x1.3030303030303p-971)) " * 200
    table = "(block (block (br_table 0 1 " + "0 1 " * 300 + "(i32.const 3))))"
    numbers = "(drop (select (result i32) (i32.const 3) (i32.const 3) (i32.const 3))) (memory.fill (i32.const 3) (i32.const 3) (i32.const 3))"
    with Sandbox() as sandbox:
        assert hostile(sandbox, fake + table + numbers * 20).check({}).is_success


def test_compiling_is_stopped_when_its_time_is_over():
    """In a process of its own, which is gone afterwards."""
    limits_ = Limits(compile_time=timedelta(milliseconds=1))
    with Sandbox(limits=limits_) as sandbox, pytest.raises(LimitExceededError) as caught:
        hostile(sandbox, more=SLOW)
    assert (caught.value.limit, caught.value.is_timeout) == ("compile_time", True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to it")
def test_compiling_is_stopped_when_its_memory_is_used_up():
    """The compiler ends, and the error says by which limit."""
    limits_ = Limits(compile_memory=64 * module.MIB)
    large = f"(func (result i32) i32.const 1 {'i32.const 1 i32.add ' * 200_000})"
    with Sandbox(limits=limits_) as sandbox, pytest.raises(LimitExceededError) as caught:
        hostile(sandbox, more=large)
    assert caught.value.limit == "compile_memory"


@pytest.mark.skipif(sys.platform == "win32", reason="nothing holds a process to it there")
def test_where_the_system_holds_nobody_to_it_the_compiler_looks_itself():
    """It ends with the status of one that has no memory left, in the middle of whatever it does."""
    code = """
import threading, time
from reglet.infrastructure.engine.compilation import end_beyond
threading.Thread(target=end_beyond, args=(64 << 20,), daemon=True).start()
kept = [bytes(range(256)) * 4096 for _ in range(40)]
time.sleep(0.1)
print("within", flush=True)
while True:
    kept.append(bytes(range(256)) * 4096)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)
    assert (ended.returncode, ended.stdout) == (4, b"within\n")


def is_waiting_for_the_compiler() -> bool:
    """Whether the main thread has started it and handed it a module."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code is not subprocess.Popen.communicate.__code__:
        frame = frame.f_back
    return frame is not None


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals are sent otherwise there")
def test_an_interrupt_ends_compiling():
    """Ctrl-C does not wait for the compiler, which ends with it."""
    with (
        Sandbox() as sandbox,
        pytest.raises(KeyboardInterrupt),
        interrupted(lambda: comes_true(is_waiting_for_the_compiler)),
    ):
        hostile(sandbox, more=f"{SLOW} (global i64 (i64.const {time.time_ns()}))")  # never compiled before
