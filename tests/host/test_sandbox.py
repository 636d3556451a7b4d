"""The sandbox with modules written by hand: manifests, checks, grants, and many threads at once."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import reglet.sandbox
from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.domain.policy import Policy
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.infrastructure.host.interruption import _interrupts
from reglet.sandbox import (
    Dialect,
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
    Limits,
    Sandbox,
    SandboxClosedError,
)
from tests.host.modules import BARE, DIAL, HOSTILE, older_plugin, plugin
from tests.host.requests import network
from tests.patience import PATIENCE, comes_true, interrupted

ECHO = f"(return (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)}))))"
"""Answers with what the host answered: host functions may give a Result."""

COUNT = """
 (global.set $count (i32.add (global.get $count) (i32.const 1)))
 (i32.store8 (i32.const 3031) (i32.add (i32.const 48) (global.get $count)))
 (return (call $pack (i32.const 3000) (i32.const 34)))"""
"""Answers with how often it was asked, a digit in the message."""

COUNTER = plugin(
    COUNT,
    more="(global $count (mut i32) (i32.const 0))"
    ' (data (i32.const 3000) "{\\"status\\":\\"success\\",\\"message\\":\\"0\\"}")',
)


def result(message: str, **data) -> bytes:
    """Return a Result's JSON."""
    return json.dumps({"status": "success", "message": message, "data": data}).encode()


class Answering:
    """Host functions that keep what they were asked and answer with a Result."""

    def __init__(self):
        self.calls = []

    def call(self, name, request):
        self.calls.append((name, request))
        return result("answered")


def test_a_manifest_is_read():
    """Whoever made the module."""
    with Sandbox() as sandbox:
        manifest = sandbox.load(plugin()).manifest()
    assert (manifest.name, manifest.version) == ("by-hand", "1.0.0")


def test_a_manifest_that_cannot_be_read_is_refused():
    """It names the call."""
    broken = plugin().replace(b'{"name":"by-hand"', b'["name":"by-hand"')
    with Sandbox() as sandbox, pytest.raises(GuestAnswerError, match="_manifest gave no usable answer"):
        sandbox.load(broken).manifest()


def test_the_class_of_a_module_can_be_asked_for():
    """For annotations; what does not exist is told as Python does."""
    with Sandbox() as sandbox:
        assert isinstance(sandbox.load(plugin()), reglet.sandbox.Module)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = reglet.sandbox.Nothing


def test_importing_the_sandbox_imports_no_engine():
    """Nor any network library: they are imported when they are needed."""
    code = "import sys, reglet.sandbox; print([n for n in ('wasmtime', 'httpx', 'dns', 'cryptography') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


_IMPORTS_OF_THREADS = """
import sys, threading
from reglet.sandbox import GrantSet, NetworkCapability, NetworkRule, Sandbox

imports = []


class Watching:
    @staticmethod
    def find_spec(name, path=None, target=None):
        imports.append((threading.current_thread() is threading.main_thread(), name))


sys.meta_path.insert(0, Watching)
granted = GrantSet(network=NetworkCapability([NetworkRule(hosts=["example.com"], ports=["443"])]))
with Sandbox(granted) as sandbox:
    sandbox.load(sys.argv[1])
first = next(index for index, (main, name) in enumerate(imports) if not main)
last = max(index for index, (main, name) in enumerate(imports) if not main)
print(any("native.http" in name for _, name in imports), [name for main, name in imports[first:last] if main])
"""


