"""A guest that is made as new after a check, and waits for another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256

import pytest
import wasmtime

from reglet.infrastructure.engine import GuestSession, LinkedModule, engine, idle_guests
from reglet.infrastructure.engine.session import IdleGuests
from reglet.infrastructure.engine.written_pages import can_write_at_once
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasm.module import read_signatures
from reglet.infrastructure.wasm.snapshot import code_module, memory_module

BINARY = bytes(
    wasmtime.wat2wasm("""
    (module
      (import "reglet_host" "ask" (func $ask (param i64) (result i64)))
      (memory (export "memory") 4)
      (global $stack (mut i32) (i32.const 1024))
      (data (i32.const 65536) "what it begins with")
      (func (export "write") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
      (func (export "read") (param i32) (result i32) (i32.load (local.get 0)))
      (func (export "grow") (drop (memory.grow (i32.const 1))))
      (func (export "fill") (memory.fill (i32.const 0) (i32.const 7) (i32.const 262144)))
      (func (export "push") (global.set $stack (i32.const 512)))
      (func (export "pop") (global.set $stack (i32.const 1024)))
      (func (export "ask") (result i64) (call $ask (i64.const 1)))
      (func (export "trap") unreachable))
    """)
)

pytestmark = pytest.mark.skipif(not can_write_at_once(), reason="a call of Linux")


def system() -> System:
    """Return a system with nothing in it."""
    return System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )


def started(code: LinkedModule, answer: int = 1) -> GuestSession:
    """Start a session whose host gives an answer."""
    session = GuestSession(code, system(), lambda _wanted: lambda _packed: answer)
    session.store.set_epoch_deadline(1 << 62)
    session.start()
    return session


def waits(session: GuestSession) -> bool:
    """End a session well; return whether its guest waits for another one."""
    session.close(reuse=True)
    return session._guest in [guest for _, guest in idle_guests()._guests]


@pytest.fixture
def code() -> Iterator[LinkedModule]:
    """Code over a memory of its own, as a built plugin's, two guests of which were dropped."""
    code, memory = (wasmtime.Module(engine(), each(BINARY)) for each in (code_module, memory_module))
    linked = LinkedModule(code, read_signatures(BINARY), memory, engine=engine())
    assert not waits(started(linked))
    assert not waits(started(linked))
    yield linked
    idle_guests().close(linked)


def test_the_first_two_guests_are_dropped_and_nothing_is_prepared_for_more(code: LinkedModule) -> None:
    """A process with a manifest and one check has no use for it."""
    assert code._pristine is None
    assert waits(started(code))
    assert code._pristine is not None


def test_a_guest_that_has_waited_is_as_a_new_one(code: LinkedModule) -> None:
    """Every byte of its memory, whatever was written; the host that answers it is another one."""
    first = started(code)
    for address in (0, 4092, 65536, 70000, 262140):
        first.call("write", address, 0x5EC2E7)
    assert first.call("ask") == 1
    assert waits(first)
    with closing(started(code, answer=2)) as second, closing(started(code)) as new:
        assert second._guest is first._guest
        assert new._guest is not first._guest
        assert sha256(second.memory.read_all()).digest() == sha256(new.memory.read_all()).digest()
        assert second.memory.read(65536, 19) == b"what it begins with"
        assert second.call("ask") == 2


def test_what_the_host_wrote_is_put_back_too(code: LinkedModule) -> None:
    """A config, and answers."""
    session = started(code)
    session.memory.write(100_000, b"a secret")
    assert waits(session)
    assert b"a secret" not in session.memory.read_all()


def test_a_session_lets_go_of_its_guest_once(code: LinkedModule) -> None:
    """Closed again, it is another session's."""
    session = started(code)
    assert waits(session)
    session.close()
    with closing(started(code)) as following:
        session.close()
        assert following.call("read", 65536) == int.from_bytes(b"what", "little")


@pytest.mark.parametrize("deed", ["grow", "push"])
def test_a_guest_that_cannot_be_made_as_new_is_not_used_again(code: LinkedModule, deed: str) -> None:
    """Memory does not shrink, and a stack pointer that is not back says that something is open."""
    session = started(code)
    session.call(deed)
    assert not waits(session)


def test_a_stack_pointer_that_is_back_is_no_obstacle(code: LinkedModule) -> None:
    """As after each call."""
    session = started(code)
    session.call("push")
    session.call("pop")
    assert waits(session)


def test_code_that_has_its_memory_itself_is_never_used_again() -> None:
    """Any other module: what else it holds is not known."""
    code = LinkedModule(wasmtime.Module(engine(), BINARY), read_signatures(BINARY), engine=engine())
    assert not any(waits(started(code)) for _ in range(4))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_forked_process_uses_no_guest_of_the_other(code: LinkedModule) -> None:
    """Neither one that waits nor one that is at work; and the other's are as they were."""
    waiting, working = started(code), started(code)
    assert waits(waiting)
    child = os.fork()
    if child == 0:
        os._exit(int(waiting._guest.restore() or waits(working)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert waits(working)
    assert idle_guests().take((code, False, None)) is working._guest
    assert idle_guests().take((code, False, None)) is waiting._guest


def test_as_many_guests_wait_as_run_at_one_time(code: LinkedModule) -> None:
    """Those that came last, of any module; the one that came last of a kind is taken first."""
    idle = IdleGuests()
    idle._most = 2
    guests = [started(code)._guest for _ in range(4)]
    for number, guest in enumerate(guests):
        idle.add(number % 2, guest)
    assert [guest._written is None for guest in guests] == [True, True, False, False]
    assert idle.take(2) is None
    assert idle.take(0) is guests[2]
    assert idle.take(0) is None
    idle.add(0, guests[2])
    idle.close(code)
    assert idle.take(0) is idle.take(1) is None
    assert all(guest._written is None for guest in guests)
