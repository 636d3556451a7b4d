"""Runs in the guest of the base image: checks of a plugin that asks a host, so that the SDK's code is known.

CPython counts in its code what each instruction is used for, and replaces it by a faster one. A guest that
starts from an image need not learn again, nor write to so many pages of its memory, what was seen before.
The guest's source is this file's text, since the SDK's compiled files have no annotations of functions.
"""

from __future__ import annotations

# from where authors take them, so that all names of `reglet` are loaded in the image
from reglet import Context, HTTPClient, Result, define_plugin, operation, result_success
from reglet.infrastructure.guest.exports import Exports

CHECKS = 20
"""More than CPython waits until it replaces an instruction."""

plugin = define_plugin(name="rehearsal", version="1.0.0", description="Asks a host")


@plugin.service("rehearsal")
class Rehearsal:
    """The only service."""

    @operation(description="Ask")
    def ask(self, ctx: Context) -> Result:
        """Answer with what the host said."""
        answer = ctx.client(HTTPClient).get("https://example.com/")
        return result_success("ok", {"status": answer.status_code, "headers": [*answer.headers]})


class Host:
    """Gives one answer to everything."""

    def call(self, name: str, request: bytes) -> bytes:
        """Answer."""
        del name, request
        return b'{"status_code":200,"proto":"HTTP/1.1","headers":{"A":["b"]},"body":"aGVsbG8="}'


exports = Exports(plugin, Host())
for _ in range(CHECKS):
    exports.answer("manifest", b"")
    if b'"success"' not in exports.answer("observe", b'{"service": "rehearsal", "operation": "ask"}'):
        raise RuntimeError("the rehearsal failed")
