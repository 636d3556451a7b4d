"""What the host functions have in common: how a call is made, and how it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from attrs import evolve

from reglet.domain.context import Context, ContextBound
from reglet.infrastructure.host import failures
from reglet.infrastructure.wire.dialect import Dialect

if TYPE_CHECKING:
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.domain.errors import CapabilityError, RegletError
    from reglet.domain.policy import Policy
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext

Port = TypeVar("Port")
Request = TypeVar("Request")


class Answerer(ABC, Generic[Port, Request]):
    """Answers one host function with a port."""

    name: ClassVar[str]
    code: ClassVar[str]
    """What the Go host SDK calls a failure of this function (dialect hostlib)."""

    def __init__(self, port: Port, policy: Policy, dialect: Dialect) -> None:
        """Answer with `port` what `policy` allows."""
        self._port = port
        self._policy = policy
        self._dialect = dialect

    def answer(self, request: bytes, context: Context, ledger: Ledger) -> bytes:
        """Answer a request in the dialect.

        Raises:
            WireFormatError: the request is not one of this dialect.
            CapabilityError: the policy, or a guard below the port, refuses.
            RegletError: the port failed.
        """
        decoded, call = self._decode(request)
        ctx = call_context(context, call)
        self._decide(decoded, ledger)
        ctx.ensure_live(self.name)
        return self._perform(decoded, self._port_in(ctx), ctx)

    def denied(self, problem: CapabilityError) -> bytes:
        """Return the answer to a refusal: a response with an error, or the Go host SDK's bare one."""
        if self._dialect is Dialect.HOSTLIB:
            return failures.denied(problem)
        return self._failure(problem.detail())

    def failed(self, problem: RegletError) -> bytes:
        """Return a response that says how the port failed."""
        detail = problem.detail()
        if self._dialect is Dialect.HOSTLIB:
            detail = evolve(detail, code=failures.hostlib_code(problem, self.code))
        return self._failure(detail)

    def _port_in(self, ctx: Context) -> Port:
        if isinstance(self._port, ContextBound):
            return cast("Port", self._port.in_context(ctx))
        return self._port

    @abstractmethod
    def _decode(self, request: bytes) -> tuple[Request, CallContext]:
        """Return the request and its context."""

    @abstractmethod
    def _decide(self, request: Request, ledger: Ledger) -> None:
        """Raise `CapabilityError` unless the policy allows the request."""

    @abstractmethod
    def _perform(self, request: Request, port: Port, ctx: Context) -> bytes:
        """Call the port and return the response."""

    @abstractmethod
    def _failure(self, detail: ErrorDetail) -> bytes:
        """Return a response with an error."""


def call_context(check: Context, call: CallContext) -> Context:
    """Return what a call is made in: the sooner of both deadlines, the cancellation of either."""
    asked = call.to_context()
    deadlines = [deadline for deadline in (check.deadline, asked.deadline) if deadline is not None]
    return evolve(
        check,
        deadline=min(deadlines, default=None),
        request_id=asked.request_id or check.request_id,
        cancellation=asked.cancellation or check.cancellation,
    )
