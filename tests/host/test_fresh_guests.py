"""A check has a fresh guest, whether it is a new one or one that another check had before."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.infrastructure.engine import idle_guests
from reglet.infrastructure.engine.written_pages import can_write_at_once
from reglet.infrastructure.process import available_cores
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.sections import PAGE_SIZE
from reglet.sandbox import EnvironmentCapability, GuestTrapError, LimitExceededError, Limits, Sandbox

OBEDIENT = '''
import reglet
from reglet import Context

plugin = reglet.define_plugin(name="obedient", version="1.0.0", description="Runs what it is told")


@reglet.model
class Deed:
    """What to do."""

    code: str
    more: str = ""


@reglet.model
class Seen:
    """What the code calls `seen`."""

    value: str


@plugin.service("deeds", description="Deeds")
class Deeds:
    """Runs code."""

    @reglet.operation(description="Run code")
    def run(self, _ctx: Context, request: Deed) -> Seen:
        """Run it."""
        names: dict = {}
        exec(request.code, names)
        return Seen(value=str(names.get("seen")))
'''

pytestmark = pytest.mark.skipif(not can_write_at_once(), reason="elsewhere every guest is a new one")


@pytest.fixture
def path(built_source):
    """The plugin that runs what its config says."""
    return built_source(OBEDIENT)


@pytest.fixture
def module(path):
    """It, loaded, after the checks whose guests are dropped."""
    with Sandbox() as sandbox:
        loaded = sandbox.load(path)
        for _ in range(2):
            seen(loaded, "")
        yield loaded


def seen(module, code, more=""):
    """Run code in a check; return what it saw, or the error that the plugin answers with."""
    result = module.check({"code": code, "more": more})
    return result.data["value"] if result.is_success else result.message


def idle():
    """Return the memories of the guests that wait."""
    return [guest.memory.read_all() for _, guest in idle_guests()._guests]


def image(path):
    """Return what the memory of a plugin's guests begins with, as its file says."""
    read = read_plugin(path.read_bytes())
    memory = bytearray(read.memory.minimum * PAGE_SIZE)
    for address, contents in read.data:
        memory[address : address + len(contents)] = contents
    return bytes(memory)


