"""The sandbox's own host functions: real connections and programs, held to the grants and the deadline."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from reglet.sandbox import LimitExceededError, Limits, Sandbox, native_functions
from tests.host.modules import BARE, plugin
from tests.host.requests import commands, network
from tests.patience import comes_true


def asking(function):
    """Return a plugin that passes its config on to a host function."""
    head = f'(import "reglet_host" "{function}" (func $ask (param i64) (result i64)))' + BARE
    return plugin("(drop (call $ask (call $pack (local.get $p) (local.get $n))))", head=head)


def ask(function, request, grants, **options):
    """Let a plugin ask the real world; return the host call as it was seen."""
    seen = []
    with Sandbox(grants, observer=seen.append, **options) as sandbox:
        result = sandbox.load(asking(function)).check(request)
    assert result.is_success
    (call,) = seen
    return call


@pytest.fixture
def listener():
    """A server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_granted_connection_is_made(listener):
    """And what it told comes back."""
    call = ask("tcp_connect", {"host": "127.0.0.1", "port": str(listener)}, network("127.0.0.1"))
    answer = json.loads(call.answer)
    assert (call.allowed, answer["connected"]) == (True, True)
    assert answer["remote_addr"] == f"127.0.0.1:{listener}"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "localhost", "::ffff:127.0.0.1"])
def test_no_wildcard_reaches_this_machine(listener, host):
    """However it is spelled, and also when a name resolves to it."""
    call = ask("tcp_connect", {"host": host, "port": str(listener)}, network("*"))
    assert call.allowed is False
    assert json.loads(call.answer)["error"]["type"] == "capability"


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("tcp_connect", {"tls": True}),
        ("smtp_connect", {}),
        ("smtp_connect", {"tls": True}),
        ("http_request", {"method": "GET"}),
    ],
)
def test_a_server_that_never_answers_is_waited_for_until_the_deadline(listener, function, request_):
    """The guest hears of it and answers, whatever the function: no limit of the sandbox comes before that."""
    limit = timedelta(seconds=1)
    where = {"host": "127.0.0.1", "port": str(listener), "url": f"http://127.0.0.1:{listener}/"}
    with Sandbox(network("127.0.0.1")) as warm:  # imports are not a check's time
        warm.load(asking(function)).check(
            {"host": "127.0.0.1", "port": "1", "url": "http://127.0.0.1:1/", **request_}
        )

    def answers() -> bool:
        with Sandbox(network("127.0.0.1"), limits=Limits(wall_time=limit)) as sandbox:
            module = sandbox.load(asking(function))
            try:
                return module.check({**where, **request_}).is_success
            except LimitExceededError:  # the machine stood still while the guest had time left to answer
                return False

    assert any(answers() for _ in range(20))


def test_a_program_is_run_with_an_empty_environment():
    """By the file that was granted."""
    request = {"command": sys.executable, "args": ["--version"]}
    call = ask("exec_command", request, commands(sys.executable, os.path.realpath(sys.executable)))
    answer = json.loads(call.answer)
    assert (answer["exit_code"], answer["stdout"]) == (0, f"Python {sys.version.split()[0]}\n")


def test_a_program_that_never_ends_is_killed_at_the_deadline():
    """Nothing of it is left."""
    marker = f"3000.{os.getpid()}"
    sleep = os.path.realpath("/bin/sleep")
    with Sandbox(
        commands("/bin/sleep", sleep), limits=Limits(wall_time=timedelta(milliseconds=200))
    ) as sandbox:
        module = sandbox.load(asking("exec_command"))
        with contextlib.suppress(LimitExceededError):
            module.check({"command": "/bin/sleep", "args": [marker]})
    assert comes_true(lambda: not _is_running(marker))


def _is_running(marker):
    return any(marker.encode() in _command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _command_line(path):
    with contextlib.suppress(OSError):  # it ended meanwhile
        return path.read_bytes()
    return b""


def test_a_shell_behind_a_link_is_a_shell(tmp_path):
    """A pattern with wildcards does not grant it, under any name."""
    link = tmp_path / "harmless"
    link.symlink_to("/bin/sh")
    request = {"command": str(link), "args": ["-c", "id"]}
    call = ask("exec_command", request, commands(f"{tmp_path}/*", "/bin/*", "/usr/bin/*"))
    assert call.allowed is False
    assert "shell" in json.loads(call.answer)["error"]["message"]


def test_the_same_functions_serve_a_plugin_in_this_process(listener):
    """Without any module."""
    functions = native_functions(network("127.0.0.1"))
    request = json.dumps({"host": "127.0.0.1", "port": str(listener)}).encode()
    assert json.loads(functions.call("tcp_connect", request))["connected"] is True


def test_a_request_that_is_denied_does_not_wait_for_the_http_client():
    """What answers it is not imported, which would take longer than the rest of the check."""
    code = """
import sys
from reglet.sandbox import GrantSet, native_functions
request = b'{"context": {}, "method": "GET", "url": "http://example.com"}'
answer = native_functions(GrantSet()).call("http_request", request)
assert b"network" in answer, answer
print("h2" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("False\n", "")
