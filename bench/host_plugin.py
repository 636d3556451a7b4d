"""The plugin that the sandbox's rows run: one operation that asks the host as often as it is told."""

from __future__ import annotations

import reglet
from reglet import Context, HTTPClient

plugin = reglet.define_plugin(
    name="bench-host",
    version="1.0.0",
    description="Asks the host as often as it is told",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability([reglet.NetworkRule(hosts=["example.com"], ports=["80"])])
    ),
)


@reglet.model
class Wish:
    """How many requests to send."""

    calls: int = 0


@reglet.model
class Count:
    """How many were answered."""

    answered: int


@plugin.service("bench", description="Host calls")
class Bench:
    """Calls the host."""

    @reglet.operation(description="Call the host")
    def call(self, ctx: Context, request: Wish) -> Count:
        """Send the requests and count the answers."""
        client = ctx.client(HTTPClient)
        answers = [client.get("http://example.com/") for _ in range(request.calls)]
        return Count(answered=sum(answer.status_code == 200 for answer in answers))