DEEDS = {
    "nothing": "",
    "a global of Python's": "import sys; sys.kept = bytes(range(256)) * 300",
    "a builtin": "import builtins; builtins.len = lambda _: 7",
    "a class of the SDK's": "import reglet; reglet.Context.deadline = None",
    "modules": "import decimal, random, traceback, statistics",
    "an exception": "raise ValueError('some secret')",
    "deep recursion": "def f(n): return n and f(n - 1)\nf(300)",
    "a heap that is used": "kept = [bytearray(b'x' * 1000) for _ in range(200)]",
    "more memory than there is": "bytearray(10**10)",
    "a large result": "seen = 'secret' * 4_000",
    "printing": "print('secret' * 1000)",
    "a seed": "import random; random.seed(4); random.random()",
    "the environment": "import os; os.environ['SECRET'] = 'secret' * 100",
    "time": "import time; time.sleep(0.001); time.time()",
    "garbage that is never collected": "import gc; gc.disable(); a = []; a.append(a)",
    "an object that resists": "class A:\n  def __del__(self): print('late')\nimport sys; sys.a = A()",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_of_a_check_is_left(module, path, deed):
    """Whatever it did, not one byte of memory differs from what a new guest's begins with."""
    seen(module, DEEDS[deed])
    assert idle() == [image(path)]
    assert seen(module, "import sys; seen = hasattr(sys, 'kept'), len('abc')") == "(False, 3)"
    assert idle() == [image(path)]


def test_a_guest_that_waits_is_the_one_that_is_used(module):
    """No other is made beside it."""
    seen(module, "")
    (before,) = idle_guests()._guests
    assert seen(module, "seen = 1") == "1"
    assert idle_guests()._guests == [before]


def test_secrets_are_nowhere_in_a_guest_that_waits(path, tmp_path):
    """Those of the config, of a granted variable, of a file, and of the answer of a host function."""

    class Answering:
        def call(self, name, request):
            asked.append(name)
            return json.dumps({"status_code": 200, "body": "c2VjcmV0LW9mLXRoZS1ob3N0"}).encode()

    asked = []
    folder = Path(tmp_path).resolve()
    (folder / "file").write_text("secret-of-the-file")
    grants = GrantSet(
        fs=FileSystemCapability([FileSystemRule(read=["file"])]), env=EnvironmentCapability(["TOKEN"])
    )
    environment = {"TOKEN": "secret-of-the-environment"}
    code = f"""
import os
from reglet import Context
seen = os.environ["TOKEN"] + open({str(folder / "file")!r}).read()
"""
    with Sandbox(grants, functions=Answering(), environment=environment, directory=folder) as sandbox:
        module = sandbox.load(path)
        for _ in range(3):
            assert "secret-of-the-file" in seen(module, code, "secret-of-the-config" * 1_000)
        (memory,) = idle()
        assert b"secret-of" not in memory
        assert memory == image(path)


@pytest.mark.parametrize(
    ("deed", "ends"),
    [
        ("import os; os._exit(3)", GuestTrapError),
        ("while True: pass", LimitExceededError),
        ("kept = bytearray(b'x' * 3_000_000)", None),
        ("def f(): f()\nimport sys; sys.setrecursionlimit(10**9); f()", (GuestTrapError, LimitExceededError)),
    ],
)
def test_a_guest_that_ended_otherwise_or_grew_is_used_no_more(path, deed, ends):
    """The next check has one of its own."""
    with Sandbox(limits=Limits(wall_time=timedelta(seconds=1))) as sandbox:
        module = sandbox.load(path)
        for _ in range(3):
            seen(module, "")
        assert len(idle()) == 1
        if ends is None:
            seen(module, deed)
        else:
            with pytest.raises(ends):
                module.check({"code": deed})
        assert idle() == []
        assert seen(module, "seen = 1") == "1"


def test_answers_of_new_and_of_restored_guests_are_the_same_bytes(path):
    """But for the time that the check took."""
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    codes = ["seen = 1", "raise ValueError(3)", "import sys; seen = sorted(sys.modules)", "seen = 'x' * 9999"]
    with Sandbox(clock=lambda: clock) as sandbox:
        module = sandbox.load(path)

        def answers():
            for code in codes:
                answer = module.answer("_observe", json.dumps({"code": code}).encode())
                yield re.sub(rb'"duration[^,}]*', b"", answer)

        new = []
        for code_answer in answers():
            new.append(code_answer)
            idle_guests().close(module._plugin.module)
        for _ in range(3):
            assert list(answers()) == new


def test_clocks_of_a_guest_start_with_its_check(module):
    """What was before is another one's."""
    late = float(seen(module, "import time; time.sleep(0.5); seen = time.monotonic()"))
    assert float(seen(module, "import time; seen = time.monotonic()")) < late


def test_a_seed_is_a_checks_own(module):
    """No two of them draw the same numbers, and none those that the one before it would have drawn."""
    drawn = [seen(module, "import random; seen = random.random()") for _ in range(6)]
    assert len(set(drawn)) == 6


def test_checks_on_many_threads_see_nothing_of_each_other(module, path):
    """Nor of those before; then as many guests wait as there are cores, at most."""

    def leave(number):
        if number % 9 == 0:
            seen(module, "raise ValueError")
        return seen(module, f"import sys; seen = hasattr(sys, 'left'); sys.left = 'left{number}' * 999")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(leave, range(200))) == {"False"}
    waiting = idle()
    assert 0 < len(waiting) <= available_cores()
    assert all(memory == image(path) for memory in waiting)


def test_a_limit_of_memory_is_that_of_the_check(path):
    """A guest of a sandbox that allows more is not used where it could not be started."""
    with Sandbox() as large, Sandbox(limits=Limits(memory=1 << 20)) as small:
        module = large.load(path)
        for _ in range(3):
            seen(module, "")
        assert len(idle()) == 1
        with pytest.raises(LimitExceededError, match="memory"):
            small.load(path).check({"code": ""})


def test_fuel_is_that_of_the_check(path):
    """Each has all of it."""
    with Sandbox(limits=Limits(fuel=60_000_000)) as sandbox:
        module = sandbox.load(path)
        for _ in range(8):
            assert seen(module, "for n in range(10_000): pass") == "None"
        with pytest.raises(LimitExceededError, match="fuel"):
            module.check({"code": "for n in range(10**9): pass"})


def test_a_closed_sandbox_leaves_no_guest(path):
    """Its memory is let go of."""
    with Sandbox() as sandbox:
        module = sandbox.load(path)
        for _ in range(3):
            seen(module, "")
        assert len(idle()) == 1
    assert idle() == []
