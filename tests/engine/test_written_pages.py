"""The pages that guests write are given to those that follow in one step."""

from __future__ import annotations

import ctypes
import mmap
from array import array
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import wasmtime

from reglet.infrastructure.engine import GuestSession, LinkedModule, engine
from reglet.infrastructure.engine.written_pages import (
    WrittenPages,
    _at_once,
    _one_by_one,
    _written,
    populating,
)
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasm.module import read_signatures

BINARY = wasmtime.wat2wasm("""
    (module
      (memory (export "memory") 64)
      (data (i32.const 0) "a memory that begins with something")
      (func (export "write") (param i32)
        (i32.store (local.get 0) (i32.const 7)))
      (func (export "fill") (param i32)
        (memory.fill (i32.const 0) (i32.const 7) (local.get 0))))
    """)
PAGE = mmap.PAGESIZE

pytestmark = pytest.mark.skipif(populating() is None, reason="a call of Linux 5.14")


@pytest.fixture
def code() -> LinkedModule:
    """A module whose guests write where they are told to."""
    return LinkedModule(wasmtime.Module(engine(), BINARY), read_signatures(BINARY), engine=engine())


def started(code: LinkedModule) -> GuestSession:
    """Start a guest."""
    system = System(
        clock=SteppingClock(0), random=HashedRandom(b""), stdout=lambda _: None, stderr=lambda _: None
    )
    session = GuestSession(code, system, lambda wanted: lambda packed: packed)
    session.store.set_epoch_deadline(1 << 62)
    session.start()
    return session


def present(session: GuestSession, address: int) -> bool:
    """Whether a page of the guest is there, so that to write it is no fault."""
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        pagemap.seek((session.memory._base + address) // PAGE * 8)
        return int.from_bytes(pagemap.read(8), "little") >> 63 == 1


def test_a_page_that_one_guest_wrote_is_there_for_the_next(code: LinkedModule) -> None:
    """Unchanged: what it held is what the memory begins with."""
    with closing(started(code)) as first:
        first.call("write", 5 * PAGE)
        first.call("write", 40 * PAGE)
    with closing(started(code)) as second:
        assert [page for page in range(64) if present(second, page * PAGE)] == [5, 40]
        assert second.memory.read(5 * PAGE, 4) == bytes(4)
        assert second.memory.read(0, 8) == b"a memory"


def test_what_several_guests_wrote_adds_up(code: LinkedModule) -> None:
    """A manifest and a check write different pages."""
    for page in (3, 9):
        with closing(started(code)) as guest:
            guest.call("write", page * PAGE)
    with closing(started(code)) as last:
        assert [page for page in range(64) if present(last, page * PAGE)] == [3, 9]


def test_a_guest_that_wrote_much_is_no_example(code: LinkedModule) -> None:
    """A thousand pages are more than a check takes: the others are not made to pay for it."""
    with closing(started(code)) as first:
        first.call("fill", 1001 * PAGE)
    with closing(started(code)) as second:
        assert not any(present(second, page * PAGE) for page in range(64))


def test_ranges_lie_within_what_guests_begin_with(code: LinkedModule) -> None:
    """The next guest's memory has not grown yet."""
    pages = WrittenPages()
    with closing(started(code)) as guest:
        guest.call("write", 0)
        guest.call("write", 2 * PAGE)
        pages.learn(guest.memory._base, 2 * PAGE)
        guest.call("write", PAGE)
    assert pages._ranges == [(0, PAGE)]


@pytest.mark.parametrize("way", [_at_once, _one_by_one])
def test_each_way_populates_all_of_its_ranges(way: Callable[[array[int]], bool]) -> None:
    """One call for all where the kernel has it, else a call for each."""
    with mmap.mmap(-1, 8 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        if not way(array("Q", (base, PAGE))):
            pytest.skip("this kernel has no such call")
        assert way(array("Q", (base + 2 * PAGE, PAGE, base + 6 * PAGE, 2 * PAGE)))
        assert _written(base, 8 * PAGE) == [0, 2, 6, 7]
