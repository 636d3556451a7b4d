"""Routes: what a fake answers to which call, in which order, on which clock, and how it fails."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any, Generic, Self, TypeAlias, TypeVar

from attrs import frozen

from reglet.application.examples import FailureName
from reglet.domain.errors import (
    CapabilityError,
    HostError,
    RegletError,
    TimeoutError,  # noqa: A004 - our own family
)
from reglet.testing.assertions import matches_fields
from reglet.testing.usage import are_grants_open, note_fake_call

_MESSAGES: dict[FailureName, str] = {
    "timeout": "the operation timed out",
    "refused": "connection refused",
    "denied": "no grant covers it",
    "not_found": "no such host",
    "reset": "connection reset by peer",
    "bad_certificate": "certificate verify failed: self-signed certificate",
}


@frozen
class Failure:
    """A failure that a fake gives in place of an answer.

    Attributes:
        kind: its name.
        message: the error's.
        after: how long it takes, on the fake clock.
    """

    kind: FailureName
    message: str
    after: timedelta = timedelta()

    def as_error(
        self, operation: str, target: str, timeout: timedelta | None, grant: str, otherwise: RegletError
    ) -> RegletError:
        """Return the error of a call that fails so: a timeout, a missing grant, or the port's own."""
        if self.kind == "timeout":
            return TimeoutError(operation, timeout or self.after, target)
        return CapabilityError(grant, hint=self.message) if self.kind == "denied" else otherwise


def failure_of(error: RegletError) -> Failure | RegletError:
    """Return how an example's answer fails: a message that is a failure's name (`refused`) is that one."""
    if isinstance(error, HostError):
        for name, message in _MESSAGES.items():
            if str(error) == name:
                return Failure(name, message)
    return error


def timeout(after: timedelta = timedelta()) -> Failure:
    """Let time run out; `after` is added to the fake clock."""
    _check_duration("after", after)
    return Failure("timeout", _MESSAGES["timeout"], after)


def refused() -> Failure:
    """Let nobody listen at the port; a command cannot be started."""
    return Failure("refused", _MESSAGES["refused"])


def denied() -> Failure:
    """Let the host refuse it, as where no grant covers it."""
    return Failure("denied", _MESSAGES["denied"])


def not_found() -> Failure:
    """Let the name, or the command, not exist."""
    return Failure("not_found", _MESSAGES["not_found"])


def reset() -> Failure:
    """Let the far end break the connection."""
    return Failure("reset", _MESSAGES["reset"])


def bad_certificate(reason: str = "self-signed certificate") -> Failure:
    """Let the server's certificate not be trusted, for `reason`."""
    return Failure("bad_certificate", f"certificate verify failed: {reason}")


def socket_error(failure: Failure) -> BaseException | str:
    """Return the exception that a socket gives for a failure, or its message where it has none."""
    match failure.kind:
        case "refused":
            return ConnectionRefusedError(errno.ECONNREFUSED, failure.message)
        case "reset":
            return ConnectionResetError(errno.ECONNRESET, failure.message)
        case "not_found":
            return socket.gaierror(socket.EAI_NONAME, failure.message)
        case "bad_certificate":
            import ssl

            return ssl.SSLCertVerificationError(1, failure.message)
        case _:
            return failure.message


class FakeClock:
    """The time of the fakes: latency is added here, nothing waits."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """Stand at `start`."""
        self.set(start)

    def set(self, now: datetime) -> None:
        """Stand at `now`, an aware timestamp."""
        if now.tzinfo is None:
            raise ValueError(f"{now} has no time zone; write datetime(…, tzinfo=UTC)")
        self._start = now
        self._elapsed = timedelta()

    @property
    def elapsed(self) -> timedelta:
        """How far it has moved since the start."""
        return self._elapsed

    def now(self) -> datetime:
        """Return the time at which it stands."""
        return self._start + self._elapsed

    def advance(self, by: timedelta) -> None:
        """Move on; a clock does not go back."""
        if by < timedelta():
            raise ValueError(f"a clock does not go back: {by}")
        self._elapsed += by


TextPattern: TypeAlias = str | re.Pattern[str]
"""A string in which `*` stands for any string, or a regular expression that must match the whole."""

BodyPattern: TypeAlias = TextPattern | bytes | Mapping[str, Any] | Sequence[Any]
"""Exact bytes, a pattern of its text, or JSON compared on the fields it names."""


def text_matches(pattern: TextPattern, text: str) -> bool:
    """Whether the whole of `text` fits."""
    if isinstance(pattern, re.Pattern):
        return pattern.fullmatch(text) is not None
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def optional_text_matches(pattern: TextPattern, text: str | None) -> bool:
    """Whether there is a string, and the whole of it fits."""
    return text is not None and text_matches(pattern, text)


def equals(wanted: object, seen: object) -> bool:
    """Whether a fact is exactly as wanted."""
    return wanted == seen


def headers_match(wanted: Mapping[str, TextPattern], headers: Mapping[str, Sequence[str]]) -> bool:
    """Whether every wanted header is there with one value that fits; the case of names does not matter."""
    there = {name.lower(): values for name, values in headers.items()}
    return all(
        any(text_matches(pattern, value) for value in there.get(name.lower(), ()))
        for name, pattern in wanted.items()
    )


def args_match(wanted: Sequence[TextPattern], seen: Sequence[str]) -> bool:
    """Whether arguments are as many as wanted, and each fits."""
    return len(wanted) == len(seen) and all(map(text_matches, wanted, seen))


def env_matches(wanted: Mapping[str, TextPattern], seen: Mapping[str, Any]) -> bool:
    """Whether every variable that is wanted is set, and fits."""
    return all(name in seen and text_matches(pattern, seen[name]) for name, pattern in wanted.items())


def body_matches(pattern: BodyPattern, body: bytes) -> bool:
    """Whether the body fits."""
    if isinstance(pattern, bytes):
        return pattern == body
    if isinstance(pattern, str | re.Pattern):
        return text_matches(pattern, body.decode("utf-8", "replace"))
    try:
        return matches_fields(pattern, json.loads(body))
    except ValueError:
        return False


Response = TypeVar("Response")


class UnexpectedCallError(RegletError, AssertionError):
    """A fake was called in a way that no route of it answers.

    The plugin sees an error of its host; the test sees this, whatever the plugin made of it.
    """


@frozen
class FakeCall:
    """A call that a fake got: its port, and each fact of it by name."""

    port: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the call as one line."""
        shown = [
            f"{name}={_short(value)}" for name, value in self.facts.items() if value not in (None, b"", {})
        ]
        return f"{self.port} {' '.join(shown)}"


