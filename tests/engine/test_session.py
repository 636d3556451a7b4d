"""One guest: what its module imports is defined, its memory filled, its exports called."""

from __future__ import annotations

import time
from contextlib import closing
from itertools import product

import pytest
import wasmtime

from reglet.infrastructure.engine import (
    GuestSession,
    HostFunction,
    LinkedModule,
    MakeMemory,
    direct_calls,
    engine,
)
from reglet.infrastructure.wasi.memory import Errno
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
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


def started(
    binary: bytes = BINARY,
    make_memory: MakeMemory | None = None,
    host: HostFunction = lambda packed: 2 * packed,
) -> GuestSession:
    """Start a module with a host that doubles, or another one."""
    system = System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )
    code = LinkedModule(wasmtime.Module(engine(), binary), SIGNATURES, make_memory, engine=engine())
    session = GuestSession(code, system, lambda _wanted: host)
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


def test_what_answers_a_guest_may_run_another_on_the_same_thread() -> None:
    """Each call goes to the host of the guest that made it, also after one that failed."""
    twice = """
        (module
          (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
          (import "wasi_snapshot_preview1" "of_later" (func (result i32)))
          (import "reglet_host" "double" (func $double (param i64) (result i64)))
          (memory (export "memory") 1)
          (func (export "double") (param i64) (result i64)
            (call $double (call $double (local.get 0)))))
        """
    with closing(started()) as inner:

        def answer(packed: int) -> int:
            with pytest.raises(wasmtime.Trap):
                inner.call("trap")
            return inner.call("double", packed) + 1

        with closing(started(bytes(wasmtime.wat2wasm(twice)), host=answer)) as outer:
            assert outer.call("double", 1) == 2 * (2 * 1 + 1) + 1


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


DIRECT = {
    "clock_time_get": "i32 i64 i32",
    "environ_sizes_get": "i32 i32",
    "environ_get": "i32 i32",
    "fd_prestat_get": "i32 i32",
}
ASKING = bytes(
    wasmtime.wat2wasm(
        "\n".join(
            (
                "(module",
                *(
                    f'(import "wasi_snapshot_preview1" "{name}" (func ${name} (param {types}) (result i32)))'
                    for name, types in DIRECT.items()
                ),
                '(memory (export "memory") 1 2)',
                *(
                    f'(func (export "{name}") (param {types}) (result i32) (call ${name} '
                    + " ".join(f"(local.get {index})" for index in range(len(types.split())))
                    + "))"
                    for name, types in DIRECT.items()
                ),
                '(func (export "grow") (drop (memory.grow (i32.const 1)))))',
            )
        )
    )
)


def asking(code: LinkedModule, *, direct: bool) -> GuestSession:
    """Start a guest that passes on calls of preview 1; those to the host are answered at 1 ns past 1970."""
    system = System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )
    session = GuestSession(code, system, lambda _wanted: lambda packed: packed, direct=direct)
    session.store.set_epoch_deadline(1 << 62)
    session.start()
    return session


@pytest.fixture
def asked() -> LinkedModule:
    """Code that passes on calls of preview 1, which some of its guests get answered without the host."""

    def make_memory(store: wasmtime.Store) -> wasmtime.Memory:
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 2)))
        memory.write(store, bytes(range(256)) * 256)
        return memory

    code = wasmtime.Module(engine(), code_module(ASKING))
    return LinkedModule(code, read_signatures(ASKING), make_memory, engine=engine(), direct=direct_calls())


def test_what_is_asked_at_every_start_is_answered_as_the_host_would(asked: LinkedModule) -> None:
    """With the same error for the same mistake, wherever an address lies, and the same bytes written."""
    addresses = (0, 1, 4, 8, 65528, 65529, 65532, 65533, 65536, 1 << 31, -1)
    calls = [("clock_time_get", (clock, 0, to)) for clock, to in product((0, 1, 2, 3, 4, 99, -1), addresses)]
    for name in ("environ_sizes_get", "environ_get"):
        calls += [(name, pair) for pair in product(addresses, addresses)]
    calls += [("fd_prestat_get", pair) for pair in product((0, 1, 2, 3, 4, -1), addresses)]
    for name, arguments in calls:
        with (
            closing(asking(asked, direct=False)) as host,
            closing(asking(asked, direct=True)) as direct,
        ):
            assert direct.call(name, *arguments) == host.call(name, *arguments), (name, arguments)
            if name != "clock_time_get":
                assert direct.memory.read_all() == host.memory.read_all()


def test_the_clocks_are_this_machines_where_they_may_be(asked: LinkedModule) -> None:
    """Beside guests of the same code whose clocks are the host's; memory that has grown is memory too."""
    for name, machine in (("direct", True), ("host", False), ("direct again", True)):
        before = time.time_ns()
        with closing(asking(asked, direct=machine)) as guest:
            guest.call("grow")
            for address in (8, 65536 + 8):
                guest.call("clock_time_get", 0, 0, address)
                seen = int.from_bytes(guest.memory.read(address, 8), "little")
                assert (before <= seen <= time.time_ns()) is machine, name
            for address in (16, 24):
                guest.call("clock_time_get", 1, 0, address)
            first, second = (int.from_bytes(guest.memory.read(at, 8), "little") for at in (16, 24))
            assert first <= second
            assert guest.system.failure is None


def test_code_that_lacks_one_of_these_calls_asks_the_host() -> None:
    """Nothing but code of this SDK is known to want them all."""
    code = LinkedModule(wasmtime.Module(engine(), BINARY), SIGNATURES, engine=engine(), direct=direct_calls())
    with closing(asking(code, direct=True)) as session:
        assert session.call("yield") == 0
