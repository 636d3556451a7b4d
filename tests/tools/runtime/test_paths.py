"""Paths of a guest: which directory of the host they are in, and what is known of those in none."""

from __future__ import annotations

import json
from ast import literal_eval
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.tools.runtime.guest_of_echo import SOURCE
from tests.tools.runtime.wasm_host import WasmHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def plugin(snapshot_of: Callable[[str], bytes]) -> bytes:
    """A plugin that has imported what these tests use."""
    return snapshot_of("import os, pathlib\n" + SOURCE)


@pytest.fixture
def host(plugin: bytes) -> Iterator[WasmHost]:
    """An instance that sees some files under /data."""
    with closing(WasmHost(plugin, files={"a.txt": b"hello", "d/e": b""})) as made:
        yield made


@pytest.fixture
def bare(plugin: bytes) -> Iterator[WasmHost]:
    """An instance that sees no files."""
    with closing(WasmHost(plugin)) as made:
        yield made


def evaluate(host: WasmHost, what: str) -> Any:
    """Evaluate an expression in the guest; None for one that raises."""
    answer = host.observe(json.dumps({"do": "evaluate", "what": what}).encode()).decode()
    return None if answer.startswith('{"status"') else literal_eval(answer)


def refused(host: WasmHost, what: str) -> list[bytes]:
    """Evaluate an expression; return the looks that were refused meanwhile."""
    evaluate(host, what)
    return evaluate(host, "_reglet.refusals()") or []


@pytest.mark.parametrize(
    ("look", "path"),
    [
        ("open('/etc/passwd')", b"read:/etc/passwd"),
        ("os.stat('/etc/passwd')", b"read:/etc/passwd"),
        ("os.path.lexists('/etc/passwd')", b"read:/etc/passwd"),
        ("os.readlink('/etc/passwd')", b"read:/etc/passwd"),
        ("os.listdir('/etc')", b"read:/etc"),
        ("os.chdir('/etc')", b"read:/etc"),
        ("open('/data/../etc/passwd')", b"read:/data/../etc/passwd"),
        ("open('/database')", b"read:/database"),
        ("open('/etc/new', 'w')", b"write:/etc/new"),
        ("os.mkdir('/etc/new')", b"change:/etc/new"),
        ("os.rmdir('/etc/old')", b"change:/etc/old"),
        ("os.unlink('/etc/old')", b"change:/etc/old"),
        ("os.utime('/etc/old')", b"write:/etc/old"),
        ("os.truncate('/etc/old', 0)", b"write:/etc/old"),
        ("os.symlink('x', '/etc/new')", b"change:/etc/new"),
    ],
)
def test_a_path_in_no_directory_of_the_host_is_refused(
    host: WasmHost, bare: WasmHost, look: str, path: bytes
) -> None:
    """And known, with some directories and with none."""
    assert refused(host, look) == [path]
    assert refused(bare, look) == [path]


def test_what_takes_two_paths_is_refused_for_both(host: WasmHost) -> None:
    """Each takes a grant."""
    assert refused(host, "os.replace('/etc/a', '/etc/b')") == [b"change:/etc/a", b"change:/etc/b"]


def test_a_change_of_what_may_only_be_read_is_refused(host: WasmHost) -> None:
    """The host says that it is read-only."""
    assert refused(host, "open('/data/a.txt', 'w')") == [b"write:/data/a.txt"]
    assert refused(host, "os.unlink('/data/a.txt')") == [b"change:/data/a.txt"]


def test_looks_at_what_is_there_and_what_is_not_are_not_refused(host: WasmHost) -> None:
    """Where the host gives a directory."""
    assert evaluate(host, "open('/data/a.txt').read()") == "hello"
    assert refused(host, "open('/data/absent')") == []
    assert refused(host, "os.listdir('/data/d')") == []


def test_dots_lead_back_into_a_directory_of_the_host(host: WasmHost) -> None:
    """Also after they led out of it."""
    for path in ("/data/d/../a.txt", "/data/../data/a.txt", "/data/d/../../data/./a.txt", "//data//a.txt"):
        assert evaluate(host, f"open('{path}').read()") == "hello"
    assert refused(host, "os.path.realpath('/data/d/../a.txt')") == []


def test_a_directory_above_those_of_the_host_is_there_and_not_listed(host: WasmHost, bare: WasmHost) -> None:
    """More than that it leads there is not known."""
    assert evaluate(host, "os.path.isdir('/')") is True
    assert refused(host, "os.listdir('/')") == [b"read:/."]
    assert refused(bare, "os.path.isdir('/')") == [b"read:/."]


@pytest.mark.parametrize("root", ["/plugin", "/packages", "/sdk", "/python"])
def test_what_only_a_build_has_is_absent(host: WasmHost, bare: WasmHost, root: str) -> None:
    """Nobody can grant it."""
    for each in (host, bare):
        assert refused(each, f"os.path.exists('{root}/module.py')") == []


def test_each_refusal_is_kept_once_and_no_more_than_sixteen(bare: WasmHost) -> None:
    """So that a walk through a file system costs no memory."""
    assert refused(bare, "[os.path.exists('/a') for _ in range(100)]") == [b"read:/a"]
    assert len(refused(bare, "[os.path.exists(f'/{n}') for n in range(100)]")) == 16


def test_relative_paths_start_where_they_are_told_to(host: WasmHost) -> None:
    """Whether or not it is there."""
    evaluate(host, "_reglet.start_in(b'/data')")
    assert evaluate(host, "(os.getcwd(), open('a.txt').read())") == ("/data", "hello")
    assert refused(host, "open('../x')") == [b"read:/data/../x"]
    evaluate(host, "_reglet.start_in(b'/no/such/place')")
    assert refused(host, "open('a.txt')") == [b"read:/no/such/place/a.txt"]
    assert evaluate(host, "os.getcwd()") == "/no/such/place"


def test_the_directories_of_the_host_are_listed(host: WasmHost, bare: WasmHost) -> None:
    """In its order."""
    assert evaluate(host, "_reglet.preopens()") == [b"/data"]
    assert evaluate(bare, "_reglet.preopens()") == []
