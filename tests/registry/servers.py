"""A real registry on loopback, and a proxy before it that breaks, changes or guards what passes."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import ProxyHandler, build_opener

import pytest
import trustme
from attrs import frozen

from tests.patience import PATIENCE, comes_true

PROGRAM = "docker-registry"
USERNAME, PASSWORD = "ann", "s3cret-passw0rd"
# bcrypt of the password above, the only hash that the registry takes
_HTPASSWD = f"{USERNAME}:$2b$04$KnMYJoFn23VgXJxYy9WM8.fol6AjekWbsHZLLVE3Po35t/JixyeKK\n"


@contextmanager
def running_registry(folder: Path, *, login: bool = False, certificate: Path | None = None) -> Iterator[str]:
    """Start Debian's registry with its data in a folder; give its host and port.

    `login` wants the user above; `certificate` is a PEM file of a key and its certificate.
    """
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed: apt-get install {PROGRAM}")
    (folder / "config.yml").write_text(_config(folder, login=login, certificate=certificate))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        yield _address(process, folder / "log")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _config(folder: Path, *, login: bool, certificate: Path | None) -> str:
    lines = [
        "version: 0.1",
        f"storage: {{filesystem: {{rootdirectory: '{folder / 'data'}'}}, delete: {{enabled: true}}}}",
        "http: {addr: '127.0.0.1:0', secret: test"
        + (f", tls: {{certificate: '{certificate}', key: '{certificate}'}}" if certificate else "")
        + "}",
    ]
    if login:
        (folder / "htpasswd").write_text(_HTPASSWD)
        lines.append(f"auth: {{htpasswd: {{realm: test, path: '{folder / 'htpasswd'}'}}}}")
    return "\n".join(lines) + "\n"


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the host and port where the registry listens, once it says so."""

    def said() -> list[str]:
        return re.findall(r'listening on (127\.0\.0\.1:\d+)[",]', log.read_text(errors="replace"))

    if not comes_true(lambda: bool(said()) or process.poll() is not None) or not said():
        pytest.fail(f"{PROGRAM} did not start: {log.read_text(errors='replace')}")
    return said()[0]


@frozen
class Exchange:
    """A request that the proxy got and the registry's answer, of which a rule may make another."""

    method: str
    path: str
    authorization: str
    status: int
    headers: dict[str, str]
    body: bytes


Rule = Callable[[Exchange], Exchange | None]
"""Returns the answer that the client gets; None cuts the connection."""


@contextmanager
def proxied(address: str, rule: Rule) -> Iterator[tuple[str, list[Exchange]]]:
    """Put a rule before a registry; give the proxy's host and port, and what passed."""
    passed: list[Exchange] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            exchange = _ask(address, self, body)
            passed.append(exchange)
            answer = rule(exchange)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = handle_one  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)  # an end is looked for so often
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", passed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _ask(address: str, request: BaseHTTPRequestHandler, body: bytes) -> Exchange:
    """Pass a request on; the registry makes its locations of the host that it is asked by."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
    connection.request(request.command, request.path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    kept = {
        name: value
        for name, value in response.getheaders()
        if name.lower() not in {"content-length", "transfer-encoding", "connection"}
    }
    authorization = request.headers.get("Authorization", "")
    return Exchange(request.command, request.path, authorization, response.status, kept, content)


def read_url(url: str) -> bytes:
    """Return what a URL on this machine answers, whatever proxy there is to others."""
    with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE) as response:
        content: bytes = response.read()
        return content


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the host and port of a registry without login."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def login_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the host and port of a registry with login."""
    with running_registry(tmp_path_factory.mktemp("registry"), login=True) as address:
        yield address


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """Return a certificate authority, and the PEM file of whom to trust."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


@pytest.fixture(scope="session")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, authority: tuple[trustme.CA, Path]
) -> Iterator[str]:
    """Return the host and port of a registry with TLS, which wants a login too."""
    folder = tmp_path_factory.mktemp("registry")
    certificate = folder / "server.pem"
    authority[0].issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(certificate)
    )
    with running_registry(folder, login=True, certificate=certificate) as address:
        yield address
