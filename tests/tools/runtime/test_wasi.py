"""The adapter's WASI: what Python sees of files, clocks, streams and sockets through preview 1."""

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

FILES = {
    "config.txt": b"key = value\n",
    "logs/app.log": b"".join(b"line %d\n" % number for number in range(50_000)),
    "logs/empty": b"",
    **{f"many/file-{number:04}-{'x' * 40}": b"" for number in range(300)},
}


@pytest.fixture(scope="module")
def plugin(snapshot_of: Callable[[str], bytes]) -> bytes:
    """A plugin that has imported what these tests use."""
    return snapshot_of("import encodings.idna, errno, os, pathlib, socket, stat, sys, time\n" + SOURCE)


@pytest.fixture
def host(plugin: bytes) -> Iterator[WasmHost]:
    """An instance that sees some files under /data."""
    with closing(WasmHost(plugin, files=FILES)) as made:
        yield made


def evaluate(host: WasmHost, what: str) -> Any:
    """Evaluate an expression in the guest."""
    answer = host.observe(json.dumps({"do": "evaluate", "what": what}).encode()).decode()
    return literal_eval(answer)


def error_of(host: WasmHost, what: str) -> str:
    """Evaluate an expression that raises."""
    answer = json.loads(host.observe(json.dumps({"do": "evaluate", "what": what}).encode()))
    return str(answer["error"]["message"])


def test_files_are_read(host: WasmHost) -> None:
    """Text, a large file in pieces, from the middle, and an empty one."""
    assert evaluate(host, "open('/data/config.txt').read()") == "key = value\n"
    assert evaluate(host, "len(open('/data/logs/app.log', 'rb').read())") == len(FILES["logs/app.log"])
    assert evaluate(host, "(f := open('/data/logs/app.log', 'rb'), f.seek(-6, 2), f.read())[2]") == b"49999\n"
    assert evaluate(host, "pathlib.Path('/data/logs/empty').read_bytes()") == b""


def test_directories_are_listed(host: WasmHost) -> None:
    """However many entries there are, each once, without dots."""
    assert evaluate(host, "sorted(os.listdir('/data'))") == ["config.txt", "logs", "many"]
    assert evaluate(host, "sorted(os.listdir('/data/many'))") == sorted(
        path.removeprefix("many/") for path in FILES if path.startswith("many/")
    )
    assert evaluate(host, "[(e.name, e.is_dir()) for e in os.scandir('/data') if e.name != 'many']") == [
        ("config.txt", False),
        ("logs", True),
    ]


def test_files_have_types_and_sizes(host: WasmHost) -> None:
    """What preview 1 tells; it has no modes."""
    assert evaluate(host, "os.stat('/data/config.txt').st_size") == 12
    assert evaluate(host, "stat.S_ISREG(os.stat('/data/config.txt').st_mode)") is True
    assert evaluate(host, "stat.S_ISDIR(os.stat('/data/logs').st_mode)") is True
    assert evaluate(host, "os.path.samefile('/data/config.txt', '/data/logs/../config.txt')") is True
    assert evaluate(host, "os.path.samefile('/data/config.txt', '/data/logs/empty')") is False


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("open('/data/absent')", "FileNotFoundError: [Errno 44] No such file or directory: '/data/absent'"),
        (
            "open('/data/config.txt/x')",
            "NotADirectoryError: [Errno 54] Not a directory: '/data/config.txt/x'",
        ),
        ("open('/data/logs')", "IsADirectoryError: [Errno 31] Is a directory: '/data/logs'"),
        ("open('/etc/passwd')", "FileNotFoundError: [Errno 44] No such file or directory: '/etc/passwd'"),
        ("open('/data/new', 'w')", "OSError: [Errno 69] Read-only file system: '/data/new'"),
        ("os.mkdir('/data/new')", "OSError: [Errno 69] Read-only file system: '/data/new'"),
        ("os.unlink('/data/config.txt')", "OSError: [Errno 69] Read-only file system: '/data/config.txt'"),
        (
            "os.listdir('/data/config.txt')",
            "NotADirectoryError: [Errno 54] Not a directory: '/data/config.txt'",
        ),
    ],
)
def test_failures_keep_their_errno(host: WasmHost, what: str, error: str) -> None:
    """Preview 1's errors arrive as Python's."""
    assert error_of(host, what) == error


def test_open_files_do_not_leak(host: WasmHost) -> None:
    """Descriptors and memory go back."""
    read = "sum(len(open('/data/config.txt').read()) + len(os.listdir('/data/logs')) for _ in range({}))"
    evaluate(host, read.format(10))
    pages = host.pages
    assert evaluate(host, read.format(3000)) == 3000 * 14
    assert host.pages == pages


def test_the_clock_is_the_runs_own(host: WasmHost) -> None:
    """Wall time and monotonic time come from the host, and sleeping lets time pass."""
    assert evaluate(host, "int(time.time())") == 1_700_000_000
    slept = evaluate(host, "(t := time.monotonic(), time.sleep(5.5), time.monotonic() - t)[2]")
    assert 5.5 <= slept < 5.6


def test_streams_reach_the_host(host: WasmHost) -> None:
    """What is printed goes to the host's standard output, unbuffered; no stream is a terminal."""
    evaluate(host, "print('hello', flush=True)")
    assert b"".join(host.output) == b"hello\n"
    assert evaluate(host, "[each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)]") == [False] * 3
    assert evaluate(host, "sys.stdin.read()") == ""


def test_random_bytes_are_the_hosts(host: WasmHost) -> None:
    """Each request gets others, as many as it asked for."""
    first, second = evaluate(host, "(os.urandom(20), os.urandom(20))")
    assert len(first) == len(second) == 20
    assert first != second
    assert evaluate(host, "len(os.urandom(100_000))") == 100_000


@pytest.mark.parametrize(
    "what",
    [
        "socket.socket()",
        "socket.create_connection(('10.0.0.1', 80))",
        "socket.getaddrinfo('example.com', 80)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    ],
)
def test_there_are_no_sockets(host: WasmHost, what: str) -> None:
    """Asking for one is an ordinary error, not a trap."""
    assert error_of(host, what).split(":")[0] in {"OSError", "gaierror"}
    assert evaluate(host, "1 + 1") == 2
