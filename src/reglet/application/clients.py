"""Clients of a context, asked for and bound by port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from reglet.domain.context import Context
from reglet.domain.errors import DefinitionError
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")

PORTS: tuple[Any, ...] = (HTTPClient, DNSResolver, TCPDialer, SMTPClient, CommandRunner)
"""The ports that hosts answer."""


def get_client(ctx: Context, port: TypeForm[T]) -> T:
    """Return the client of `ctx` for `port`.

    Raises:
        MissingClientError: there is none; the message names those there are.
    """
    return ctx.client(port)


def try_get_client(ctx: Context, port: TypeForm[T]) -> T | None:
    """Return the client of `ctx` for `port`, None if there is none."""
    return ctx.client(port) if ctx.has_client(port) else None


def with_client(ctx: Context, client: object, port: object = None) -> Context:
    """Return a context in which `port` is answered by `client`; without `port`, every port that it satisfies.

    Raises:
        DefinitionError: no port was given, and it satisfies none.
    """
    ports: list[Any] = [each for each in PORTS if isinstance(client, each)] if port is None else [port]
    if not ports:
        names = ", ".join(each.__name__ for each in PORTS)
        raise DefinitionError(
            f"a {type(client).__name__} satisfies none of {names}; say which: with_client(ctx, it, port)"
        )
    for each in ports:
        ctx = ctx.with_client(each, client)
    return ctx
