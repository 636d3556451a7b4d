"""Put fakes into a context."""

from __future__ import annotations

from collections.abc import Iterable

from reglet.application.clients import with_client
from reglet.domain.context import Context
from reglet.testing.fakes.host import FakeHost
from reglet.testing.fakes.routes import Fake


def bound(ctx: Context, clients: Iterable[object]) -> Context:
    """Return a context with every client bound to the ports that it satisfies; a `FakeHost` to all."""
    for client in clients:
        ctx = client.bind(ctx) if isinstance(client, FakeHost) else with_client(ctx, client)
    return ctx


def raise_unexpected(clients: Iterable[object]) -> None:
    """Raise the first call since the last time that a fake among the clients did not expect."""
    for client in clients:
        if isinstance(client, FakeHost | Fake):
            client.raise_unexpected()
