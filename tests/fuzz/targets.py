"""Parsers of what others wrote, each as a function of bytes that ends in a value or in an error of ours."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from attrs import field, frozen

import reglet
from reglet.domain.entities.records import CommandRequest
from reglet.domain.errors import RegletError
from reglet.domain.policy import Policy
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.build.project import find_project, is_plugin_project
from reglet.infrastructure.engine import compiled
from reglet.infrastructure.guest.clients import host_clients
from reglet.infrastructure.guest.exports import Exports
from reglet.infrastructure.host.compiled_plugin import check_header, check_signatures
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.infrastructure.host.grant_store import GrantStore
from reglet.infrastructure.registry import parse_reference
from reglet.infrastructure.registry.artifact import Metadata, annotations_of_project, read_descriptors
from reglet.infrastructure.registry.client import find_credentials
from reglet.infrastructure.registry.layout import read_layout
from reglet.infrastructure.registry.store import Lockfile
from reglet.infrastructure.wasm.module import check_code, read_plugin
from reglet.infrastructure.wire.exports import MANIFEST, RESULT
from reglet.infrastructure.wire.host_functions import HOST_FUNCTION_NAMES
from reglet.infrastructure.wire.record import Dialect
from reglet.sandbox import Limits, Sandbox
from reglet.testing.recording import Recording, Replay

CORPUS = Path(__file__).with_name("corpus")


@frozen
class Target:
    """A parser under test.

    Attributes:
        name: the folder of its corpus.
        parse: takes any bytes.
        size: of the smaller of the inputs whose times are compared, in bytes.
    """

    name: str
    parse: Callable[[bytes], object] = field(repr=False)
    size: int = 8_000

    @property
    def corpus(self) -> list[bytes]:
        """The kept inputs, in the order of their names."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]


