"""The process that runs guests lives, whatever they and the program around them do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reglet.sandbox import GuestAnswerError, GuestTrapError, Sandbox
from tests.host.modules import DIAL, HOSTILE
from tests.hostile.guests import PATIENT, check, hostile


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


def test_handlers_of_signals_turn_no_trap_into_the_end_of_the_process():
    """A program's own, the default and none at all, each set when the engine has started."""
    code = """
import signal
from reglet.sandbox import GuestTrapError, Sandbox
from tests.host.modules import HOSTILE, plugin
with Sandbox() as sandbox:
    module = sandbox.load(plugin(HOSTILE["trap"]))
    for name in ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGTRAP"):
        for handler in (print, signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(getattr(signal, name), handler)
            try:
                module.check({})
            except GuestTrapError:
                print("trapped")
    assert sandbox.load(plugin()).check({}).is_success
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "trapped\n" * 15, "")


FORKS = """
import os, sys, threading, time
from datetime import timedelta
from reglet.sandbox import Limits, Sandbox
from tests.host.modules import HOSTILE, plugin

with Sandbox(limits=Limits(instances=2, wall_time=timedelta(seconds=60))) as sandbox:
    module, slow = sandbox.load(plugin()), sandbox.load(plugin(HOSTILE["loop"]))
    module.check({}, fresh=False)
    for _ in range(2):  # every place is taken, in threads that a child does not have
        threading.Thread(target=lambda: slow.check({}), daemon=True).start()
    time.sleep(0.3)
    child = os.fork()
    if child == 0:
        good = module.check({}).is_success and module.check({}, fresh=False).is_success
        good = good and sandbox.load(plugin("(drop (i32.const 77))")).check({}).is_success
        os._exit(0 if good else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_was_forked_off_during_checks_goes_on():
    """Its threads and what they held stayed in its parent; it makes its own."""
    ended = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, check=False, text=True, timeout=300
    )
    assert (ended.returncode, ended.stdout) == (0, "0\n"), ended.stderr


def test_host_calls_within_host_calls_end():
    """An allocator that calls the host, which calls the allocator, does not use up Python's stack."""
    allocate = f"""(func (export "allocate") (param i32) (result i32)
      (drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)})))) (i32.const 65536))"""

    class Answering:
        def call(self, name, request):
            return b"answer"

    with Sandbox(limits=PATIENT, functions=Answering()) as sandbox:
        outcome, _ = check(hostile(sandbox, "", allocate=allocate))
        assert isinstance(outcome, GuestTrapError)
        assert "within 8 host calls" in str(outcome)


def test_an_allocator_that_lies_within_a_host_call_is_caught():
    """The answer of the host is written where there is memory, or not at all."""
    allocate = """(global $calls (mut i32) (i32.const 0))
     (func (export "allocate") (param i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (select (i32.const 65536) (i32.const -16) (i32.eq (global.get $calls) (i32.const 1))))"""

    class Answering:
        def call(self, name, request):
            return b"x" * 100

    with Sandbox(limits=PATIENT, functions=Answering()) as sandbox:
        outcome, _ = check(hostile(sandbox, HOSTILE["dials"], allocate=allocate))
        assert isinstance(outcome, GuestAnswerError)
        assert "not in its memory" in str(outcome)
