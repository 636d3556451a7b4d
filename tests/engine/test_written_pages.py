"""The pages that guests write are put back in one step, and given to those that follow."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reglet.infrastructure.engine import GuestSession, LinkedModule, engine
from reglet.infrastructure.engine.written_pages import (
    _WRITTEN,
    WrittenPages,
    _pagemap,
    can_write_at_once,
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
PAGES = 64

pytestmark = pytest.mark.skipif(not can_write_at_once(), reason="a call of Linux")


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
    with closing(started(code)) as guest:
        guest.call("write", 0)
        guest.call("write", 2 * PAGE)
        pages = WrittenPages(guest.memory._base, 2 * PAGE)
        assert pages.look()
        guest.call("write", PAGE)
    assert pages.ranges == [(0, PAGE)]


@pytest.mark.parametrize("kind", range(8))
def test_a_page_is_written_if_it_is_there_or_swapped_out_and_of_no_file(kind: int) -> None:
    """As the three highest bits of its entry say, whatever the others are."""
    is_present, is_swapped, is_of_file = kind & 4, kind & 2, kind & 1
    written = bool((is_present or is_swapped) and not is_of_file)
    for rest in range(32):
        assert bool(_WRITTEN.fullmatch(bytes([kind << 5 | rest]))) is written


@pytest.fixture
def memories(tmp_path: Path) -> Iterator[tuple[mmap.mmap, mmap.mmap]]:
    """Two memories with the same random content, as an engine maps them: of a file, and of zeros after it."""
    path = tmp_path / "image"
    path.write_bytes(random.Random(1).randbytes(PAGES // 2 * PAGE) + bytes(PAGES // 2 * PAGE))
    with path.open("r+b") as file:
        mapped = [mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) for _ in range(2)]
    yield mapped[0], mapped[1]
    for each in mapped:
        each.close()


def address(memory: mmap.mmap) -> int:
    """Return where a memory begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


WRITES = st.lists(st.tuples(st.integers(0, PAGES * PAGE - 1), st.binary(min_size=1, max_size=3 * PAGE)))


@given(st.lists(WRITES, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_written_is_put_back(
    memories: tuple[mmap.mmap, mmap.mmap], checks: list[list[tuple[int, bytes]]]
) -> None:
    """Wherever, and however often: the memory equals the other one in every byte."""
    memory, pristine = memories
    pages = WrittenPages(address(memory), len(memory))
    for writes in checks:
        for start, content in writes:
            end = min(start + len(content), len(memory))
            memory[start:end] = content[: end - start]
        assert pages.restore(address(pristine))
        assert memory[:] == pristine[:]


def test_pages_that_were_read_alone_are_left_as_they_are(memories: tuple[mmap.mmap, mmap.mmap]) -> None:
    """They are still those of the file."""
    memory, pristine = memories
    assert memory[:] == pristine[:]
    memory[3 * PAGE] = 1
    pages = WrittenPages(address(memory), len(memory))
    assert pages.restore(address(pristine))
    assert pages.ranges == [(3 * PAGE, PAGE)]


@pytest.mark.parametrize("other", [None, "/dev/zero", "/dev/urandom"])
def test_where_the_system_reports_nothing_nothing_is_put_back(
    memories: tuple[mmap.mmap, mmap.mmap], other: str | None
) -> None:
    """As after somebody has closed all files of the process, and opened others."""
    memory, pristine = memories
    memory[3 * PAGE] = memory[3 * PAGE] ^ 1
    pages = WrittenPages(address(memory), len(memory))
    descriptor, _ = _pagemap(os.getpid())
    try:
        os.close(descriptor)
        if other is not None:
            opened = os.open(other, os.O_RDONLY)
            os.dup2(opened, descriptor)
            os.close(opened) if opened != descriptor else None
        assert not pages.restore(address(pristine))
        assert not pages.look()
    finally:
        if other is not None:
            os.close(descriptor)
        _pagemap.cache_clear()
    assert pages.restore(address(pristine))
    assert memory[:] == pristine[:]
