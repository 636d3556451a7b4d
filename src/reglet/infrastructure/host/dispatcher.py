"""Host functions from bytes to bytes, within the limits of one check, and as observers see them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attrs import define, field, frozen

from reglet.domain.context import Context
from reglet.domain.errors import CapabilityError, RegletError, WireFormatError
from reglet.domain.policy import Decision, Policy
from reglet.domain.ports import (
    LOG_FUNCTION,
    CommandRunner,
    DNSResolver,
    HTTPClient,
    LogSink,
    SMTPClient,
    TCPDialer,
    Which,
)
from reglet.infrastructure.host.errors import Limits
from reglet.infrastructure.wire.messages import encode_failure
from reglet.infrastructure.wire.record import Dialect

if TYPE_CHECKING:
    from reglet.infrastructure.host.functions import Handler


@frozen
class HostCallEvent:
    """One host call, after it was answered.

    Attributes:
        name: the host function.
        request: the request as it came, JSON.
        answer: the answer as it went, JSON; empty for the log.
        target: what it was about, fit to be shown: a URL without user and password, a name, `host:port`,
            a command without its arguments; empty when the request has none.
        allowed: whether the policy allowed it; None where it was not asked.
        decision: the rule that allowed it, or the grant that is missing; empty where it was not asked.
        seconds: from the request to the answer.
    """

    name: str
    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    target: str
    allowed: bool | None
    decision: str
    seconds: float


Observer: TypeAlias = Callable[[HostCallEvent], None]
"""Is given each host call, from the thread that made it."""


class Ports(Protocol):
    """One port a host function, by the function's short name; None means that the function is not offered.

    A port is asked for when its function is first called, so one that is costly to make may wait until
    then. `which` finds the file that a command means, which then is judged and run; without it, as for
    fakes, a command's name is all there is.
    """

    @property
    def http(self) -> HTTPClient | None: ...  # noqa: D102 - the class says what each is
    @property
    def dns(self) -> DNSResolver | None: ...  # noqa: D102
    @property
    def tcp(self) -> TCPDialer | None: ...  # noqa: D102
    @property
    def smtp(self) -> SMTPClient | None: ...  # noqa: D102
    @property
    def exec(self) -> CommandRunner | None: ...  # noqa: D102
    @property
    def log(self) -> LogSink | None: ...  # noqa: D102
    @property
    def which(self) -> Which | None: ...  # noqa: D102


@frozen(eq=False, repr=False)
class HostPorts:
    """Ports that are there already."""

    http: HTTPClient | None = None
    dns: DNSResolver | None = None
    tcp: TCPDialer | None = None
    smtp: SMTPClient | None = None
    exec: CommandRunner | None = None
    log: LogSink | None = None
    which: Which | None = None


@define(eq=False, repr=False)
class CallLog:
    """What is known of one host call while it is answered: its target, and what the policy decided."""

    target: str = ""
    decision: Decision | None = None

    def require(self, target: str, decision: Decision) -> None:
        """Note the decision; raise `CapabilityError` when it is a refusal."""
        self.target = target
        self.decision = decision
        decision.require()

    def refuse(self, error: CapabilityError) -> None:
        """Note a refusal by a guard below the port, which saw an address or a redirect."""
        self.decision = Decision(allowed=False, rule=error.required, hint=error.hint)


class HostDispatcher:
    """Implements `HostFunctions` for one check: counts its calls and keeps its deadline.

    It serves any caller of the seam: a module in the sandbox, or a plugin in this process.
    """

    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        *,
        dialect: Dialect | str = Dialect.ABI,
        limits: Limits | None = None,
        observer: Observer | None = None,
        context: Context | None = None,
    ) -> None:
        """Answer with `ports` what `policy` allows.

        Args:
            ports: the clients; those that are `ContextBound` are given the context of each call.
            policy: is asked before a port is.
            dialect: how requests and answers are spelled, and failures said (ABI section 5).
            limits: sizes, and how many calls.
            observer: is given each call after it was answered.
            context: what calls are made in: their deadline and cancellation.
        """
        self._ports = ports
        self._policy = policy
        self._dialect = Dialect(dialect)
        self._limits = limits or Limits()
        self._observer = observer
        self._context = context or Context()
        self._handlers: dict[str, Handler[Any, Any] | None] = {}
        self._calls = 0
        self._messages = 0

    def for_check(self, context: Context) -> HostDispatcher:
        """Return a dispatcher for one more check, which starts counting anew, in `context`."""
        return HostDispatcher(
            self._ports,
            self._policy,
            dialect=self._dialect,
            limits=self._limits,
            observer=self._observer,
            context=context,
        )

    def call(self, name: str, request: bytes) -> bytes:
        """Answer one host call. A failure is an answer in the dialect's shape; nothing is raised."""
        started = time.perf_counter()
        log = CallLog()
        if name == LOG_FUNCTION:
            self._pass_on(request, log)
            answer = b""
        else:
            answer = self._answer(name, request, log)
        if self._observer is not None:
            decision = log.decision
            allowed, rule = (None, "") if decision is None else (decision.allowed, decision.rule)
            seconds = time.perf_counter() - started
            self._observer(HostCallEvent(name, request, answer, log.target, allowed, rule, seconds))
        return answer

    def _answer(self, name: str, request: bytes, log: CallLog) -> bytes:
        if name not in self._handlers:
            kind = handlers().get(name)
            if kind is None:
                return encode_failure("NOT_FOUND", f"there is no host function {name}")
            port = getattr(self._ports, kind.function.port_name)
            self._handlers[name] = (
                None if port is None else kind(port, self._policy, self._dialect, self._ports.which)
            )
        handler = self._handlers[name]
        if handler is None:
            return encode_failure("NOT_FOUND", f"this host does not offer {name}")
        self._calls += 1
        if self._calls > self._limits.host_calls:
            return refused(f"more than {self._limits.host_calls} host calls in one check")
        if len(request) > self._limits.request_bytes:
            return refused(f"a request of {len(request)} bytes; {self._limits.request_bytes} may be sent")
        return self._guarded(handler, request, log)

    def _guarded(self, handler: Handler[Any, Any], request: bytes, log: CallLog) -> bytes:
        try:
            return handler.answer(request, self._context, log)
        except WireFormatError as error:
            return handler.unreadable(error)
        except CapabilityError as error:
            log.refuse(error)
            return handler.denied(error)
        except RegletError as error:
            return handler.failed(error)
        except Exception:
            import logging

            logging.getLogger("reglet.host").exception(
                "%s failed in a way that it should not", handler.function.name
            )
            return encode_failure("INTERNAL_ERROR", "the host failed; its log says how")

    def _pass_on(self, request: bytes, log: CallLog) -> None:
        """Give a log message to the sink; of those beyond the limit, only the first is reported."""
        self._messages += 1
        allowed = self._limits.log_messages
        if self._ports.log is None or self._messages > allowed + 1:
            return
        from reglet.domain.entities.records import LogMessage
        from reglet.infrastructure.wire.host_functions import decode_log_message

        if self._messages > allowed:
            message = LogMessage(
                "WARN", f"more than {allowed} log messages in one check: the rest is dropped"
            )
        else:
            try:
                message, _ = decode_log_message(request)
            except WireFormatError as error:
                message = LogMessage("WARN", f"the plugin logged what cannot be read: {error}")
        log.target = message.level
        self._ports.log.write(message)


def handlers() -> Mapping[str, type[Handler[Any, Any]]]:
    """Import what answers the host functions, which many a check never calls; return it by their names."""
    from reglet.infrastructure.host.functions import HANDLERS

    return HANDLERS


def refused(reason: str) -> bytes:
    """Return the answer in place of an answer (ABI section 4), which all dialects share."""
    return encode_failure("VALIDATION_ERROR", reason)
