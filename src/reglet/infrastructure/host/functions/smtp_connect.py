"""`smtp_connect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reglet.domain.ports import SMTPClient
from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.host.functions.requests import host_port, require_target, timeout_within
from reglet.infrastructure.wire.smtp import SMTPRequest, decode_smtp_request, encode_smtp_response

if TYPE_CHECKING:
    from reglet.domain.context import Context
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext


class SMTPFunction(Answerer[SMTPClient, SMTPRequest]):
    """Greets mail servers."""

    name: ClassVar[str] = "smtp_connect"
    code: ClassVar[str] = "CONNECTION_FAILED"

    def _decode(self, request: bytes) -> tuple[SMTPRequest, CallContext]:
        return decode_smtp_request(request, self._dialect)

    def _decide(self, request: SMTPRequest, ledger: Ledger) -> None:
        require_target(request.host, request.port)
        decision = self._policy.network(request.host, request.port)
        ledger.require(host_port(request.host, request.port), decision)

    def _perform(self, request: SMTPRequest, port: SMTPClient, ctx: Context) -> bytes:
        timeout = timeout_within(request.timeout, ctx)
        result = port.connect(request.host, request.port, timeout, request.tls, request.starttls)
        return encode_smtp_response(result, dialect=self._dialect)

    def _failure(self, detail: ErrorDetail) -> bytes:
        return encode_smtp_response(error=detail, dialect=self._dialect)
