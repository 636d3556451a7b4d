"""A stand-in for the mail servers behind the SMTP port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from attrs import evolve

from reglet.application.examples import SMTPAnswer
from reglet.domain.entities.records import SMTPConnectResult, TLSFacts
from reglet.domain.errors import (
    CapabilityError,
    NetworkError,
    RegletError,
    TimeoutError,  # noqa: A004 - our own family
)
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
        super().__init__(clock)
        for answer in answers:
            self.add(answer)

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
            raise _error(f"{host}:{port}", timeout, outcome)
        result: SMTPConnectResult = outcome
        result = evolve(result, address=result.address or f"{host}:{port}")
        if use_tls or use_starttls:
            return evolve(result, tls_enabled=True)
        return evolve(result, tls_version="", tls_cipher_suite="", tls_server_name="")


def _error(address: str, timeout: timedelta, failure: Failure) -> RegletError:
    if failure.kind == "timeout":
        return TimeoutError("smtp connect", timeout or failure.after, address)
    if failure.kind == "denied":
        return CapabilityError(f"network:{address}", hint=failure.text)
    return NetworkError("smtp connect", address, socket_error(failure))
