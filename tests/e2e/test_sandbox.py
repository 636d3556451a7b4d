"""Plugins of this SDK in the sandbox: what they are granted, what they may take, what they keep."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.sandbox import GuestTrapError, LimitExceededError, Limits, Sandbox
from reglet.testing.fake_host import FakeLog
from tests.patience import PATIENCE

SOURCE = """\
import os
import pathlib
import time

import reglet

plugin = reglet.define_plugin(name="deeds", version="1.0.0", description="Does what it is told")
checks = 0


@reglet.model
class Input:
    text: str = ""


@reglet.model
class Output:
    text: str


def deeper(n):
    return deeper(n + 1) + 1


@plugin.service("deeds")
class Deeds:
    @reglet.operation(description="Count the checks of this guest")
    def count(self) -> Output:
        global checks
        checks += 1
        return Output(str(checks))

    @reglet.operation(description="Never end")
    def loop(self) -> Output:
        while True:
            pass

    @reglet.operation(description="Sleep, and tell for how long")
    def sleep(self, request: Input) -> Output:
        start = time.monotonic()
        time.sleep(float(request.text))
        return Output(str(time.monotonic() - start))

    @reglet.operation(description="Call itself")
    def recurse(self) -> Output:
        return Output(str(deeper(0)))

    @reglet.operation(description="Take memory")
    def hoard(self) -> Output:
        kept = []
        while True:
            kept.append(bytearray(1 << 20))

    @reglet.operation(description="Print")
    def shout(self, request: Input) -> Output:
        print(request.text)
        return Output("done")

    @reglet.operation(description="Write to standard output itself")
    def write_out(self, request: Input) -> Output:
        os.write(1, request.text.encode())
        return Output("done")

    @reglet.operation(description="Leave")
    def leave(self) -> Output:
        os._exit(3)

    @reglet.operation(description="List a folder and read what is in it")
    def look(self, request: Input) -> Output:
        folder = pathlib.Path(request.text)
        return Output(";".join(f"{path.name}={path.read_text()}" for path in sorted(folder.glob("*.txt"))))

    @reglet.operation(description="Write a file, move it and remove another")
    def write(self, request: Input) -> Output:
        folder = pathlib.Path(request.text)
        (folder / "new").write_text("made")
        os.replace(folder / "new", folder / "kept")
        (folder / "old").unlink()
        return Output((folder / "kept").read_text() + str(sorted(os.environ)))
"""

LIMITS = Limits(memory=64 << 20, wall_time=timedelta(minutes=5))


@pytest.fixture(scope="module")
def module_path(built_source):
    """The plugin, built once."""
    return built_source(SOURCE)


@pytest.fixture(scope="module")
def module(module_path):
    """The plugin, loaded once, with small limits."""
    with Sandbox(limits=LIMITS) as sandbox:
        yield sandbox.load(module_path)


def do(module, operation, text="", **options):
    """Run one operation; return what it answered."""
    result = module.check({"operation": operation, "text": text}, **options)
    assert result.data is not None, result
    return result.data["text"]


def test_each_check_starts_where_the_build_ended(module):
    """Only a kept guest carries anything over."""
    assert [do(module, "count") for _ in range(2)] == ["1", "1"]
    assert [do(module, "count", fresh=False) for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize("deed", [{"operation": "loop"}, {"operation": "sleep", "text": "3600"}])
def test_what_never_ends_is_ended(module_path, deed):
    """By the clock, whether it computes or sleeps."""
    with Sandbox(limits=Limits(wall_time=timedelta(milliseconds=300))) as sandbox:
        endless = sandbox.load(module_path)
        with pytest.raises(LimitExceededError, match="did not answer in time"):
            endless.check(deed)


def test_a_plugin_that_sleeps_sleeps(module):
    """The time that it asked for, by its own clock."""
    assert 0.05 <= float(do(module, "sleep", "0.05")) < PATIENCE


def test_deep_recursion_is_a_result(module):
    """CPython's own limit strikes before the guest's stack ends."""
    result = module.check({"operation": "recurse"})
    assert result.error is not None
    assert result.error.type == "panic"
    assert "RecursionError" in result.error.message


def test_memory_beyond_the_limit_is_a_result(module):
    """The guest is told that there is none left."""
    result = module.check({"operation": "hoard"})
    assert result.error is not None
    assert result.error.code == "memory_limit" or "MemoryError" in result.error.message


def test_a_plugin_that_exits_ends_alone(module):
    """The error says so; the next check has another guest."""
    with pytest.raises(GuestTrapError, match="it exited with status"):
        module.check({"operation": "leave"})
    assert do(module, "count") == "1"


def test_what_a_plugin_prints_is_logged(module_path):
    """Hosts discard what a guest writes to its standard output."""
    log = FakeLog()
    with Sandbox(log=log) as sandbox:
        do(sandbox.load(module_path), "shout", "größe")
    assert log.texts == ["INFO größe"]


def test_what_a_plugin_writes_to_the_descriptor_goes_to_the_sink(module_path):
    """As it wrote it."""
    written = []
    with Sandbox(stdout=written.append) as sandbox:
        do(sandbox.load(module_path), "write_out", "größe")
    assert b"".join(written) == "größe".encode()


def test_a_plugin_sees_the_granted_files_alone(module_path, tmp_path):
    """By globs; what it sees of a folder are the names that were granted."""
    for name in ("a.txt", "b.txt", "c.key"):
        (tmp_path / name).write_text(name.upper())
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(read=["*.txt"])]))
    with Sandbox(grants, directory=tmp_path.resolve()) as sandbox:
        assert do(sandbox.load(module_path), "look", str(tmp_path.resolve())) == "a.txt=A.TXT;b.txt=B.TXT"


def test_a_plugin_changes_files_where_it_may_write(module_path, tmp_path):
    """With Python's own means; its environment is what was granted."""
    folder = tmp_path.resolve()
    (folder / "old").write_text("old")
    grants = GrantSet(
        fs=FileSystemCapability([FileSystemRule(read=[f"{folder}/**"], write=[f"{folder}/**"])]),
        env=EnvironmentCapability(["LANG*"]),
    )
    environment = {"LANG": "C", "LANGUAGE": "en", "SECRET": "x"}
    with Sandbox(grants, environment=environment) as sandbox:
        assert do(sandbox.load(module_path), "write", str(folder)) == "made['LANG', 'LANGUAGE']"
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_many_threads_share_a_module(module):
    """Each check in a guest of its own."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(do(module, "count"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["1"] * 16


@pytest.mark.parametrize(
    "config", [b"", b"{", b'"text"', b'{"operation": "none"}', json.dumps({"operation": 1}).encode()]
)
def test_any_config_gets_a_result(module, config):
    """Bad ones one with status error; none ends the guest."""
    assert module.check(config).is_error
