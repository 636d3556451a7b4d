"""The DNS port over a host's `dns_lookup`."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import MXRecord
from reglet.domain.errors import DNSError, HostError, TimeoutError  # noqa: A004 - our own family
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.dns import DNSAnswer, DNSRequest, decode_dns_response, encode_dns_request

_FUNCTION = "dns_lookup"
_PORT = 53
_UNSUPPORTED = "UNSUPPORTED_TYPE"


@frozen
class HostDNSResolver:
    """Looks up names through the host, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostDNSResolver:
        """Return the resolver for look-ups made in `ctx`."""
        return evolve(self, ctx=ctx)

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name.

        Some hosts answer a look-up of type A with both families, some with one: those are asked for AAAA too.
        """
        found, missing = self._family(host, "A", nameserver)
        if not any(":" in address for address in found):
            more, missing_too = self._family(host, "AAAA", nameserver)
            found += more
            missing = missing or missing_too
        if not found:
            raise missing or _nothing(host, "A", nameserver)
        return list(dict.fromkeys(found))

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name."""
        records = self._look_up(host, "CNAME", nameserver).records
        if not records:
            raise _nothing(host, "CNAME", nameserver)
        return records[0]

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        records = self._look_up(host, "MX", nameserver).mx_records
        return sorted(records, key=lambda record: record.pref)

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the text records."""
        return list(self._look_up(host, "TXT", nameserver).records)

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        return list(self._look_up(host, "NS", nameserver).records)

    def _family(
        self, host: str, record_type: str, nameserver: str | None
    ) -> tuple[list[str], DNSError | None]:
        """Return the addresses of one family, or the error that says that there are none."""
        try:
            return list(self._look_up(host, record_type, nameserver).records), None
        except DNSError as error:
            if error.is_not_found or _is_unsupported(error):
                return [], error
            raise

    def _look_up(self, host: str, record_type: str, nameserver: str | None) -> DNSAnswer:
        self._ctx.ensure_live(_FUNCTION)
        timeout = time_left(self._ctx, None)
        request = DNSRequest(host, record_type, nameserver or "", timeout)
        call = CallContext.of(self._ctx)
        try:
            return self._caller.call(
                _FUNCTION,
                lambda _dialect: encode_dns_request(request, call),
                lambda answer: decode_dns_response(answer, f"network:{host}:{_PORT}"),
            )
        except HostError as error:
            raise _failed(request, error) from error


def _is_unsupported(error: DNSError) -> bool:
    return isinstance(error.cause, HostError) and error.cause.code == _UNSUPPORTED


def _nothing(host: str, record_type: str, nameserver: str | None) -> DNSError:
    return DNSError(host, record_type, "there are no such records", nameserver or "", not_found=True)


def _failed(request: DNSRequest, error: HostError) -> DNSError | TimeoutError:
    if error.is_timeout:
        target = f"{request.hostname}: {error}"
        return TimeoutError(f"dns {request.type}", request.timeout or timedelta(), target)
    return DNSError(request.hostname, request.type, error, request.nameserver, not_found=error.is_not_found)
