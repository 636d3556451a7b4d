"""One guest: what its module imports is defined, its memory filled, its exports called."""

from __future__ import annotations

from contextlib import closing

import wasmtime

from reglet.infrastructure.engine import GuestSession, engine, function_imports
from reglet.infrastructure.wasi import Errno, HashedRandom, SteppingClock, System

MODULE = wasmtime.Module(
    engine(),
    wasmtime.wat2wasm("""
    (module
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $again (result i32)))
      (import "wasi_snapshot_preview1" "of_later" (func $later (result i32)))
      (import "reglet_host" "double" (func $double (param i64) (result i64)))
      (memory (export "memory") 1)
      (func (export "yield") (result i32) (i32.add (call $yield) (call $again)))
      (func (export "later") (result i32) (call $later))
      (func (export "double") (param i64) (result i64) (call $double (local.get 0)))
      (func (export "nothing"))
      (func (export "trap") unreachable))
    """),
)


def started(fill=None) -> GuestSession:
    """Start the module with a host that doubles."""
    system = System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )
    session = GuestSession(engine(), system)
    session.store.set_epoch_deadline(1 << 62)
    session.start(MODULE, function_imports(MODULE), lambda _wanted: lambda _caller, packed: 2 * packed, fill)
    return session


def test_an_import_that_is_there_twice_is_listed_once() -> None:
    """Go's linker writes some twice."""
    assert [each.name for each in function_imports(MODULE)] == ["sched_yield", "of_later", "double"]


def test_calls_reach_preview_1_and_the_host() -> None:
    """What preview 1 has not is answered with NOSYS; a call without a result gives 0."""
    with closing(started()) as session:
        assert session.call("yield") == 2 * Errno.SUCCESS
        assert session.call("later") == Errno.NOSYS
        assert session.call("double", 21) == 42
        assert session.call("nothing") == 0
        assert (session.exports("double"), session.exports("triple")) == (True, False)


def test_memory_is_filled_before_anything_sees_it() -> None:
    """It may grow meanwhile: the system reads it where it then lies."""

    def fill(store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        memory.grow(store, 600)
        memory.write(store, b"restored", 0)

    with closing(started(fill)) as session:
        assert session.memory.read(0, 8) == b"restored"
        assert len(session.memory.read_all()) == 601 * 65536


def test_the_memory_of_a_closed_guest_is_gone() -> None:
    """Nothing reads where it was; to close twice does nothing."""
    session = started()
    session.close()
    session.close()
