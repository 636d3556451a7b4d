"""Typed dispatch.

Structuring and dispatch against code written by hand that does the same and no more, and what `import
reglet` costs a process.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Literal

import attrs

import reglet
from bench.harness import Row, seconds_per_call
from reglet.application.models.from_json import parse_model
from reglet.infrastructure.wire.exports import RESULT


@reglet.model
class CheckInput:
    """What the measured operation takes."""

    url: str = reglet.field(description="URL to request", min_length=1)
    method: Literal["GET", "POST"] = "GET"
    expected_status: int = reglet.field(default=200, ge=100, le=599)
    timeout_seconds: float = 30.0
    follow: bool = True


@reglet.model
class CheckOutput:
    """What it answers."""

    status_code: int
    url: str
    method: str


plugin = reglet.define_plugin(name="bench", version="1.0.0", description="Measured")


@plugin.service("http")
class HTTPService:
    """The only service."""

    @reglet.operation(description="Check URL")
    def check(self, request: CheckInput) -> CheckOutput:
        """Answer without asking anybody."""
        return CheckOutput(request.expected_status, request.url, request.method)


CONFIG = b'{"url": "https://example.com/health", "method": "GET", "expected_status": 204, "follow": false}'


def _typed() -> bytes:
    return RESULT.encode(plugin.check(reglet.Context(), CONFIG))


def _by_hand() -> bytes:
    """Check the same fields, apply the same defaults, write the same bytes."""
    config = json.loads(CONFIG)
    problems = []
    if not isinstance(config, dict):
        problems.append("must be an object")
    url = config.get("url")
    if not isinstance(url, str) or len(url) < 1:
        problems.append("url must be a string")
    method = config.get("method", "GET")
    if method not in ("GET", "POST"):
        problems.append("method must be one of GET, POST")
    status = config.get("expected_status", 200)
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        problems.append("expected_status must be an integer")
    timeout = config.get("timeout_seconds", 30.0)
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool):
        problems.append("timeout_seconds must be a number")
    follow = config.get("follow", True)
    if not isinstance(follow, bool):
        problems.append("follow must be a boolean")
    if problems:
        raise ValueError(problems)
    return json.dumps(
        {
            "timestamp": "0001-01-01T00:00:00Z",
            "data": {"method": method, "status_code": status, "url": url},
            "status": "success",
            "message": "ok",
        },
        separators=(",", ":"),
    ).encode()


def _dispatch_row() -> Row:
    assert _typed() == _by_hand(), "both must write the same bytes"
    return Row(
        "typed dispatch, bytes in, bytes out, one operation",
        seconds_per_call(_typed, 2000),
        "written by hand",
        seconds_per_call(_by_hand, 2000),
        goal=2.0,
    )


_NAMES = [f"field_{number}" for number in range(20)]


def _kind(number: int) -> type:
    return (str, int, bool, float)[number % 4]


def _twenty() -> tuple[type, type]:
    """Return the same twenty fields as a model and as an attrs class."""
    annotations = {name: _kind(number) for number, name in enumerate(_NAMES)}
    body = {"__annotations__": annotations, "__module__": __name__}
    return reglet.model(type("Twenty", (), dict(body))), attrs.frozen(type("TwentyByHand", (), dict(body)))


def _structuring_row() -> Row:
    model, plain = _twenty()
    values = {str: "text", int: 7, bool: True, float: 1.5}
    data = {name: values[_kind(number)] for number, name in enumerate(_NAMES)}
    checks = [(name, _kind(number)) for number, name in enumerate(_NAMES)]

    def by_hand() -> object:
        for name, kind in checks:
            if data[name].__class__ is not kind:
                raise ValueError(name)
        return plain(**data)

    return Row(
        "structuring a config of 20 fields",
        seconds_per_call(lambda: parse_model(model, data), 2000),
        "attrs by hand",
        seconds_per_call(by_hand, 2000),
    )


@reglet.model
class Host:
    """One of many."""

    name: str
    port: int
    tags: list[str]


@reglet.model
class Inventory:
    """A large config."""

    hosts: list[Host]


@reglet.model
class Echo:
    """The same again."""

    hosts: list[Host]


large = reglet.define_plugin(name="large", version="1.0.0", description="Measured")


@large.service("inventory")
class InventoryService:
    """The only service."""

    @reglet.operation()
    def echo(self, request: Inventory) -> Echo:
        """Answer with the config."""
        return Echo(request.hosts)


def _large_row() -> Row:
    hosts = [
        {"name": f"host-{number}.example.com", "port": number, "tags": ["a", "b"]} for number in range(1650)
    ]
    config = json.dumps({"hosts": hosts}).encode()
    assert 95_000 < len(config) < 125_000, len(config)
    context = reglet.Context()
    return Row(
        f"{len(config) // 1000} KB config through dispatch",
        seconds_per_call(lambda: RESULT.encode(large.check(context, config)), 20),
        "json.loads + json.dumps of it",
        seconds_per_call(lambda: json.dumps(json.loads(config)).encode(), 20),
    )


def _run(code: str, cache: str) -> Callable[[], float]:
    """Return what runs `code` in a new process, with compiled modules kept as an installed package's are."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def measure() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - start

    return measure


def _import_row() -> Row:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Row(
        "what a plugin imports from reglet, in a new process",
        _run("from reglet import Context, Result, define_plugin, field, model, operation", folder.name),
        "import attrs, cattrs, json, logging",
        _run("import attrs, cattrs, json, logging", folder.name),
        goal=1.5,
        runs=9,
    )


def rows() -> list[Row]:
    """Return the rows."""
    return [_dispatch_row(), _structuring_row(), _large_row(), _import_row()]
