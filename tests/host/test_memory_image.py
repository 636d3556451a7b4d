"""The memory of a plugin over the code of the runtime that it was made from."""

from __future__ import annotations

import hashlib
import threading
from functools import partial

import pytest

from reglet.infrastructure.host import Limits
from reglet.infrastructure.host.compiled_plugin import SharedRuntime, _recent, load_plugin
from reglet.infrastructure.host.instance import WasiConfig
from reglet.infrastructure.host.module import Module
from reglet.infrastructure.process import renewed_after_fork
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


def found(runtime, binary):
    """Return what a runtime makes of a file."""
    return runtime.module_of(binary, hashlib.sha256(binary).hexdigest())


class Silent:
    """Host functions that answer nothing."""

    def call(self, name, request):
        return b""


def load(binary, runtime=None, limits=None):
    """Load a module as a sandbox does."""
    return load_plugin(binary, "p", limits or Limits(), runtime)


def check(code, limits=None):
    """Run a check of loaded code."""
    slots = renewed_after_fork(partial(threading.BoundedSemaphore, 1))
    module = Module(code, lambda _: Silent(), WasiConfig(), limits or Limits(), slots)
    return module.check({})


@pytest.fixture(autouse=True)
def _nothing_compiled(tmp_path, monkeypatch):
    """Each test starts without code that another compiled."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(tmp_path))
    _recent.clear()


@pytest.fixture
def runtime():
    """The runtime that plugins share."""
    return SharedRuntime(READS_ITS_MEMORY, {})


def test_a_plugin_of_the_runtime_shares_its_code(runtime):
    """And answers from its own memory, over which nothing of the runtime's is left."""
    one, two = (load(made(READS_ITS_MEMORY, word), runtime) for word in ("ya", "no"))
    assert one.shares_code
    assert two.shares_code
    assert (check(one).message, check(two).message) == ("ya", "no")
    assert check(one).message == "ya"


def test_it_answers_as_the_whole_module_does(runtime):
    """Over shared code or compiled as it is."""
    binary = made(READS_ITS_MEMORY, "ya")
    shared = load(binary, runtime)
    _recent.clear()
    whole = load(binary)
    assert (shared.shares_code, whole.shares_code) == (True, False)
    assert check(shared) == check(whole)


def test_code_with_a_limit_on_fuel_is_shared_too(runtime):
    """It is compiled once more, for an engine that counts."""
    limits = Limits(fuel=100_000)
    code = load(made(READS_ITS_MEMORY, "ya"), runtime, limits)
    assert code.shares_code
    assert check(code, limits).message == "ya"


def test_a_module_of_other_code_is_left_alone(runtime):
    """However alike its exports are."""
    assert found(runtime, made(RUNTIME, "ya")) is None
    assert found(runtime, plugin()) is None
    assert found(runtime, b"\0asm\x01\0\0\0") is None
    assert found(runtime, b"no module") is None


def test_a_memory_that_its_data_does_not_fit_is_left_to_the_engine(runtime):
    """Nothing is written beyond the memory."""
    binary = made(READS_ITS_MEMORY, "ya", pages=40)
    short = binary.replace(b"\x05\x03\x01\x00\x28", b"\x05\x03\x01\x00\x02")
    assert short != binary
    assert found(runtime, short) is None


def test_a_memory_that_was_compiled_is_not_compiled_again(runtime):
    """A second load takes it from the cache: it answers the same, and reads no module."""
    binary = made(READS_ITS_MEMORY, "ya")
    first = check(load(binary, runtime))
    _recent.clear()

    kept = runtime.module_of(b"not looked at", hashlib.sha256(binary).hexdigest())
    again = check(load(binary, runtime))

    assert kept is not None
    assert (first.message, again.message) == ("ya", "ya")


def test_a_damaged_entry_is_made_again(runtime, tmp_path):
    """Whatever stands in the file, the plugin answers from its own memory."""
    binary = made(READS_ITS_MEMORY, "ya")
    assert found(runtime, binary) is not None
    (entry,) = (tmp_path / "memory-images").iterdir()
    written = entry.read_bytes()
    entry.write_bytes(written[:100])

    assert check(load(binary, runtime)).message == "ya"
    assert len(entry.read_bytes()) == len(written)


def test_another_runtime_finds_nothing_of_it(runtime):
    """What is kept belongs to one plugin over one runtime."""
    binary = made(READS_ITS_MEMORY, "ya")
    assert found(runtime, binary) is not None

    assert found(SharedRuntime(RUNTIME, {}), binary) is None


def test_other_modules_never_push_out_the_runtimes_code(runtime, tmp_path):
    """However many are compiled: theirs is another cache."""
    load(made(READS_ITS_MEMORY, "ya"), runtime)
    kept = set((tmp_path / "runtimes").iterdir())
    for number in range(14):
        load(plugin(f"(drop (i32.const {number}))"), runtime)
    assert set((tmp_path / "runtimes").iterdir()) == kept
    assert len(list((tmp_path / "compiled").iterdir())) == 12
