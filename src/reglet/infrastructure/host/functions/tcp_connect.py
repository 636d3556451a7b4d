"""`tcp_connect`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from reglet.domain.entities.records import TLSFacts
from reglet.domain.ports import TCPConnection, TCPDialer
from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.host.functions.requests import host_port, require_target, timeout_within
from reglet.infrastructure.wire.tcp import TCPAnswer, TCPRequest, decode_tcp_request, encode_tcp_response

if TYPE_CHECKING:
    from reglet.domain.context import Context
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext


class TCPFunction(Answerer[TCPDialer, TCPRequest]):
    """Connects, looks and closes."""

    name: ClassVar[str] = "tcp_connect"
    code: ClassVar[str] = "CONNECTION_FAILED"

    def _decode(self, request: bytes) -> tuple[TCPRequest, CallContext]:
        return decode_tcp_request(request, self._dialect)

    def _decide(self, request: TCPRequest, ledger: Ledger) -> None:
        require_target(request.host, request.port)
        decision = self._policy.network(request.host, request.port)
        ledger.require(host_port(request.host, request.port), decision)

    def _perform(self, request: TCPRequest, port: TCPDialer, ctx: Context) -> bytes:
        address = host_port(request.host, request.port)
        started = time.perf_counter()
        with port.dial_secure(address, timeout_within(request.timeout, ctx), request.tls) as connection:
            elapsed = timedelta(seconds=time.perf_counter() - started)
            answer = _told(connection, address, elapsed)
        return encode_tcp_response(answer, dialect=self._dialect)

    def _failure(self, detail: ErrorDetail) -> bytes:
        return encode_tcp_response(error=detail, dialect=self._dialect)


def _told(connection: TCPConnection, address: str, elapsed: timedelta) -> TCPAnswer:
    facts = TLSFacts(
        version=connection.tls_version,
        cipher_suite=connection.tls_cipher_suite,
        server_name=connection.tls_server_name,
        cert_subject=connection.tls_cert_subject,
        cert_issuer=connection.tls_cert_issuer,
        cert_not_after=connection.tls_cert_not_after,
    )
    return TCPAnswer(
        connected=connection.is_connected,
        address=address,
        remote_addr=connection.remote_addr,
        local_addr=connection.local_addr,
        tls=connection.is_tls,
        facts=facts,
        response_time=elapsed,
    )
