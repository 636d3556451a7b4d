"""What the world answers in an example: plain values that a plugin's module may import.

`reglet.testing` makes fakes of them; inside the built plugin they are only data.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

from attrs import frozen

from reglet.domain.entities.json_value import JSONValue
from reglet.domain.entities.requests import (
    CommandResult,
    HTTPResponse,
    MXRecord,
    SMTPConnectResult,
    TLSFacts,
)

FailureName = Literal["timeout", "refused", "denied", "not_found", "reset", "bad_certificate"]
"""The failures that every fake knows by name; any other text is a failure of that text."""

RecordType = Literal["A", "AAAA", "CNAME", "MX", "TXT", "NS"]


@frozen
class HTTPAnswer:
    """What an HTTP request gets. An empty `method` stands for any; `*` in `url` for any text."""

    url: str
    method: str
    response: HTTPResponse
    error: FailureName | str = ""


@frozen
class DNSAnswer:
    """What a look-up gets; `mx` for type MX, `records` for the others. `*` in `host` stands for any text."""

    host: str
    type: RecordType
    records: tuple[str, ...] = ()
    mx: tuple[MXRecord, ...] = ()
    error: FailureName | str = ""


@frozen
class TCPAnswer:
    """What a connection gets. `tls` is what the handshake tells when TLS is asked for."""

    address: str
    remote_addr: str = ""
    local_addr: str = ""
    tls: TLSFacts | None = None
    error: FailureName | str = ""


@frozen
class SMTPAnswer:
    """What a mail server says; a `port` of None stands for any."""

    host: str
    port: int | None
    result: SMTPConnectResult
    error: FailureName | str = ""


@frozen
class CommandAnswer:
    """How a program ends; `args` None stands for any arguments."""

    command: str
    args: tuple[str, ...] | None
    result: CommandResult
    error: FailureName | str = ""


Answer: TypeAlias = HTTPAnswer | DNSAnswer | TCPAnswer | SMTPAnswer | CommandAnswer


def http(
    url: str,
    *,
    method: str = "",
    status: int = 200,
    headers: Mapping[str, str | Sequence[str]] | None = None,
    body: str | bytes = b"",
    json: JSONValue = None,
    proto: str = "HTTP/1.1",
    error: FailureName | str = "",
) -> HTTPAnswer:
    """Answer a request to `url`; `json` is a body with its content type."""
    given: dict[str, str | Sequence[str]] = dict(headers or {})
    if json is not None:
        given.setdefault("Content-Type", "application/json")
        body = json_text.dumps(json)
    content = body.encode() if isinstance(body, str) else body
    return HTTPAnswer(url, method.upper(), HTTPResponse(status, given, content, proto), error)


def dns(
    host: str,
    type: RecordType = "A",  # noqa: A002 - the wire's own word
    records: Sequence[str | MXRecord] = (),
    *,
    error: FailureName | str = "",
) -> DNSAnswer:
    """Answer a look-up; records of type MX are `MXRecord` values or texts such as `10 mail.example.com`."""
    if type == "MX":
        return DNSAnswer(host, type, mx=tuple(_exchanger(record) for record in records), error=error)
    return DNSAnswer(host, type, tuple(str(record) for record in records), error=error)


def tcp(
    address: str,
    *,
    remote_addr: str = "",
    local_addr: str = "",
    tls: TLSFacts | None = None,
    error: FailureName | str = "",
) -> TCPAnswer:
    """Answer a connection to `address`, `host:port`."""
    return TCPAnswer(address, remote_addr, local_addr, tls, error)


def smtp(
    host: str,
    port: int | None = None,
    *,
    banner: str = "220 mail.example.com ESMTP",
    extensions: Sequence[str] = (),
    supports_auth: bool | None = None,
    tls: TLSFacts | None = None,
    response_time: timedelta = timedelta(),
    error: FailureName | str = "",
) -> SMTPAnswer:
    """Answer a greeting; `tls` is what the handshake tells when TLS or STARTTLS is asked for."""
    facts = tls or TLSFacts()
    result = SMTPConnectResult(
        banner=banner,
        extensions=tuple(extensions),
        supports_auth=supports_auth,
        tls_version=facts.version,
        tls_cipher_suite=facts.cipher_suite,
        tls_server_name=facts.server_name,
        response_time=response_time,
    )
    return SMTPAnswer(host, port, result, error)


def command(
    command: str,
    args: Sequence[str] | None = None,
    *,
    stdout: str = "",
    stderr: str = "",
    exit_code: int = 0,
    duration: timedelta = timedelta(),
    error: FailureName | str = "",
) -> CommandAnswer:
    """Answer a program; without `args`, whatever its arguments are."""
    expected = None if args is None else tuple(args)
    return CommandAnswer(command, expected, CommandResult(stdout, stderr, exit_code, duration), error)


def _exchanger(record: str | MXRecord) -> MXRecord:
    if isinstance(record, MXRecord):
        return record
    preference, _, host = record.partition(" ")
    if not preference.isdigit() or not host:
        raise ValueError(f"an MX record is written '10 mail.example.com', not {record!r}")
    return MXRecord(host.strip(), int(preference))
