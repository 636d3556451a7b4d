"""A stand-in for the network behind the TCP port."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from reglet.application.examples import TCPAnswer
from reglet.domain.entities.records import ObservedConnection, TLSFacts
from reglet.domain.errors import (
    CapabilityError,
    RegletError,
    TCPError,
    TimeoutError,  # noqa: A004 - our own family
)
from reglet.domain.ports import TCPConnection
from reglet.testing.fakes.failures import Failure, failure_of, socket_error
from reglet.testing.fakes.routes import (
    Criterion,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    equals,
    text_matches,
)


class TCPRoute(Route[TCPAnswer]):
    """Connections that fit, and their answers in order."""

    def respond(
        self,
        *,
        remote_addr: str = "",
        local_addr: str = "",
        tls: TLSFacts | None = None,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Accept the next connection; `tls` is what the handshake shows when TLS is asked for."""
        return self.then(TCPAnswer(remote_addr=remote_addr, local_addr=local_addr, tls=tls), latency)


class FakeTCPDialer(Fake[TCPRoute]):
    """A `TCPDialer` that answers from routes and fails on any other address."""

    def __init__(self, *answers: TCPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock)
        for answer in answers:
            self.add(answer)

    def on(self, address: TextPattern = "*", *, tls: bool | None = None) -> TCPRoute:
        """Add a route for the connections that fit; `tls` None stands for both."""
        criteria = [Criterion("address", address, text_matches)]
        if tls is not None:
            criteria.append(Criterion("tls", tls, equals))
        return self.routes.add(TCPRoute("tcp", criteria))

    def add(self, answer: TCPAnswer) -> TCPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.address or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.respond(remote_addr=answer.remote_addr, local_addr=answer.local_addr, tls=answer.tls)

    def dial(self, address: str) -> TCPConnection:
        """Connect without TLS."""
        return self._dial(address, None, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> TCPConnection:
        """Connect without TLS within `timeout`."""
        return self._dial(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> TCPConnection:
        """Connect within `timeout`, with TLS if `tls`; every certificate is taken anyway."""
        del insecure_skip_verify
        return self._dial(address, timeout, tls=tls)

    def _dial(self, address: str, timeout: timedelta | None, *, tls: bool) -> TCPConnection:
        outcome = self.routes.answer(FakeCall("tcp", {"address": address, "tls": tls}), timeout)
        if isinstance(outcome, Failure):
            raise _error(address, timeout, outcome)
        facts = (outcome.tls or TLSFacts()) if tls else TLSFacts()
        return ObservedConnection(outcome.remote_addr or address, outcome.local_addr, tls, facts)


def _error(address: str, timeout: timedelta | None, failure: Failure) -> RegletError:
    if failure.kind == "timeout":
        return TimeoutError("tcp connect", timeout or failure.after, address)
    if failure.kind == "denied":
        return CapabilityError(f"network:{address}", hint=failure.text)
    return TCPError(address, socket_error(failure))
