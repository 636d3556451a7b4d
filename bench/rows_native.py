"""Guarded native calls against the bare libraries, over loopback, and the cost of one decision."""

from __future__ import annotations

import atexit
import ssl
import subprocess
import threading
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.harness import Row, Unavailable, seconds_per_call
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import CommandRequest
from reglet.domain.policy import Policy, PolicyGuard
from reglet.infrastructure.extras import MissingPackageError

_GRANTED = [NetworkRule(["*.example.com", "10.0.0.0/8"], ["443", "8000-9000"])] * 20


class _Hello(BaseHTTPRequestHandler):
    """Answers every GET alike."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _server() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
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


def _command_row() -> Row:
    from reglet.infrastructure.native.exec import NativeCommandRunner

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
    return [_http_row(), _command_row(), _decision_row()]