@frozen
class Criterion:
    """One thing that a route asks of a call: the fact, what it should be, and how the two are compared."""

    fact: str
    wanted: Any
    fits: Callable[[Any, Any], bool]

    def __attrs_post_init__(self) -> None:
        """Refuse what is no pattern, before a call meets it."""
        is_pattern = isinstance(self.wanted, str | re.Pattern)
        if self.fits in (text_matches, optional_text_matches) and not is_pattern:
            advice = "write a string, in which * stands for any text, or re.compile(…)"
            raise TypeError(f"{self.fact} is {self.wanted!r}; {advice}")

    def holds(self, call: FakeCall) -> bool:
        """Whether the call is as wanted."""
        return self.fits(self.wanted, call.facts[self.fact])

    def closeness(self, call: FakeCall) -> float:
        """Return 1 for a fit, at most a half for what differs."""
        if self.holds(call):
            return 1.0
        return SequenceMatcher(None, str(self.wanted), str(call.facts[self.fact])).ratio() * 0.5


@frozen
class _Step(Generic[Response]):
    outcome: Response | Failure | RegletError
    latency: timedelta


class Route(Generic[Response]):
    """One line of a fake: the calls that it fits, and its answers in order; the last answer stays."""

    def __init__(self, port: str, criteria: list[Criterion]) -> None:
        """Fit the calls of `port` for which every criterion holds."""
        self._port = port
        self._criteria = criteria
        self._steps: list[_Step[Response]] = []
        self._limit: int | None = None
        self.calls: list[FakeCall] = []

    def fail(self, failure: Failure | RegletError) -> Self:
        """Fail the next call in place of answering it, on purpose or with an error as it stands."""
        given: object = failure
        if not isinstance(given, Failure | RegletError):
            raise TypeError(
                f"fail({given!r}): write refused(), timeout(), denied(), not_found(), reset(), "
                f"bad_certificate() or an error of reglet.errors"
            )
        return self.then(failure, failure.after if isinstance(failure, Failure) else timedelta())

    def times(self, count: int) -> Self:
        """Answer exactly `count` calls: a further one is unexpected, fewer do not count as used."""
        given: object = count
        if not isinstance(given, int) or given < 0:
            raise ValueError(f"times({count!r}): write how many calls the route answers, such as times(1)")
        self._limit = count
        return self

    def then(self, outcome: Response | Failure | RegletError, latency: timedelta) -> Self:
        """Give this outcome next, after `latency` on the fake clock."""
        _check_duration("latency", latency)
        self._steps.append(_Step(outcome, latency))
        return self

    @property
    def is_used(self) -> bool:
        """Whether every answer of the route was given, and as often as `times` says."""
        return len(self.calls) >= (max(len(self._steps), 1) if self._limit is None else self._limit)

    @property
    def is_open(self) -> bool:
        """Whether the route may answer another call."""
        return self._limit is None or len(self.calls) < self._limit

    def fits(self, call: FakeCall) -> bool:
        """Whether the route is for this call."""
        return all(criterion.holds(call) for criterion in self._criteria)

    def closeness(self, call: FakeCall) -> float:
        """Return how near a call comes, from 0 to 1."""
        if not self._criteria:
            return 0.0
        return sum(criterion.closeness(call) for criterion in self._criteria) / len(self._criteria)

    def differences(self, call: FakeCall) -> list[str]:
        """Return a line for each criterion that does not hold."""
        if self.fits(call) and not self.is_open:
            return [f"it answers {self._limit} calls and has answered them"]
        return [
            f"{criterion.fact}: expected {_short(criterion.wanted)}, got {_short(call.facts[criterion.fact])}"
            for criterion in self._criteria
            if not criterion.holds(call)
        ]

    def take(self, call: FakeCall) -> _Step[Response]:
        """Note the call and return what comes next."""
        if not self._steps:
            raise UnexpectedCallError(f"the route {self} has no answer: give it one with respond() or fail()")
        self.calls.append(call)
        return self._steps[min(len(self.calls), len(self._steps)) - 1]

    def __str__(self) -> str:
        """Return the route as one line."""
        wanted = [f"{criterion.fact}={_short(criterion.wanted)}" for criterion in self._criteria]
        return f"{self._port} {' '.join(wanted) or '(any)'}"