@cache
def _folder() -> Path:
    memory = Path("/dev/shm")  # files by the hundred thousand
    folder = Path(tempfile.mkdtemp(prefix="reglet-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _written(name: str, content: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@cache
def _sandbox() -> Sandbox:
    sandbox = Sandbox(limits=Limits(wall_time=timedelta(seconds=2), memory=1 << 26))
    atexit.register(sandbox.close)
    return sandbox


def _load(content: bytes) -> None:
    """Load a module, and have it describe itself and check.

    What a process of its own would compile is compiled here beforehand, in a thousandth of the time.
    """
    check_header(content, "it")
    check_signatures(content, "it")
    check_code(content)
    compiled(content, hashlib.sha256(content).hexdigest(), kept="compiled")
    module = _sandbox().load(content)
    module.manifest()
    module.check({})


def _grants(content: bytes) -> None:
    """Read a file of grants as the store does, and ask the policy of them."""
    digest = "0" * 64
    _written(f"grants/{digest}.json", content)
    grants = GrantStore(_folder() / "grants").load(digest)
    policy = Policy(grants, cwd="/")
    policy.network("example.com", 443)
    policy.address("example.com", 443, "127.0.0.1")
    policy.read("/etc/hosts")
    policy.write("/etc/hosts")
    policy.environment("PATH")
    policy.execute("/bin/sh")


def _recording(content: bytes) -> None:
    """Read a recording, and replay its calls."""
    recording = Recording.load(_written("recording.json", content))
    replay = Replay(recording)
    for call in recording.calls:
        replay.call(call.function, b"{}")


@reglet.model
class Part:
    """What stands in a list."""

    name: str = reglet.field(min_length=1, max_length=5)
    weight: float = reglet.field(default=1.0, gt=0)


@reglet.model
class Everything:
    """A field of each kind."""

    url: str = reglet.field(pattern="^https?://")
    method: Literal["GET", "PUT"] = "GET"
    count: int = reglet.field(default=1, ge=0, le=9)
    ratio: float | None = None
    strict: bool = False
    since: datetime | None = None
    wait: timedelta = timedelta(seconds=1)
    labels: dict[str, str] = reglet.field(factory=dict)
    parts: list[Part] = reglet.field(factory=list)
    token: str = reglet.field(default="", secret=True)


_plugin = reglet.define_plugin(name="fuzzed", version="1.0.0", description="Takes a field of each kind")


@_plugin.service("all", description="Everything")
class _Service:
    @reglet.operation(description="Return what came")
    def take(self, request: Everything) -> Everything:
        """Return what came."""
        return request


@frozen
class _Answers:
    content: bytes

    def call(self, name: str, request: bytes) -> bytes:
        del name, request
        return self.content


def _config(content: bytes) -> None:
    """Run a check, which answers with a Result and has no bug, whatever its config is."""
    result = RESULT.decode(Exports(_plugin, _Answers(b"")).observe(content))
    assert result.error is None or result.error.type not in ("panic", "internal"), result


def _pyproject(content: bytes) -> None:
    """Read a project's tables: as a plugin's, and for the annotations of its artifact."""
    _written("project/plugin.py", b"")
    folder = _written("project/pyproject.toml", content).parent
    annotations_of_project(folder, {"SOURCE_DATE_EPOCH": "0"})
    is_plugin_project(folder)
    find_project(folder)


def _answer(content: bytes) -> None:
    """Read the answer of a host with every client; each reads it or raises an error of ours."""
    clients: Mapping[type, object] = host_clients(_Answers(content))
    http, dns, tcp = clients[HTTPClient], clients[DNSResolver], clients[TCPDialer]
    smtp, commands = clients[SMTPClient], clients[CommandRunner]
    assert isinstance(http, HTTPClient)
    assert isinstance(dns, DNSResolver)
    assert isinstance(tcp, TCPDialer)
    assert isinstance(smtp, SMTPClient)
    assert isinstance(commands, CommandRunner)
    second = timedelta(seconds=1)
    for call in (
        lambda: http.get("http://example.com/"),
        lambda: dns.lookup_host("example.com"),
        lambda: dns.lookup_mx("example.com"),
        lambda: tcp.dial_secure("example.com:443", second, tls=True),
        lambda: smtp.connect("example.com", 25, second, use_tls=False, use_starttls=True),
        lambda: commands.run(CommandRequest("ls")),
    ):
        try:
            call()
        except RegletError:
            continue


def _request(content: bytes) -> None:
    """Have a host answer a request of each function in each dialect; it raises nothing."""
    for dialect in Dialect:
        dispatcher = HostDispatcher(HostPorts(), Policy(reglet.GrantSet()), dialect=dialect)
        for name in HOST_FUNCTION_NAMES:
            assert isinstance(dispatcher.call(name, content), bytes)


def _artifact(content: bytes) -> None:
    """Read the parts of an artifact: what one of them refuses, the next one reads."""
    for read in (
        lambda: read_descriptors(content, "it"),
        lambda: Metadata.decode(content, "it"),
        lambda: parse_reference(content.decode("utf-8", "replace")),
        lambda: find_credentials(
            parse_reference("registry.example.com/a/b/c:1"),
            {"DOCKER_CONFIG": os.fspath(_written("docker/config.json", content).parent)},
        ),
    ):
        try:
            read()
        except RegletError:
            continue


TARGETS = (
    Target("module", read_plugin),
    Target("load", _load),
    Target("manifest", lambda content: MANIFEST.encode(MANIFEST.decode(content))),
    Target("grants", _grants),
    Target("recording", _recording),
    Target("config", _config),
    Target("pyproject", _pyproject),
    Target("answer", _answer),
    Target("request", _request),
    Target("result", lambda content: RESULT.encode(RESULT.decode(content))),
    Target("artifact", _artifact),
    Target("layout", lambda content: read_layout(_written("layout.tar", content))),
    Target(
        "lockfile",
        lambda content: Lockfile.load(_written("reglet.lock", content)).encode(),
        size=1_000,
    ),
)
