"""`exec_command`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import evolve, frozen

from reglet.domain.entities.records import CommandRequest
from reglet.domain.ports import CommandRunner
from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.host.functions.requests import BadRequestError
from reglet.infrastructure.host.programs import Locate, Program
from reglet.infrastructure.wire.command import decode_command_request, encode_command_response

if TYPE_CHECKING:
    from reglet.domain.context import Context
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.domain.policy import Decision, Policy
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext
    from reglet.infrastructure.wire.dialect import Dialect


@frozen
class _Run:
    """What was asked for, and the program that it means."""

    request: CommandRequest
    program: Program


class ExecFunction(Answerer[CommandRunner, _Run]):
    """Runs programs. What is run is the file that the policy was asked about."""

    name: ClassVar[str] = "exec_command"
    code: ClassVar[str] = "EXECUTION_FAILED"

    def __init__(self, port: CommandRunner, policy: Policy, dialect: Dialect, locate: Locate | None) -> None:
        """Answer with `port`; `locate` finds a program's file, None leaves names as they are."""
        super().__init__(port, policy, dialect)
        self._locate = locate

    def _decode(self, request: bytes) -> tuple[_Run, CallContext]:
        decoded, call = decode_command_request(request)
        program = Program() if self._locate is None else self._locate(decoded.command, decoded.dir)
        return _Run(decoded, program), call

    def _decide(self, request: _Run, ledger: Ledger) -> None:
        asked = request.request
        if not asked.command:
            raise BadRequestError("command is required")
        ledger.require(asked.command, self._decision(asked, request.program))

    def _decision(self, asked: CommandRequest, program: Program) -> Decision:
        """Return what the policy says of the name as it was given, else of the path it was found at."""
        names = dict.fromkeys(name for name in (asked.command, program.path) if name)
        decisions = [
            self._policy.execute(name, resolved=program.resolved, environment=(asked.env or {}).keys())
            for name in names
        ]
        return next((each for each in decisions if each), decisions[-1])

    def _perform(self, request: _Run, port: CommandRunner, ctx: Context) -> bytes:
        del ctx
        found = request.program.path
        result = port.run(evolve(request.request, command=found) if found else request.request)
        return encode_command_response(result, dialect=self._dialect)

    def _failure(self, detail: ErrorDetail) -> bytes:
        return encode_command_response(error=detail, dialect=self._dialect)
