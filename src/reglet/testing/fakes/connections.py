"""Stand-ins for the network behind the TCP port, and for the mail servers behind the SMTP port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from attrs import evolve

from reglet.application.examples import SMTPAnswer, TCPAnswer
from reglet.domain.entities.records import ObservedConnection, SMTPConnectResult, TLSFacts
from reglet.domain.errors import (
    NetworkError,
    TCPError,
)
from reglet.domain.ports import TCPConnection
from reglet.testing.fakes.routes import (
    Criterion,
    Failure,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    equals,
    failure_of,
    socket_error,
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
        super().__init__(clock, answers, TCPAnswer)

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
            error = TCPError(address, socket_error(outcome))
            raise outcome.as_error("tcp connect", address, timeout, f"network:{address}", error)
        facts = (outcome.tls or TLSFacts()) if tls else TLSFacts()
        return ObservedConnection(outcome.remote_addr or address, outcome.local_addr, tls, facts)


class SMTPRoute(Route[SMTPConnectResult]):
    """Greetings that fit, and their answers in order."""

    def respond(
        self,
        banner: str = "220 mail.example.com ESMTP",
        *,
        extensions: Sequence[str] = (),
        supports_auth: bool | None = None,
        tls: TLSFacts | None = None,
        latency: timedelta = timedelta(),
    ) -> Self:
        """Greet the next caller; `tls` is what the handshake shows, `latency` is the time it takes."""
        facts = tls or TLSFacts()
        result = SMTPConnectResult(
            banner=banner,
            extensions=tuple(extensions),
            supports_auth=supports_auth,
            tls_version=facts.version,
            tls_cipher_suite=facts.cipher_suite,
            tls_server_name=facts.server_name,
            response_time=latency,
        )
        return self.then(result, latency)


class FakeSMTPClient(Fake[SMTPRoute]):
    """An `SMTPClient` that answers from routes and fails on any other server."""

    def __init__(self, *answers: SMTPAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, SMTPAnswer)

    def on(
        self,
        host: TextPattern = "*",
        port: int | None = None,
        *,
        use_tls: bool | None = None,
        use_starttls: bool | None = None,
    ) -> SMTPRoute:
        """Add a route for the greetings that fit; None stands for anything."""
        asked = {"port": port, "use_tls": use_tls, "use_starttls": use_starttls}
        exact = [Criterion(name, wanted, equals) for name, wanted in asked.items() if wanted is not None]
        return self.routes.add(SMTPRoute("smtp", [Criterion("host", host, text_matches), *exact]))

    def add(self, answer: SMTPAnswer) -> SMTPRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.host or "*")
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.result, answer.result.response_time)

    def connect(
        self,
        host: str,
        port: int,
        timeout: timedelta,
        use_tls: bool,
        use_starttls: bool,
        *,
        insecure_skip_verify: bool = False,
    ) -> SMTPConnectResult:
        """Greet a server; every certificate is taken anyway."""
        del insecure_skip_verify
        facts = {"host": host, "port": port, "use_tls": use_tls, "use_starttls": use_starttls}
        outcome = self.routes.answer(FakeCall("smtp", facts), timeout)
        if isinstance(outcome, Failure):
            address = f"{host}:{port}"
            error = NetworkError("smtp connect", address, socket_error(outcome))
            raise outcome.as_error("smtp connect", address, timeout, f"network:{address}", error)
        result: SMTPConnectResult = outcome
        result = evolve(result, address=result.address or f"{host}:{port}")
        if use_tls or use_starttls:
            return evolve(result, tls_enabled=True)
        return evolve(result, tls_version="", tls_cipher_suite="", tls_server_name="")
