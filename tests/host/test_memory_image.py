"""The memory of a plugin over the code of the runtime that it was made from."""

from __future__ import annotations

import hashlib
import threading

import pytest

from reglet.infrastructure.host import Limits
from reglet.infrastructure.host.compiled_plugin import _recent, compiled_whole, load_plugin
from reglet.infrastructure.host.memory_image import MemoryImageFinder
from reglet.infrastructure.host.module import OFTEN, Module
from reglet.infrastructure.host.wasi_config import WasiConfig
from reglet.infrastructure.wasm.snapshot import write_snapshot
from tests.host.modules import HOSTILE, SUCCESS, plugin

RUNTIME = plugin(HOSTILE["trap"], more='(func (export "_only_for_builds"))')
"""Its memory begins with another answer than that of the plugins made from it."""

READS_ITS_MEMORY = plugin(more='(func (export "_only_for_builds"))')
PAGE = 65536
KEPT = ("memory", "allocate", "deallocate", "_manifest", "_observe")


def made(runtime, message, *, pages=40):
    """Return a plugin made of a runtime: its code, and a memory in which the answer has a message."""
    memory = bytearray(pages * PAGE)
    answer = SUCCESS.replace(b'"ok"', b'"' + message.encode() + b'"')
    assert len(answer) == len(SUCCESS)
    memory[2048 : 2048 + len(answer)] = answer
    memory[(pages - 1) * PAGE] = 1
    return write_snapshot(runtime, bytes(memory), KEPT)


def found(finder, binary):
    """Return what a finder makes of a file."""
    return finder(binary, hashlib.sha256(binary).hexdigest())


class Silent:
    """Host functions that answer nothing."""

    def call(self, name, request):
        return b""


def check(code):
    """Run a check of loaded code."""
    module = Module(code, lambda _: Silent(), WasiConfig(), Limits(), threading.Semaphore(1))
    return module.check({})


@pytest.fixture(autouse=True)
def _nothing_compiled(tmp_path, monkeypatch):
    """Each test starts without code that another compiled."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(tmp_path))
    _recent.clear()


@pytest.fixture
def finder():
    """Finds plugins of the runtime."""
    return MemoryImageFinder(READS_ITS_MEMORY, {})


def test_a_plugin_of_the_runtime_shares_its_code(finder):
    """And answers from its own memory, over which nothing of the runtime's is left."""
    one, two = (load_plugin(made(READS_ITS_MEMORY, word), "p", find_image=finder) for word in ("ya", "no"))
    assert one.image is not None
    assert (check(one).message, check(two).message) == ("ya", "no")
    assert check(one).message == "ya"


def test_it_answers_as_the_whole_module_does(finder):
    """Laid over or compiled by itself."""
    binary = made(READS_ITS_MEMORY, "ya")
    restored = load_plugin(binary, "p", find_image=finder)
    assert restored.image is not None
    whole = compiled_whole(restored)
    assert whole.image is None
    assert check(restored) == check(whole)


def test_a_plugin_that_is_run_often_is_compiled_by_itself(finder):
    """In the background; who loads it later gets that code."""
    binary = made(READS_ITS_MEMORY, "ya")
    module = Module(
        load_plugin(binary, "p", find_image=finder),
        lambda _: Silent(),
        WasiConfig(),
        Limits(),
        threading.Semaphore(1),
    )
    for _ in range(OFTEN):
        assert module.check({}).message == "ya"
    for thread in threading.enumerate():
        if thread.name == "reglet-compile":
            thread.join(10)
    assert module.check({}).message == "ya"
    _recent.clear()
    assert load_plugin(binary, "p", find_image=finder).image is None


def test_a_module_of_other_code_is_left_alone(finder):
    """However alike its exports are."""
    assert found(finder, made(RUNTIME, "ya")) is None
    assert found(finder, plugin()) is None
    assert found(finder, b"\0asm\x01\0\0\0") is None
    assert found(finder, b"no module") is None


def test_a_memory_that_its_data_does_not_fit_is_left_to_the_engine(finder):
    """Nothing is written beyond the memory."""
    binary = made(READS_ITS_MEMORY, "ya", pages=40)
    short = binary.replace(b"\x05\x03\x01\x00\x28", b"\x05\x03\x01\x00\x02")
    assert short != binary
    assert found(finder, short) is None


def test_what_was_found_out_is_not_found_out_again(finder):
    """A second load takes the memory from the cache: it answers the same, and reads no module."""
    binary = made(READS_ITS_MEMORY, "ya")
    first = check(load_plugin(binary, "p", find_image=finder))
    _recent.clear()

    kept = finder(b"not looked at", hashlib.sha256(binary).hexdigest())
    again = check(load_plugin(binary, "p", find_image=finder))

    assert kept is not None
    assert kept.delta == found(finder, binary).delta
    assert (first.message, again.message) == ("ya", "ya")


def test_a_damaged_entry_is_made_again(finder, tmp_path):
    """Whatever stands in the file, the plugin answers from its own memory."""
    binary = made(READS_ITS_MEMORY, "ya")
    whole = found(finder, binary).delta
    (entry,) = (tmp_path / "memory-images").iterdir()
    written = entry.read_bytes()
    entry.write_bytes(written[:100])

    assert found(finder, binary).delta == whole
    assert entry.read_bytes() == written


def test_another_runtime_finds_nothing_of_it(finder):
    """What is kept belongs to one plugin over one runtime."""
    binary = made(READS_ITS_MEMORY, "ya")
    assert found(finder, binary) is not None

    assert found(MemoryImageFinder(RUNTIME, {}), binary) is None
