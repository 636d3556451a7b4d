"""Contexts: clients by port, deadlines, cancellation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

import pytest
from attrs import frozen

from reglet.domain import errors
from reglet.domain.context import Cancellation, Context
from reglet.domain.errors import CancelledError, DefinitionError, MissingClientError, RegletError
from reglet.domain.ports import DNSResolver, HTTPClient

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


class Greeter(Protocol):
    def greet(self) -> str: ...


@frozen
class Polite:
    request_id: str | None = None

    def in_context(self, ctx: Context) -> Self:
        return type(self)(ctx.request_id)

    def greet(self) -> str:
        return f"hello {self.request_id}"


def test_a_client_comes_back_by_its_port():
    """What was bound is found, and knows the context it is used in."""
    ctx = Context(request_id="r-1").with_client(Greeter, Polite())
    assert ctx.client(Greeter).greet() == "hello r-1"
    assert ctx.has_client(Greeter)


def test_a_missing_client_is_an_error_that_names_the_port():
    """Nothing is bound in a fresh context."""
    with pytest.raises(MissingClientError, match="Greeter"):
        Context().client(Greeter)


def test_a_context_never_changes():
    """Binding gives a new one."""
    ctx = Context()
    ctx.with_client(Greeter, Polite())
    assert not ctx.has_client(Greeter)


def test_a_timeout_never_moves_a_deadline_back():
    """The sooner of two deadlines holds."""
    ctx = Context().with_timeout(timedelta(minutes=1))
    assert ctx.with_timeout(timedelta(hours=1)).deadline == ctx.deadline


def test_a_timeout_may_be_as_long_as_it_likes():
    """A deadline stands no later than dates go."""
    left = Context().with_timeout(timedelta.max).remaining()
    assert left is not None
    assert left > timedelta(days=365 * 1000)


def test_time_left_is_never_less_than_nothing():
    """A passed deadline leaves zero, none leaves None."""
    assert Context(LONG_AGO).remaining() == timedelta()
    assert Context().remaining() is None


def test_a_passed_deadline_allows_no_call():
    """The error is a timeout that says which call was not made; so nothing is known of its target."""
    with pytest.raises(errors.TimeoutError, match="http_request") as caught:
        Context(LONG_AGO).ensure_live("http_request")
    assert not caught.value.concerns_target
    assert errors.TimeoutError("http_request").concerns_target


def test_a_cancelled_check_allows_no_call():
    """The switch cancels every context that holds it."""
    switch = Cancellation()
    ctx = Context(cancellation=switch).with_timeout(timedelta(minutes=1))
    ctx.ensure_live("http_request")
    switch.cancel()
    assert ctx.cancelled
    with pytest.raises(CancelledError):
        ctx.ensure_live("http_request")


def test_a_config_travels_in_the_context():
    """Handlers read it there."""
    assert Context().with_config({"a": 1}).config == {"a": 1}


def test_every_error_has_the_one_root():
    """One except clause catches all that this SDK raises."""
    assert issubclass(MissingClientError, RegletError)


def test_now_is_the_clock_that_a_test_set_and_the_systems_otherwise():
    """A check that counts days can be tested for any day."""
    fixed = datetime(2026, 1, 1, tzinfo=UTC)
    assert Context().with_clock(lambda: fixed).now() == fixed
    assert abs(Context().now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert not Context(deadline=datetime.now(UTC) + timedelta(hours=1)).with_clock(lambda: fixed).cancelled


def test_a_client_that_does_not_fit_its_port_is_refused_with_what_it_lacks():
    """Not later, where it is called."""

    class Half:
        def do(self, request): ...

    with pytest.raises(DefinitionError, match="a Half is no HTTPClient: it has no get, post"):
        Context().with_client(HTTPClient, Half())
    with pytest.raises(DefinitionError, match="a str is no DNSResolver: it has no lookup_cname"):
        Context().with_client(DNSResolver, "1.1.1.1")
    assert Context().with_client(str, "x").client(str) == "x"