def test_no_two_threads_import_at_once_while_a_module_is_loaded(tmp_path):
    """Clients are imported beside the compiling, and whoever loads imports nothing then: no wait is mutual."""
    path = tmp_path / "counter.wasm"
    path.write_bytes(COUNTER)
    command = [sys.executable, "-c", _IMPORTS_OF_THREADS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_a_module_is_loaded_from_a_file(tmp_path):
    """Its path is what messages call it, its digest what grants are kept under."""
    path = tmp_path / "plugin.wasm"
    path.write_bytes(plugin())
    with Sandbox() as sandbox:
        module = sandbox.load(path)
        assert module.source == str(path)
        assert len(module.digest) == 64
        assert module.check({"any": "config"}).is_success
        with pytest.raises(FileNotFoundError):
            sandbox.load(tmp_path / "none.wasm")


def test_what_one_sandbox_has_loaded_another_takes():
    """Each with its own grants and limits; only whether fuel is counted is part of compiled code."""
    with Sandbox() as asked, Sandbox(limits=Limits(fuel=10_000_000)) as counting:
        module = asked.load(plugin(), "the plugin")
        with Sandbox(limits=Limits(request_bytes=3)) as other:
            same = other.load(module)
            assert (same.source, same.digest) == ("the plugin", module.digest)
            assert module.check({"any": "config"}).is_success
            with pytest.raises(LimitExceededError, match="request_bytes"):
                same.check({"any": "config"})
        assert module.check({"any": "config"}).is_success
        with pytest.raises(ValueError, match="load the file itself"):
            counting.load(module)


def test_a_config_reaches_the_guest_as_json():
    """Bytes as they are, values encoded, text in UTF-8."""
    functions = Answering()
    observe = "(return (call $tcp (call $pack (local.get $p) (local.get $n))))"
    with Sandbox(functions=functions) as sandbox:
        module = sandbox.load(plugin(observe))
        assert module.check({"name": "größe"}).message == "answered"
        module.check(b'{"raw": 1}')
    assert [json.loads(request) for _, request in functions.calls] == [{"name": "größe"}, {"raw": 1}]


def test_each_check_has_a_guest_of_its_own():
    """Nothing is carried over, unless it is asked for."""
    with Sandbox() as sandbox:
        module = sandbox.load(COUNTER)
        assert [module.check({}).message for _ in range(3)] == ["1", "1", "1"]
        assert [module.check({}, fresh=False).message for _ in range(3)] == ["1", "2", "3"]
        assert module.check({}).message == "1"


def test_initialize_runs_first():
    """Where a module has it (a reactor, as the Go SDK makes)."""
    more = """(global $count (mut i32) (i32.const 0))
     (func (export "_initialize") (global.set $count (i32.const 6)))
     (data (i32.const 3000) "{\\"status\\":\\"success\\",\\"message\\":\\"0\\"}")"""
    with Sandbox() as sandbox:
        assert sandbox.load(plugin(COUNT, more=more)).check({}).message == "7"


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_dialect_is_offered_to_guests(dialect):
    """A port in text is a request in abi, and cannot be read in hostlib; the older app calls other exports."""
    seen = []
    observe = f"(drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)}))))"
    module = older_plugin(observe) if dialect is Dialect.OLDER else plugin(observe)
    with Sandbox(network("10.0.0.1"), dialect=dialect, observer=seen.append) as sandbox:
        assert sandbox.load(module).check({}).is_success
    answer = json.loads(seen[0].answer)
    match dialect:
        case Dialect.HOSTLIB:
            assert "unmarshal" in answer["message"]
        case Dialect.APP:
            assert "network capability denied: h.test:22" in answer["error"]["message"]
        case _:
            assert answer["error"]["code"] == "network:h.test:22"


def test_a_dispatcher_counts_for_each_check():
    """Its limits hold for one check, not for the sandbox."""

    class Log(list):
        def write(self, message):
            self.append(message.message)

    log = Log()
    limits = Limits(log_messages=1)
    dispatcher = HostDispatcher(HostPorts(log=log), Policy(GrantSet()), limits=limits)
    with Sandbox(functions=dispatcher) as sandbox:
        module = sandbox.load(plugin("(call $log (call $pack (i32.const 4096) (i32.const 34)))"))
        for _ in range(3):
            module.check({})
    assert log == ["again"] * 3


def test_a_dispatchers_context_is_that_of_the_check():
    """It has the deadline that the limits set."""
    contexts = []

    class Watching(HostDispatcher):
        def for_check(self, context: Context) -> HostDispatcher:
            contexts.append(context)
            return self

    dispatcher = Watching(HostPorts(), Policy(GrantSet()))
    with Sandbox(functions=dispatcher, limits=Limits(wall_time=timedelta(hours=9))) as sandbox:
        sandbox.load(plugin()).check({})
    (context,) = contexts
    remaining = context.remaining()
    assert remaining is not None
    assert timedelta(hours=8) < remaining <= timedelta(hours=9)


ENVIRONMENT = (
    BARE
    + """
 (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
 (import "reglet_host" "log_message" (func $log (param i64)))"""
)


def _imports_first(head: str) -> str:
    lines = head.strip().splitlines()
    return "\n".join(sorted(lines, key=lambda line: "(import" not in line))


def test_granted_variables_are_the_guests_environment():
    """And no other."""
    seen = []

    class Raw:
        def call(self, name, request):
            seen.append(request)
            return b""

    observe = """
     (drop (call $sizes (i32.const 0) (i32.const 4)))
     (drop (call $environ_get (i32.const 64) (i32.const 1100)))
     (call $log (call $pack (i32.const 1100) (i32.load (i32.const 4))))"""
    grants = GrantSet(env=EnvironmentCapability(["AWS_*", "HOME"]))
    environment = {"AWS_REGION": "eu-1", "HOME": "/root", "SECRET": "x", "PATH": "/bin"}
    with Sandbox(grants, functions=Raw(), environment=environment) as sandbox:
        sandbox.load(plugin(observe, head=_imports_first(ENVIRONMENT))).check({})
    assert seen == [b"AWS_REGION=eu-1\0HOME=/root\0"]


PREOPEN = (
    BARE
    + """
 (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
 (import "reglet_host" "log_message" (func $log (param i64)))"""
)
READ_CONFIG_PATH = """
 (if (call $prestat (i32.const 3) (i32.const 0)) (then unreachable))
 (if (call $prestat (i32.const 4) (i32.const 0)) (then unreachable))
 (if (call $open (i32.const 4) (i32.const 1) (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $n) (i32.const 1))
   (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)) (then unreachable))
 (i32.store (i32.const 8) (i32.const 8192)) (i32.store (i32.const 12) (i32.const 4096))
 (drop (call $read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
 (call $log (call $pack (i32.const 8192) (i32.load (i32.const 16))))"""


def test_granted_files_are_the_guests_files(tmp_path):
    """By their own paths below the root, the second of its directories; what is not granted cannot be opened."""
    (tmp_path / "open").write_text("hello")
    (tmp_path / "closed").write_text("secret")
    seen = []

    class Raw:
        def call(self, name, request):
            seen.append(request)
            return b""

    path = Path(tmp_path).resolve()
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(read=["open"])]))
    with Sandbox(grants, functions=Raw(), directory=path) as sandbox:
        module = sandbox.load(plugin(READ_CONFIG_PATH, head=_imports_first(PREOPEN)))
        assert module.check(str(path / "open").encode()).is_success
        with pytest.raises(Exception, match="gave up"):
            module.check(str(path / "closed").encode())
    assert seen == [b"hello"]


