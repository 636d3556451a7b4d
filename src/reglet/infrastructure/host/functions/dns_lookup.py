"""`dns_lookup`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reglet.domain.ports import DNSResolver
from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.host.functions.requests import BadRequestError
from reglet.infrastructure.wire.dns import DNSAnswer, DNSRequest, decode_dns_request, encode_dns_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.domain.context import Context
    from reglet.domain.entities.error_detail import ErrorDetail
    from reglet.infrastructure.host.ledger import Ledger
    from reglet.infrastructure.wire.context import CallContext


class DNSFunction(Answerer[DNSResolver, DNSRequest]):
    """Looks up names. A name server that a request names is checked by the resolver's guard."""

    name: ClassVar[str] = "dns_lookup"
    code: ClassVar[str] = "LOOKUP_FAILED"

    def _decode(self, request: bytes) -> tuple[DNSRequest, CallContext]:
        return decode_dns_request(request)

    def _decide(self, request: DNSRequest, ledger: Ledger) -> None:
        if not request.hostname:
            raise BadRequestError("hostname is required")
        _lookup_of(request)
        target = f"{request.type or 'A'} {request.hostname}"
        ledger.require(target, self._policy.dns(request.hostname))

    def _perform(self, request: DNSRequest, port: DNSResolver, ctx: Context) -> bytes:
        del ctx
        answer = _lookup_of(request)(port, request.hostname, request.nameserver or None)
        return encode_dns_response(answer, dialect=self._dialect)

    def _failure(self, detail: ErrorDetail) -> bytes:
        return encode_dns_response(error=detail, dialect=self._dialect)


def _lookup_of(request: DNSRequest) -> Callable[[DNSResolver, str, str | None], DNSAnswer]:
    kind = request.type.upper()
    if kind not in _LOOKUPS:
        known = ", ".join(filter(None, _LOOKUPS))
        raise BadRequestError(f"record type {request.type!r} is not one of {known}")
    return _LOOKUPS[kind]


def _addresses(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    return DNSAnswer(tuple(resolver.lookup_host(host, nameserver=nameserver)))


def _ipv6(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    found = resolver.lookup_host(host, nameserver=nameserver)
    return DNSAnswer(tuple(address for address in found if ":" in address))


def _cname(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    return DNSAnswer((resolver.lookup_cname(host, nameserver=nameserver),))


def _mx(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    return DNSAnswer(mx_records=tuple(resolver.lookup_mx(host, nameserver=nameserver)))


def _txt(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    return DNSAnswer(tuple(resolver.lookup_txt(host, nameserver=nameserver)))


def _ns(resolver: DNSResolver, host: str, nameserver: str | None) -> DNSAnswer:
    return DNSAnswer(tuple(resolver.lookup_ns(host, nameserver=nameserver)))


_LOOKUPS: dict[str, Callable[[DNSResolver, str, str | None], DNSAnswer]] = {
    "": _addresses,
    "A": _addresses,  # as the Go host: every address, of both families
    "AAAA": _ipv6,
    "CNAME": _cname,
    "MX": _mx,
    "TXT": _txt,
    "NS": _ns,
}
