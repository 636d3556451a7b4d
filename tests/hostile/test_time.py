"""Guests that do not end by themselves: each is stopped at its limit, and the host goes on."""

from __future__ import annotations

import threading

import pytest
import wasmtime
from attrs import evolve

from reglet.infrastructure.engine import engine
from reglet.infrastructure.host.interruption import EpochInterrupt
from reglet.sandbox import GuestTrapError, LimitExceededError, Limits, Sandbox
from tests.host.modules import HOSTILE
from tests.hostile.guests import ALLOWANCE, LIMIT, PATIENT, SMALL, check, goes_on, hostile
from tests.patience import PATIENCE


@pytest.mark.parametrize("deed", ["loop", "random", "logs", "dials", "prints", "sleep"])
def test_what_never_ends_is_ended(deed):
    """At the limit of time, whatever it was doing.

    Its memory is ample, for each answer of the host takes some: a fast machine fills 4 MB before time is over.
    """
    with Sandbox(limits=evolve(SMALL, memory=256 << 20)) as sandbox:
        module = hostile(sandbox, HOSTILE[deed])
        outcome, seconds = check(module)
        assert isinstance(outcome, LimitExceededError)
        assert (outcome.limit, outcome.is_timeout) == ("wall_time", True)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE
        assert goes_on(sandbox)


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
    with Sandbox(limits=PATIENT) as sandbox:
        outcome, _ = check(hostile(sandbox, HOSTILE[deed]))
        assert isinstance(outcome, GuestTrapError)
        assert says in str(outcome)
        assert "_observe" in str(outcome)
        assert "\n" not in str(outcome)


@pytest.mark.parametrize(
    ("body", "limits", "error"),
    [("(loop (br 0)) (i32.const 0)", SMALL, LimitExceededError), ("unreachable", PATIENT, GuestTrapError)],
)
def test_an_allocator_that_never_returns_is_ended(body, limits, error):
    """Also when it is called inside a host call."""
    allocate = f"""(global $calls (mut i32) (i32.const 0))
     (func (export "allocate") (param i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (drop (block (result i32) {body}))))
      (i32.const 65536))"""
    with Sandbox(limits=limits) as sandbox:
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


def test_fuel_stops_a_loop_at_the_same_place_each_time():
    """Without waiting for any clock."""
    with Sandbox(limits=Limits(fuel=100_000)) as sandbox:
        outcome, _ = check(hostile(sandbox, HOSTILE["loop"]))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "fuel"
        assert goes_on(sandbox)


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
        interrupt.detach()
        ended.append(True)

    guest = threading.Thread(target=run, daemon=True)
    guest.start()
    guest.join(PATIENCE)
    assert ended == [True]


def test_a_host_call_that_hangs_is_left_behind():
    """An epoch stops no host call: the caller goes on, and the guest's thread ends with the call."""
    released = threading.Event()

    class Hanging:
        def call(self, name, request):
            released.wait(PATIENCE)
            return b""

    with Sandbox(limits=SMALL, functions=Hanging()) as sandbox:
        outcome, seconds = check(hostile(sandbox, HOSTILE["dials"]))
        assert isinstance(outcome, LimitExceededError)
        assert seconds < LIMIT.total_seconds() + ALLOWANCE
        released.set()
        assert goes_on(sandbox)


@pytest.mark.parametrize(("deed", "limits"), [("loop", Limits(wall_time=5 * LIMIT)), ("trap", PATIENT)])
def test_a_kept_guest_that_ended_is_replaced(deed, limits):
    """The next check gets a new one."""
    observe = f"(if (i32.gt_u (local.get $n) (i32.const 2)) (then {HOSTILE[deed]}))"
    with Sandbox(limits=limits) as sandbox:
        module = hostile(sandbox, observe)
        assert module.check(b"{}", fresh=False).is_success
        with pytest.raises((GuestTrapError, LimitExceededError)):
            module.check(b'{"a": 1}', fresh=False)
        assert module.check(b"{}", fresh=False).is_success


def test_a_check_waits_no_longer_for_others_than_it_may_take():
    """Guests that hang in host calls keep their places; whoever waits for one is told in time."""
    released = threading.Event()

    class Hanging:
        def call(self, name, request):
            released.wait(PATIENCE)
            return b""

    limits = Limits(wall_time=LIMIT, instances=2)
    with Sandbox(limits=limits, functions=Hanging()) as sandbox:
        module = hostile(sandbox, HOSTILE["dials"])
        outcomes = [check(module) for _ in range(3)]
        released.set()
    assert all(isinstance(outcome, LimitExceededError) for outcome, _ in outcomes)
    assert "Limits.instances" in str(outcomes[2][0])
    assert outcomes[2][1] < LIMIT.total_seconds() + ALLOWANCE