def test_a_closed_sandbox_runs_nothing():
    """It says so."""
    sandbox = Sandbox()
    module = sandbox.load(plugin())
    module.check({}, fresh=False)
    sandbox.close()
    sandbox.close()
    for use in (lambda: module.check({}), module.manifest, lambda: sandbox.load(plugin())):
        with pytest.raises(SandboxClosedError):
            use()


def test_checks_that_wait_for_the_host_wait_together():
    """Eight at one time, on any number of cores: what waits for a network holds up no other."""
    together = threading.Barrier(8, timeout=PATIENCE)

    class Meeting:
        def call(self, name, request):
            together.wait()
            return b""

    with Sandbox(functions=Meeting()) as sandbox, ThreadPoolExecutor(8) as pool:
        module = sandbox.load(
            plugin(f"(drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)}))))")
        )
        assert all(result.is_success for result in pool.map(lambda _: module.check({}), range(16)))


def test_only_a_guest_that_is_kept_gets_its_buffers_back():
    """One that is made for a check alone ends with it; the Go host SDK gives none back."""
    source = plugin(deallocate='(func (export "deallocate") (param i32 i32) unreachable)')
    with Sandbox() as sandbox:
        module = sandbox.load(source)
        assert module.check({}).is_success
        assert module.check({}, fresh=False, release=False).is_success
        with pytest.raises(GuestTrapError, match="deallocate"):
            module.check({}, fresh=False)