AnyRoute = TypeVar("AnyRoute", bound=Route[Any])


class Routes(Generic[AnyRoute]):
    """The routes of one fake, in the order in which they were added, and the calls none was for."""

    def __init__(self, clock: FakeClock) -> None:
        """Keep time by `clock`."""
        self.clock = clock
        self.all: list[AnyRoute] = []
        self.calls: list[FakeCall] = []
        self.unexpected: list[UnexpectedCallError] = []

    def add(self, route: AnyRoute) -> AnyRoute:
        """Add a route behind those there are."""
        self.all.append(route)
        return route

    def find(self, call: FakeCall) -> AnyRoute | None:
        """Return the first open route for a call."""
        return next((route for route in self.all if route.is_open and route.fits(call)), None)

    def answer(self, call: FakeCall, limit: timedelta | None = None) -> Any:
        """Return the answer or `Failure` for a call, moving the clock by its latency.

        A latency beyond `limit` (None or zero: no limit) is a timeout. Raises `UnexpectedCallError` where
        no route fits, and errors that a route is to raise, as they stand.
        """
        if limit is not None:
            _check_duration(f"{call}: its timeout", limit)
        self.calls.append(call)
        route = self.find(call)
        if route is None and are_grants_open():
            note_fake_call(call.port, call.facts)
            return Failure("refused", _MESSAGES["refused"])
        if route is None:
            lines = [f"unexpected call: {call}"]
            if self.all:
                nearest = max(self.all, key=lambda route: route.closeness(call))
                differences = (f"    {line}" for line in nearest.differences(call))
                lines += [f"  nearest route:   {nearest}", *differences]
            else:
                lines.append(f"  the fake has no {call.port} routes: add one with on(...)")
            error = UnexpectedCallError("\n".join(lines))
            self.unexpected.append(error)
            raise error
        step = route.take(call)
        if not (isinstance(step.outcome, CapabilityError) or getattr(step.outcome, "kind", "") == "denied"):
            note_fake_call(call.port, call.facts)
        if limit and step.latency > limit:
            self.clock.advance(limit)
            return timeout(limit)
        self.clock.advance(step.latency)
        if isinstance(step.outcome, RegletError):
            raise step.outcome
        return step.outcome

    def assert_all_used(self) -> None:
        """Raise `AssertionError` that lists every route with an answer that was not asked for."""
        __tracebackhide__ = True
        unused = [f"  {route} (answered {len(route.calls)})" for route in self.all if not route.is_used]
        if unused:
            raise AssertionError("\n".join(["routes that were not used up:", *unused]))

    def raise_unexpected(self) -> None:
        """Raise the first `UnexpectedCallError` since the last time, if there was one."""
        __tracebackhide__ = True
        if self.unexpected:
            first = self.unexpected[0]
            self.unexpected.clear()
            raise first


class Fake(Generic[AnyRoute]):
    """A stand-in for a port: its routes, and what a test asserts of them."""

    def __init__(self, clock: FakeClock | None, answers: Sequence[Any], kind: type[Any]) -> None:
        """Start with a route for each answer, all of `kind`; latencies move `clock`."""
        self.routes: Routes[AnyRoute] = Routes(clock or FakeClock())
        for answer in answers:
            if not isinstance(answer, kind):
                name = kind.__name__.removesuffix("Answer").lower()
                raise TypeError(f"{type(self).__name__} takes answers.{name}(…), not {answer!r}")
            self.add(answer)

    def add(self, answer: Any) -> AnyRoute:
        """Add a route that gives an example's answer."""
        raise NotImplementedError

    @property
    def calls(self) -> list[FakeCall]:
        """Every call that it got, in order."""
        return self.routes.calls

    def assert_all_used(self) -> None:
        """Raise `AssertionError` that lists every route with an answer that was not asked for."""
        __tracebackhide__ = True
        self.routes.assert_all_used()

    def raise_unexpected(self) -> None:
        """Raise the first `UnexpectedCallError` since the last time: a plugin may have caught it."""
        __tracebackhide__ = True
        self.routes.raise_unexpected()


def _short(value: object, limit: int = 120) -> str:
    text = repr(dict(value)) if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _check_duration(name: str, value: object) -> None:
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} is {value!r}; write timedelta(seconds={value})")
