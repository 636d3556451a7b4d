"""Runs in the guest of the base image: checks of a plugin that asks a host, so that the SDK's code is known.

CPython counts in its code what each instruction is used for, and replaces it by a faster one. A guest that
starts from an image need not learn again, nor write to so many pages of its memory, what was seen before.
The guest's source is this file's text, since the SDK's compiled files have no annotations of functions.
"""

from __future__ import annotations

import json

from reglet.application.models import from_json, to_json
from reglet.application.models.decorators import field, model
from reglet.application.operations import operation
from reglet.application.plugin import define_plugin
from reglet.application.results import refused_looks
from reglet.domain.context import Context
from reglet.domain.entities.result import Result, result_success
from reglet.domain.ports import HTTPClient
from reglet.infrastructure.guest.exports import Exports, reseed
from reglet.infrastructure.guest.interpreter import report_refused_looks

CHECKS = 20
"""More than CPython waits until it replaces an instruction."""

plugin = define_plugin(name="rehearsal", version="1.0.0", description="Asks a host")


@model
class Input:
    """Fields of the usual kinds; no other model, whose name nobody would find."""

    url: str = field(min_length=1)
    status: int = field(default=200, ge=100, le=599)
    is_strict: bool = False
    ratio: float = 1.0
    headers: dict[str, str] = field(factory=dict)
    names: list[str] = field(factory=list)
    size: int | None = None
    body: str = ""


@model
class Output:
    """The same."""

    url: str
    status: int
    is_strict: bool
    ratio: float
    headers: dict[str, str]
    names: list[str]
    size: int | None


@plugin.service("rehearsal")
class Rehearsal:
    """The only service."""

    @operation(description="Ask")
    def ask(self, ctx: Context) -> Result:
        """Answer with what the host said."""
        answer = ctx.client(HTTPClient).get("https://example.com/")
        return result_success("ok", {"status": answer.status_code, "headers": [*answer.headers]})

    @operation(description="Echo")
    def echo(self, request: Input) -> Output:
        """Answer with what was given."""
        return Output(
            request.url,
            request.status,
            request.is_strict,
            request.ratio,
            request.headers,
            request.names,
            request.size,
        )


class Host:
    """Gives one answer to everything."""

    def call(self, name: str, request: bytes) -> bytes:
        """Answer."""
        del name, request
        return b'{"status_code":200,"proto":"HTTP/1.1","headers":{"A":["b"]},"body":"aGVsbG8="}'


configs = [
    json.dumps({"service": "rehearsal", **config}).encode()
    for config in (
        {"operation": "ask"},
        {
            "operation": "echo",
            "url": "https://example.com/",
            "status": 204,
            "is_strict": True,
            "ratio": 0.5,
            "headers": {"Accept": "*/*"},
            "names": ["a"],
            "size": 1,
            "body": "hello",
        },
        {"operation": "echo", "url": "https://example.com/"},
    )
]
take, read = refused_looks.take, refused_looks.read
report_refused_looks()
exports = Exports(plugin, Host())
exports.keep_log()
for _ in range(CHECKS):
    exports.answer("manifest", b"")
    reseed()
    for config in configs:
        if b'"success"' not in exports.answer("observe", config):
            raise RuntimeError("the rehearsal failed")
exports.restore_log()
refused_looks.take, refused_looks.read = take, read
from_json._converter.cache_clear()  # noqa: SLF001 - what they made for the models of this file
to_json._converter.cache_clear()  # noqa: SLF001 - likewise
