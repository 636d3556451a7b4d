"""The plugin that is measured: it takes a config, checks it, and answers with parts of it."""

from __future__ import annotations

import reglet

plugin = reglet.define_plugin(name="echo", version="1.0.0", description="Answers with what it was given")


@reglet.model
class EchoInput:
    """What to answer with."""

    url: str = reglet.field(description="URL", min_length=1)
    expected_status: int = reglet.field(default=200, ge=100, le=599)
    headers: dict[str, str] = reglet.field(factory=dict)
    body: str = ""


@reglet.model
class EchoOutput:
    """The answer."""

    url: str
    status: int
    headers: dict[str, str]
    size: int


@plugin.service("echo")
class EchoService:
    """The only service."""

    @reglet.operation(description="Answer with what was given")
    def echo(self, request: EchoInput) -> EchoOutput:
        """Answer without asking anybody."""
        return EchoOutput(request.url, request.expected_status, request.headers, len(request.body))
