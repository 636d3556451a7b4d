"""Guarded connections within a deadline: resolve once, check every address, dial a checked one."""

from __future__ import annotations

import builtins
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Self

from attrs import frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT
from reglet.domain.errors import (
    TIMEOUT_WORDS,
    DNSError,
    TimeoutError,  # noqa: A004 - our own family
)
from reglet.domain.policy.network import Address, Target, parse_address
from reglet.domain.ports import NetworkGuard
from reglet.domain.time import format_duration, in_milliseconds
from reglet.domain.urls import PORTS
from reglet.infrastructure.native.resolv_conf import SystemResolver

READ_SIZE = 64 * 1024
"""The most bytes that are asked of a connection or a pipe at once."""


def split_address(address: str, default_port: int | None = None) -> tuple[str, int]:
    """Return the host and port of `host:port` or `[host]:port`; `ValueError` if it is neither.

    With `default_port` the port may be left out.
    """
    host, colon, port = address.rpartition(":")
    bare = not colon or (":" in host and not host.endswith("]")) or address.endswith("]")
    if bare and default_port is not None:
        return address, default_port
    if bare or not host or not port.isascii() or not port.isdigit() or int(port[:6]) not in PORTS:
        raise ValueError(f"{address!r} is not host:port with a port from 1 to {PORTS[-1]}")
    return host, int(port)


@frozen
class Deadline:
    """When a call must be over: its own timeout, or the context's deadline if that comes first."""

    operation: str
    target: str
    timeout: timedelta
    _end: float

    @classmethod
    def start(cls, operation: str, target: str, timeout: timedelta | None, ctx: Context) -> Self:
        """Start the clock. Raises `TimeoutError` or `CancelledError` if the context is over already."""
        ctx.ensure_live(operation)
        whole = timeout if timeout is not None and timeout > timedelta() else DEFAULT_TIMEOUT
        left = ctx.remaining()
        if left is None or whole < left:
            return cls(operation, target, whole, time.monotonic() + whole.total_seconds())
        return cls(operation, target, in_milliseconds(left), time.monotonic() + left.total_seconds())

    @property
    def expired(self) -> bool:
        """Whether time has run out."""
        return self.left() == 0

    def left(self) -> float:
        """Return the seconds left, never less than zero."""
        return max(self._end - time.monotonic(), 0.0)

    def seconds(self) -> float:
        """Return the seconds left; `TimeoutError` when there are none."""
        left = self.left()
        if not left:
            raise self.error()
        return left

    def waited(self) -> timedelta:
        """Return the time since the start, in whole milliseconds."""
        return in_milliseconds(self.timeout - timedelta(seconds=self.left()))

    def error(self, waited: timedelta | None = None) -> TimeoutError:
        """Return the error for time that ran out: the whole, unless it was given up after `waited`."""
        return TimeoutError(self.operation, self.timeout if waited is None else waited, self.target)


Lookup = Callable[[str], Sequence[str]]
"""Resolves a name to addresses; raises `OSError` when it cannot."""

_MOST_OF_IT = 0.95
"""The share of the time for which the system waits in silence after which a failed look-up was one."""
_NOT_FOUND = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def system_lookup(host: str) -> list[str]:
    """Resolve a name as the system does, its hosts file included.

    The system has one word for nameservers that fail and for those that keep silent: the time tells.
    """
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        waited = in_milliseconds(timedelta(seconds=time.monotonic() - began))
        if error.errno != socket.EAI_AGAIN or waited < SystemResolver.read().silence * _MOST_OF_IT:
            raise
        shown = format_duration(waited)
        raise builtins.TimeoutError(f"no nameserver answers ({TIMEOUT_WORDS} {shown})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@frozen
class Dialer:
    """Opens TCP connections. Without a guard every target is allowed."""

    guard: NetworkGuard | None = None
    lookup: Lookup = system_lookup

    def connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """Connect to a name or address: to one address after the other, each with its share of the time left.

        Raises:
            CapabilityError: the guard refuses the target or any address it resolves to.
            DNSError: the name does not resolve.
            InvalidHostError: it is neither a name nor an address.
            TimeoutError: time ran out.
            OSError: no address answers.
        """
        target = Target.of(host, port)
        addresses = self.resolve(target, deadline)
        failure: OSError | None = None
        for index, address in enumerate(addresses):
            share = deadline.seconds() / (len(addresses) - index)
            try:
                return socket.create_connection((str(address), target.port), timeout=share)
            except OSError as error:
                failure = error
        if isinstance(failure, builtins.TimeoutError):
            raise deadline.error() from failure
        raise failure or OSError("there is no address to dial")

    def resolve(self, target: Target, deadline: Deadline) -> list[Address]:
        """Return the addresses of a target, each agreed to by the guard; raises as `connect` does."""
        if target.port not in PORTS:
            raise OSError(f"port {target.port} is not from {PORTS[0]} to {PORTS[-1]}")
        if self.guard is not None:
            self.guard.check_target(target)
        if target.address is None:
            found = _in_time(lambda: self.lookup(target.host), target.host, deadline)
            addresses = [address for address in map(parse_address, found) if address is not None]
        else:
            addresses = [target.address]
        if not addresses:
            raise DNSError(target.host, "A", "it has no address", not_found=True)
        if self.guard is not None:
            for address in addresses:
                self.guard.check_address(target, address)
        return addresses


_MOST_LOOKUPS = 32
_lookups = threading.BoundedSemaphore(_MOST_LOOKUPS)
"""Look-ups under way in this process, those that nobody waits for any more included."""


def _in_time(lookup: Callable[[], Sequence[str]], name: str, deadline: Deadline) -> Sequence[str]:
    """Run a look-up that knows no timeout of its own; one that hangs is left to its thread.

    There are so many threads and no more: the next look-up waits its turn, within its own time.
    """
    answers: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(lookup())
        except OSError as error:
            answers.put(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=deadline.seconds()):
        raise deadline.error()

    threading.Thread(target=run, name=f"lookup {name}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.seconds())
    except queue.Empty:
        raise deadline.error() from None
    if isinstance(answer, OSError):
        raise DNSError(name, "A", answer, not_found=answer.errno in _NOT_FOUND) from answer
    return answer
