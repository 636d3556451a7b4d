"""The port for programs over a host's `exec_command`."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import CommandRequest, CommandResult
from reglet.domain.errors import ExecError, HostError, TimeoutError  # noqa: A004 - our own family
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.command import decode_command_response, encode_command_request
from reglet.infrastructure.wire.context import CallContext

_FUNCTION = "exec_command"


@frozen
class HostCommandRunner:
    """Has the host run programs, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostCommandRunner:
        """Return the runner for programs run in `ctx`."""
        return evolve(self, ctx=ctx)

    def run(self, request: CommandRequest) -> CommandResult:
        """Run a program to its end. A non-zero exit code is a result.

        Raises `ExecError` when it could not be started, `TimeoutError` when the host gave up on it without
        a result, `CapabilityError` when no grant covers it.
        """
        self._ctx.ensure_live(_FUNCTION)
        timeout = time_left(self._ctx, request.timeout)
        timed = evolve(request, timeout=timeout)
        call = CallContext.of(self._ctx, timeout)
        try:
            return self._caller.call(
                _FUNCTION,
                lambda _dialect: encode_command_request(timed, call),
                lambda answer: decode_command_response(answer, f"exec:{request.command}"),
            )
        except HostError as error:
            if error.is_timeout:
                raise TimeoutError("exec", timeout or timedelta(), request.command) from error
            raise ExecError(request.command, error) from error
