"""Host functions from bytes to bytes: decode, ask the policy, call the port, encode."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from reglet.domain.context import Context
from reglet.domain.entities.records import LogMessage
from reglet.domain.errors import CapabilityError, RegletError, WireFormatError
from reglet.domain.ports import HOST_FUNCTIONS
from reglet.infrastructure.host import failures
from reglet.infrastructure.host.functions import Answerer, answerer
from reglet.infrastructure.host.host_call import HostCall
from reglet.infrastructure.host.ledger import Ledger
from reglet.infrastructure.host.limits import Limits
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.log import decode_log_message

if TYPE_CHECKING:
    from reglet.domain.policy import Policy
    from reglet.infrastructure.host.host_call import Observer
    from reglet.infrastructure.host.host_ports import Ports

_LOG = "log_message"

_log = logging.getLogger("reglet.host")


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
            dialect: which of the two spellings is read and written (ABI section 5).
            limits: sizes, and how many calls.
            observer: is told each call after it was answered.
            context: what calls are made in: their deadline and cancellation.
        """
        self._ports = ports
        self._policy = policy
        self._dialect = Dialect(dialect)
        self._limits = limits or Limits()
        self._observer = observer
        self._context = context or Context()
        self._answerers: dict[str, Answerer[Any, Any] | None] = {}
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
        ledger = Ledger()
        answer = self._answer(name, request, ledger)
        if self._observer is not None:
            decision = ledger.decision
            allowed, rule = (None, "") if decision is None else (decision.allowed, decision.rule)
            seconds = time.perf_counter() - started
            self._observer(HostCall(name, request, answer, ledger.target, allowed, rule, seconds))
        return answer

    def _answer(self, name: str, request: bytes, ledger: Ledger) -> bytes:
        if name == _LOG:
            self._pass_on(request, ledger)
            return b""
        function = self._function(name)
        if function is None:
            return failures.not_offered(name) if name in HOST_FUNCTIONS else failures.unknown(name)
        return self._over_limit(len(request)) or self._guarded(function, request, ledger)

    def _function(self, name: str) -> Answerer[Any, Any] | None:
        if name not in self._answerers:
            self._answerers[name] = answerer(name, self._ports, self._policy, self._dialect)
        return self._answerers[name]

    def _over_limit(self, size: int) -> bytes:
        """Count the call; return the refusal of one too many or too large, else nothing."""
        self._calls += 1
        if self._calls > self._limits.host_calls:
            return failures.refused(f"more than {self._limits.host_calls} host calls in one check")
        if size > self._limits.request_bytes:
            return failures.refused(f"a request of {size} bytes; {self._limits.request_bytes} may be sent")
        return b""

    def _guarded(self, function: Answerer[Any, Any], request: bytes, ledger: Ledger) -> bytes:
        try:
            return function.answer(request, self._context, ledger)
        except WireFormatError as problem:
            return failures.undecodable(problem)
        except CapabilityError as problem:
            ledger.refuse(problem)
            return function.denied(problem)
        except RegletError as problem:
            return function.failed(problem)
        except Exception:  # noqa: BLE001 - a port's bug must not end the guest or the host
            _log.exception("%s failed in a way that it should not", function.name)
            return failures.internal()

    def _pass_on(self, request: bytes, ledger: Ledger) -> None:
        """Give a log message to the sink; of those beyond the limit, only the first is told."""
        self._messages += 1
        allowed = self._limits.log_messages
        if self._ports.log is None or self._messages > allowed + 1:
            return
        if self._messages > allowed:
            message = LogMessage(
                "WARN", f"more than {allowed} log messages in one check: the rest is dropped"
            )
        else:
            message = _log_message(request)
        ledger.target = message.level
        self._ports.log.write(message)


def _log_message(request: bytes) -> LogMessage:
    try:
        message, _ = decode_log_message(request)
    except WireFormatError as problem:
        return LogMessage("WARN", f"the plugin logged what cannot be read: {problem}")
    return message