def test_no_more_guests_run_at_once_than_the_limit():
    """The others wait."""
    running, most, lock, both = 0, 0, threading.Lock(), threading.Event()

    class Counting:
        def call(self, name, request):
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
                if running == 2:
                    both.set()
            both.wait(PATIENCE)
            time.sleep(0.005)
            with lock:
                running -= 1
            return result("done")

    with Sandbox(limits=Limits(instances=2), functions=Counting()) as sandbox:
        module = sandbox.load(plugin(ECHO))
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: module.check({}), range(24)))
    assert all(each.is_success for each in results)
    assert most == 2


def test_one_guest_is_stopped_and_the_others_go_on():
    """An epoch is the engine's; which guest stops is not."""
    with (
        Sandbox(limits=Limits(wall_time=timedelta(minutes=5))) as patient,
        Sandbox(limits=Limits(wall_time=timedelta(milliseconds=60))) as hasty,
    ):
        counts = "(local $i i32) (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 300000000))))"
        slow = patient.load(plugin(counts))
        loop = hasty.load(plugin(HOSTILE["loop"]))
        with ThreadPoolExecutor(2) as pool:
            outcome = pool.submit(slow.check, {})
            with pytest.raises(Exception, match="did not answer in time"):
                loop.check({})
            assert outcome.result().is_success


def test_an_interrupt_stops_the_guest():
    """Ctrl-C does not wait for a guest's loop to end."""
    limit = timedelta(minutes=10)
    with Sandbox(limits=Limits(wall_time=limit)) as sandbox:
        module = sandbox.load(plugin(HOSTILE["loop"]))
        started = time.perf_counter()
        with pytest.raises(KeyboardInterrupt), interrupted(lambda: time.sleep(0.1)):
            module.check({})
        assert time.perf_counter() - started < limit.total_seconds() / 2
        assert sandbox.load(plugin()).check({}).is_success


def _resident_pages():
    """Return how much memory this process has, in pages; 0 where nobody says."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1])


def _held() -> tuple[int, int, int]:
    gc.collect()
    threads = [each for each in threading.enumerate() if each.name != "reglet-guest"]  # they are kept
    return len(list(Path("/dev/fd").iterdir())), len(threads), len(_interrupts)


@pytest.mark.parametrize("checks", [80, pytest.param(20_000, marks=pytest.mark.long)])
def test_many_checks_on_many_threads_leave_nothing_behind(checks):
    """No descriptors, no threads, no stores, no memory."""
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(read=["/etc/**"])]))
    with Sandbox(grants, functions=Answering()) as sandbox:
        module = sandbox.load(plugin(ECHO))
        trap = sandbox.load(plugin(HOSTILE["trap"]))

        def run(number):
            if number % 10 == 0:
                with pytest.raises(Exception, match="gave up"):
                    trap.check({})
            return module.check({}).is_success

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(run, range(40)))
        before, resident = _held(), _resident_pages()
        with ThreadPoolExecutor(8) as pool:
            for _ in range(checks // 80):  # what waits in the pool has its memory too
                assert all(pool.map(run, range(80)))
        assert comes_true(lambda: all(now <= was for now, was in zip(_held(), before, strict=True)))
        assert comes_true(lambda: [each.name for each in threading.enumerate()].count("reglet-guest") <= 8)
        assert _resident_pages() - resident < 5_000
