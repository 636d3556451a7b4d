"""Connections that a guard agreed to: resolve once, check every address, dial a checked one."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence

from attrs import frozen

from reglet.domain.errors import DNSError
from reglet.domain.policy import Target, parse_address
from reglet.domain.policy.network import Address
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import PORTS
from reglet.infrastructure.native.deadline import Deadline

Lookup = Callable[[str], Sequence[str]]
"""Resolves a name to addresses; raises `OSError` when it cannot."""

_NOT_FOUND = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def system_lookup(host: str) -> list[str]:
    """Resolve a name as the system does, its hosts file included."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@frozen
class Dialer:
    """Opens TCP connections. Without a guard every target is allowed."""

    guard: NetworkGuard | None = None
    lookup: Lookup = system_lookup

    def connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """Connect to a name or address.

        Raises:
            CapabilityError: the guard refuses the target or any address it resolves to.
            DNSError: the name does not resolve.
            InvalidHostError: the text is neither a name nor an address.
            TimeoutError: time ran out.
            OSError: no address answers.
        """
        target = Target.of(host, port)
        return _first_answer(self.resolve(target, deadline), target.port, deadline)

    def resolve(self, target: Target, deadline: Deadline) -> list[Address]:
        """Return the addresses of a target, each agreed to by the guard; raises as `connect` does."""
        if target.port not in PORTS:
            raise OSError(f"port {target.port} is not from {PORTS[0]} to {PORTS[-1]}")
        if self.guard is not None:
            self.guard.check_target(target)
        addresses = self._addresses(target, deadline)
        if self.guard is not None:
            for address in addresses:
                self.guard.check_address(target, address)
        return addresses

    def _addresses(self, target: Target, deadline: Deadline) -> list[Address]:
        if target.address is not None:
            return [target.address]
        found = _in_time(lambda: self.lookup(target.host), target.host, deadline)
        addresses = [address for address in map(parse_address, found) if address is not None]
        if not addresses:
            raise DNSError(target.host, "A", "it has no address", not_found=True)
        return addresses


def _first_answer(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    """Dial one address after the other, each with its share of the time left."""
    failure: OSError | None = None
    for place, address in enumerate(addresses):
        share = deadline.seconds() / (len(addresses) - place)
        try:
            return socket.create_connection((str(address), port), timeout=share)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise deadline.error() from failure
    raise failure or OSError("there is no address to dial")


def _in_time(lookup: Callable[[], Sequence[str]], name: str, deadline: Deadline) -> Sequence[str]:
    """Run a look-up that knows no timeout of its own; one that hangs is left to its thread."""
    answers: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(lookup())
        except OSError as error:
            answers.put(error)

    threading.Thread(target=run, name=f"lookup {name}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.seconds())
    except queue.Empty:
        raise deadline.error() from None
    if isinstance(answer, OSError):
        raise DNSError(name, "A", answer, not_found=answer.errno in _NOT_FOUND) from answer
    return answer
