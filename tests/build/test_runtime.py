"""A dlmalloc heap made by hand: what is free is zeroed, what is not is left, what does not fit is refused."""

import struct

import pytest

from reglet.infrastructure import STANDARD_LIBRARY_ROOT
from reglet.infrastructure.build.plugin_guest import Snapshots
from reglet.infrastructure.build.runtime import Guest, HeapError, Runtime, free_chunks, zero_free_memory
from reglet.infrastructure.engine import run_in_guest_thread
from reglet.infrastructure.runtime import load_product

BASE = 1024
STACK = 256
SIZE = 8192
FIRST = 1024 + 8


@pytest.fixture(scope="module")
def snapshots() -> Snapshots:
    """The images of the runtime as it was made."""
    product = load_product()
    return Snapshots(product, Runtime.of(product.module, product.key))


def _heap(chunks: list[tuple[int, bool]]) -> bytearray:
    """Lay out (size, in use) from the base; what remains is the top chunk but for its foot."""
    memory = bytearray(b"\xee" * SIZE)
    at, previous_size, previous_in_use = FIRST, 0, True
    top = SIZE - 48 - FIRST - sum(size for size, _ in chunks)
    for size, in_use in [*chunks, (top // 16 * 16, False)]:
        struct.pack_into(
            "<II", memory, at, 0 if previous_in_use else previous_size, size | 2 * in_use | previous_in_use
        )
        at, previous_size, previous_in_use = at + size, size, in_use
    struct.pack_into("<II", memory, at, 0, 40)
    return memory


CHUNKS = [(32, True), (64, False), (48, True), (512, False), (16, True)]


def test_free_chunks_are_found_in_order() -> None:
    """Two are free between others, and the top chunk is the last."""
    found = free_chunks(_heap(CHUNKS), BASE)

    assert found[:2] == [(FIRST + 32, 64), (FIRST + 144, 512)]
    assert found[2][0] == FIRST + 672
    assert len(found) == 3


def test_free_memory_is_zeroed_and_nothing_else() -> None:
    """Links of free chunks stay, as the allocator reads them; the stack is empty between calls."""
    memory = _heap(CHUNKS)
    before = bytes(memory)

    zero_free_memory(memory, BASE, STACK)

    zeroed = {at for at in range(SIZE) if memory[at] == 0 and before[at] != 0}
    expected = {*range(STACK), *range(FIRST + 32 + 16, FIRST + 96), *range(FIRST + 144 + 32, FIRST + 656)}
    top, size = free_chunks(memory, BASE)[-1]
    assert zeroed == expected | set(range(top + 8, top + size))
    assert all(memory[at] == before[at] for at in range(SIZE) if at not in zeroed)


@pytest.mark.parametrize(
    ("at", "word"),
    [
        (FIRST + 4, 0),
        (FIRST + 4, 40 | 3),
        (FIRST + 4, 1 << 20 | 3),
        (FIRST + 32 + 4, 64),
        (FIRST + 96 + 4, 48 | 3),
    ],
)
def test_a_heap_that_does_not_fit_is_refused(at: int, word: int) -> None:
    """A wrong size, or bits that disagree with the chunk before, is never walked over."""
    memory = _heap(CHUNKS)
    struct.pack_into("<I", memory, at, word)

    with pytest.raises(HeapError, match="the heap is damaged at 0x"):
        zero_free_memory(memory, BASE, STACK)


def test_a_heap_without_an_end_is_refused() -> None:
    """Chunks up to the last byte leave no top chunk."""
    memory = bytearray(SIZE)
    for at in range(FIRST, SIZE - 8, 16):
        struct.pack_into("<II", memory, at, 0, 16 | 3)

    with pytest.raises(HeapError, match="report this as a bug"):
        free_chunks(memory, BASE)


_OBJECTS = """
class Lasting:
    "A class."
def lasting(): return 1234567, ("a b",)
mortal = Lasting()
"""
_COUNTS = """
import os, sys
each = (lasting, lasting.__code__, lasting.__code__.co_consts[1], Lasting, sys, mortal)
os.write(1, " ".join(str(sys.getrefcount(each) > 1 << 30) for each in each).encode())
"""


def test_functions_code_constants_classes_and_modules_are_kept(snapshots: Snapshots) -> None:
    """Their references are no longer counted, an instance's still are, and the interpreter goes on."""

    def counts() -> bytes:
        with Guest(snapshots.runtime, {}, snapshots.base()) as guest:
            guest.run(_OBJECTS)
            guest.keep_objects()
            return guest.run(_COUNTS)

    assert run_in_guest_thread(counts) == b"True True True True True False"


def test_the_base_image_has_the_types_of_ast_and_nothing_of_the_rehearsal(snapshots: Snapshots) -> None:
    """A plugin has no function that makes those types; and the plugin that was run is no part of it."""

    def modules() -> bytes:
        with Guest(snapshots.runtime, {}, snapshots.base()) as guest:
            return guest.run("import os, sys; os.write(1, ' '.join(sys.modules).encode())")

    found = run_in_guest_thread(modules).split()
    assert b"_ast" in found
    assert b"rehearsal" not in found


def test_what_was_freed_is_not_in_an_image(snapshots: Snapshots) -> None:
    """Of small blocks, as of large ones, nothing but the allocators' own links is left."""
    source = "found = [chr(97 + n % 26) * 40 + 'zyxwvu' * {size} for n in range(500)]\nfound.clear()"

    def image() -> bytes:
        with Guest(snapshots.runtime, {}, snapshots.base()) as guest:
            for size in (1, 10, 100):
                guest.run(source.format(size=size))
            return guest.image()

    assert b"zyxwvu" * 2 not in run_in_guest_thread(image)


_TAKES = """
import os
for size in (8, 100, 200, 600, 90 << 20, 24):
    taken = [bytes(size) for _ in range((120 << 20) // (size + 32))]
    del taken
os.write(1, b"enough")
"""


def test_what_objects_of_one_size_leave_is_there_for_others(snapshots: Snapshots) -> None:
    """In a memory of 256 MB, 120 MB of objects can be had many times over."""

    def taken() -> bytes:
        with Guest(snapshots.runtime, {}, snapshots.base()) as guest:
            return guest.run(_TAKES)

    assert run_in_guest_thread(taken) == b"enough"


_LEFT_OUT = """
import io, os, sys
import platform, zipimport
found = (
    "platform" in sys.modules, platform.system(), zipimport.zipimporter.__name__,
    sys.stdin is sys.__stdin__, sys.stdin.name, sys.stdin.mode, sys.stdin.encoding, sys.stdin.read(),
)
os.write(1, repr(found).encode())
"""


def test_what_an_image_leaves_out_can_be_imported(snapshots: Snapshots) -> None:
    """The modules are the real ones, and standard input is as it was."""

    def found() -> tuple[bytes, bytes]:
        folders = {STANDARD_LIBRARY_ROOT: snapshots.standard_library}
        with (
            Guest(snapshots.runtime, folders) as fresh,
            Guest(snapshots.runtime, folders, snapshots.base()) as guest,
        ):
            missing = guest.run(
                "import os, sys\nos.write(1, repr({'platform', 'zipimport'} & {*sys.modules}).encode())"
            )
            assert missing == b"set()"
            return fresh.run(_LEFT_OUT), guest.run(_LEFT_OUT)

    before, after = run_in_guest_thread(found)
    assert after == before
