"""Native calls.

Guarded calls against the bare libraries over loopback, how the first response time of a process is
reported, and the cost of one decision.
"""

from __future__ import annotations

import atexit
import ssl
import subprocess
import sys
import threading
import time
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.harness import Row, Unavailable, seconds_per_call
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import CommandRequest
from reglet.domain.policy import Policy, PolicyGuard
from reglet.infrastructure.extras import MissingPackageError

_GRANTED = [NetworkRule(["*.example.com", "10.0.0.0/8"], ["443", "8000-9000"])] * 20


class _Hello(BaseHTTPRequestHandler):
    """Answers every GET alike, after `delay` seconds."""

    delay = 0.0

    def do_GET(self) -> None:
        """Answer."""
        time.sleep(self.delay)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _server(delay: float = 0.0) -> int:
    handler = type("_Delayed", (_Hello,), {"delay": delay})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.server_close)
    atexit.register(server.shutdown)
    return int(server.server_address[1])


def _guard(port: int) -> PolicyGuard:
    rules = [*_GRANTED, NetworkRule(["127.0.0.1"], [str(port)])]
    return PolicyGuard(Policy(GrantSet(network=NetworkCapability(rules))))


def _http_row() -> Row:
    try:
        import httpx

        from reglet.infrastructure.native.http import NativeHTTPClient
    except (ImportError, MissingPackageError) as missing:
        raise Unavailable(str(missing)) from missing
    port = _server()
    context = ssl.create_default_context()
    client, url = NativeHTTPClient(_guard(port)), f"http://127.0.0.1:{port}/"
    return Row(
        "native HTTP GET over loopback, guarded",
        seconds_per_call(lambda: client.get(url), 50),
        "httpx.get, its TLS context made before",
        seconds_per_call(lambda: httpx.get(url, trust_env=False, verify=context), 50),
    )


_FIRST = """
import statistics, sys
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.context import Context
from reglet.domain.policy import Policy, PolicyGuard
from reglet.infrastructure.native import NativePorts
port = sys.argv[1]
ports = NativePorts(PolicyGuard(Policy(GrantSet(NetworkCapability([NetworkRule(["127.0.0.1"], [port])])))))
ports.prepare({"network"})
times = [ports.http.in_context(Context()).get(f"http://127.0.0.1:{port}/").latency for _ in range(41)]
print(times[0].total_seconds(), statistics.median(times[1:]).total_seconds())
"""


def _first_row() -> Row:
    """A server that takes 3 ms is not to be reported as one that takes 300: imports are no part of it."""
    port = str(_server(delay=0.003))
    warm: list[float] = []

    def first() -> float:
        command = [sys.executable, "-c", _FIRST, port]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        of_first, of_warm = map(float, run.stdout.split())
        warm.append(of_warm)
        return of_first

    return Row(
        "response time of the first request of a process, as it is measured",
        first,
        "of the later ones",
        lambda: warm[-1],
        goal=3.0,
        runs=9,
    )


def _command_row() -> Row:
    from reglet.infrastructure.native.commands import NativeCommandRunner

    runner, request = NativeCommandRunner(), CommandRequest("/bin/echo", ("hello",))
    return Row(
        "native command",
        seconds_per_call(lambda: runner.run(request), 50),
        "subprocess.run",
        seconds_per_call(
            lambda: subprocess.run(["/bin/echo", "hello"], capture_output=True, env={}, check=True), 50
        ),
    )


def _decision_row() -> Row:
    policy = _guard(443).policy
    patterns = [host for rule in (*_GRANTED, NetworkRule(["127.0.0.1"])) for host in rule.hosts]
    return Row(
        "network decision, 21 rules, the last one matches",
        seconds_per_call(lambda: policy.network("127.0.0.1", 443), 1000),
        "fnmatch over the same hosts",
        seconds_per_call(lambda: any(fnmatchcase("127.0.0.1", host) for host in patterns), 1000),
    )


def rows() -> list[Row]:
    """Return the rows."""
    return [_http_row(), _first_row(), _command_row(), _decision_row()]
