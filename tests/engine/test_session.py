"""One guest: what its module imports is defined, its memory filled, its exports called."""

from __future__ import annotations

from contextlib import closing

import pytest
import wasmtime

from reglet.infrastructure.engine import GuestSession, HostFunction, LinkedModule, MakeMemory, engine
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasi.tree import Errno
from reglet.infrastructure.wasm.module import read_signatures
from reglet.infrastructure.wasm.snapshot import code_module

BINARY = wasmtime.wat2wasm("""
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
    """)
SIGNATURES = read_signatures(BINARY)


def started(binary: bytes = BINARY, make_memory: MakeMemory | None = None) -> GuestSession:
    """Start a module with a host that doubles."""
    system = System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )
    code = LinkedModule(wasmtime.Module(engine(), binary), SIGNATURES, make_memory, engine=engine())
    session = GuestSession(code, system, lambda _wanted: lambda packed: 2 * packed)
    session.store.set_epoch_deadline(1 << 62)
    session.start()
    return session


def test_an_import_that_is_there_twice_is_listed_once() -> None:
    """Go's linker writes some twice."""
    assert [each.name for each in SIGNATURES.functions] == ["sched_yield", "of_later", "double"]


def test_calls_reach_preview_1_and_the_host() -> None:
    """What preview 1 has not is answered with NOSYS; a call without a result gives 0."""
    with closing(started()) as session:
        assert session.call("yield") == 2 * Errno.SUCCESS
        assert session.call("later") == Errno.NOSYS
        assert session.call("double", 21) == 42
        assert session.call("nothing") == 0
        assert (session.exports("double"), session.exports("triple")) == (True, False)


def test_code_is_given_the_memory_that_it_imports() -> None:
    """Filled, and of any size: the system reads it where it lies."""

    def make_memory(store: wasmtime.Store) -> wasmtime.Memory:
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(601, None)))
        memory.write(store, b"restored", 0)
        return memory

    with closing(started(code_module(BINARY), make_memory)) as session:
        assert session.call("double", 21) == 42
        assert session.memory.read(0, 8) == b"restored"
        assert len(session.memory.read_all()) == 601 * 65536


def test_guests_of_one_module_are_told_apart() -> None:
    """Its imports are defined once; who is called is found from the guest that calls."""
    code = LinkedModule(wasmtime.Module(engine(), BINARY), SIGNATURES, engine=engine())
    sessions = []
    for factor in (2, 3):
        system = System(
            clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
        )

        def multiply(_wanted: object, factor: int = factor) -> HostFunction:
            return lambda packed: factor * packed

        session = GuestSession(code, system, multiply)
        session.store.set_epoch_deadline(1 << 62)
        session.start()
        sessions.append(session)

    assert [each.call("double", 7) for each in sessions + sessions] == [14, 21, 14, 21]
    for each in sessions:
        each.close()


def test_the_memory_of_a_closed_guest_is_gone() -> None:
    """Nothing reads where it was; to close twice does nothing."""
    session = started()
    session.close()
    session.close()


def test_a_function_of_another_type_is_not_called() -> None:
    """Nor one that is not there: arguments would be read where there are none."""
    with closing(started()) as session:
        for name, arguments in (("double", ()), ("double", (1, 2)), ("memory", ()), ("none", ())):
            with pytest.raises(TypeError, match=name):
                session.call(name, *arguments)
