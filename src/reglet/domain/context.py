"""What a check runs in: its deadline, its cancellation, its request id, its config, its clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast, overload, runtime_checkable

from attrs import evolve, field, frozen

from reglet.domain.errors import (
    CancelledError,
    DefinitionError,
    MissingClientError,
    TimeoutError,  # noqa: A004 - our own family
)

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer

T = TypeVar("T")

_LATEST = datetime.max.replace(tzinfo=UTC)


class Cancellation:
    """A switch that is thrown once; every context that holds it is cancelled then."""

    def __init__(self) -> None:
        """Make a switch that is not thrown."""
        self._is_thrown = False

    def cancel(self) -> None:
        """Throw it."""
        self._is_thrown = True

    @property
    def is_cancelled(self) -> bool:
        """Whether it was thrown."""
        return self._is_thrown


@runtime_checkable
class ContextBound(Protocol):
    """A client that wants to know the context it is used in: its deadline, its request id."""

    def in_context(self, ctx: Context) -> Self:
        """Return the client for calls made in `ctx`."""
        ...


@frozen
class Context:
    """What a check runs in. Immutable: the `with_*` methods return new contexts.

    Attributes:
        deadline: when the check must be over; an aware `datetime`, or None. Best effort: a host's clock
            may not be true.
        request_id: what ties a check to the host's log.
        config: the parsed config of the plugin, if it declared a config model.
        cancellation: the switch that cancels the check; None where nobody can.
    """

    deadline: datetime | None = None
    request_id: str | None = None
    config: Any = None
    cancellation: Cancellation | None = field(default=None, repr=False)
    _clock: Callable[[], datetime] | None = field(default=None, repr=False, alias="clock")
    _clients: Mapping[object, object] = field(factory=dict, repr=False, alias="clients")

    @property
    def cancelled(self) -> bool:
        """Whether the check was cancelled or its deadline has passed."""
        return self._switched_off or self._overdue

    @property
    def _switched_off(self) -> bool:
        return self.cancellation is not None and self.cancellation.is_cancelled

    @property
    def _overdue(self) -> bool:
        return self.deadline is not None and self.deadline <= datetime.now(UTC)

    def now(self) -> datetime:
        """Return the time, aware and in UTC: what a check counts days from.

        It is the host's clock, and in a test the one that the test set. The deadline is not moved by it.
        """
        return datetime.now(UTC) if self._clock is None else self._clock()

    def remaining(self) -> timedelta | None:
        """Return the time left, never less than zero; None without a deadline."""
        if self.deadline is None:
            return None
        return max(self.deadline - datetime.now(UTC), timedelta())

    def ensure_live(self, operation: str) -> None:
        """Raise `TimeoutError` or `CancelledError` if no further call may be made."""
        if self.deadline is not None and self._overdue:
            raise TimeoutError(operation, None, "deadline already passed", asked=False)
        if self.cancellation is not None and self._switched_off:
            raise CancelledError(operation)

    def client(self, port: TypeForm[T]) -> T:
        """Return the client bound to `port`.

        Raises:
            MissingClientError: there is none; the message names those there are.
        """
        client = self._clients.get(port)
        if client is None:
            raise MissingClientError(_name(port), [_name(bound) for bound in self._clients])
        return cast("T", client_in(client, self))

    def with_timeout(self, timeout: timedelta) -> Context:
        """Return a context whose deadline is `timeout` from now, or the present one if that is sooner."""
        now = datetime.now(UTC)
        deadline = now + min(timeout, _LATEST - now)
        sooner = deadline if self.deadline is None else min(deadline, self.deadline)
        # every check begins with this, and `evolve` takes ten times as long
        return Context(sooner, self.request_id, self.config, self.cancellation, self._clock, self._clients)

    def with_clock(self, clock: Callable[[], datetime]) -> Context:
        """Return a context whose `now` is what `clock` returns: an aware timestamp."""
        return evolve(self, clock=clock)

    @overload
    def with_client(self, port: TypeForm[HTTPClient], client: HTTPClient) -> Context: ...
    @overload
    def with_client(self, port: TypeForm[DNSResolver], client: DNSResolver) -> Context: ...
    @overload
    def with_client(self, port: TypeForm[TCPDialer], client: TCPDialer) -> Context: ...
    @overload
    def with_client(self, port: TypeForm[SMTPClient], client: SMTPClient) -> Context: ...
    @overload
    def with_client(self, port: TypeForm[CommandRunner], client: CommandRunner) -> Context: ...
    def with_client(self, port: Any, client: object) -> Context:
        """Return a context in which `port` is answered by `client`.

        For a type of your own in place of a port there is `reglet.with_client(ctx, client, port)`.

        Raises:
            DefinitionError: the client does not fit the port; the message names what it lacks.
        """
        if getattr(port, "_is_runtime_protocol", False):
            name = _name(port)
            if isinstance(client, type):
                raise DefinitionError(f"the class {client.__name__} is no {name}; write {client.__name__}(…)")
            if not isinstance(client, port):
                from typing_extensions import get_protocol_members

                members = sorted(get_protocol_members(port))
                missing = ", ".join(each for each in members if not callable(getattr(client, each, None)))
                raise DefinitionError(f"a {type(client).__name__} is no {name}: it has no {missing}")
        return evolve(self, clients={**self._clients, port: client})

    def with_config(self, config: Any) -> Context:
        """Return a context that carries a parsed config."""
        return evolve(self, config=config)

    def has_client(self, port: object) -> bool:
        """Whether a client is bound to `port`."""
        return port in self._clients


def client_in(client: T, ctx: Context) -> T:
    """Return a client for calls made in a context: itself, unless it is `ContextBound`."""
    # To ask `isinstance` of a protocol costs more than a host call.
    bind: Callable[[Context], T] | None = getattr(client, "in_context", None)
    return client if bind is None else bind(ctx)


def _name(port: object) -> str:
    return getattr(port, "__name__", None) or str(port)
