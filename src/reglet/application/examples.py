"""Examples: an operation's input, what it returns, and what hosts answer meanwhile, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from attrs import field, frozen

from reglet.application.models.model_types import model_type
from reglet.application.models.to_json import model_to_json
from reglet.domain.entities.manifest import ExampleManifest
from reglet.domain.entities.records import CommandResult, HTTPResponse, MXRecord, SMTPConnectResult, TLSFacts
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.errors import DefinitionError, HostError, RegletError

FailureName: TypeAlias = Literal["timeout", "refused", "denied", "not_found", "reset", "bad_certificate"]
"""The failures that every fake knows by name."""

Failure: TypeAlias = FailureName | RegletError | ErrorDetail | str
"""How a call fails: a failure by name, an error of `reglet.errors`, what a host reports, or a message."""


def _error(failure: Failure | None) -> RegletError | None:
    if failure is None or isinstance(failure, RegletError):
        return failure
    if not isinstance(failure, str | ErrorDetail):
        raise DefinitionError(
            f'error={failure!r}: write a failure by name such as "timeout", an error of reglet.errors, or a '
            "message"
        )
    return HostError(ErrorDetail("network", failure) if isinstance(failure, str) else failure)


@frozen
class HTTPAnswer:
    """Answers HTTP requests to `url` (all, if None) with `method` (any, if None); `*` is any string."""

    url: str | None = None
    method: str | None = None
    response: HTTPResponse = field(factory=lambda: HTTPResponse(200))
    error: RegletError | None = field(converter=_error, default=None)


@frozen
class DNSAnswer:
    """Answers look-ups of `hostname` (all, if None) for `record_type` (any, if None); `*` is any string."""

    hostname: str | None = None
    record_type: str | None = None
    records: tuple[str, ...] = ()
    mx_records: tuple[MXRecord, ...] = ()
    error: RegletError | None = field(converter=_error, default=None)


@frozen
class TCPAnswer:
    """Answers connections to `address`, `host:port` (all, if None); `tls` is what a handshake finds."""

    address: str | None = None
    tls: TLSFacts | None = None
    remote_addr: str = ""
    local_addr: str = ""
    error: RegletError | None = field(converter=_error, default=None)


@frozen
class SMTPAnswer:
    """Answers connections to the mail server `host` (all, if None)."""

    host: str | None = None
    result: SMTPConnectResult = field(factory=SMTPConnectResult)
    error: RegletError | None = field(converter=_error, default=None)


@frozen
class CommandAnswer:
    """Answers runs of `command` (all, if None) with `args` (any, if None)."""

    command: str | None = None
    args: tuple[str, ...] | None = None
    result: CommandResult = field(factory=CommandResult)
    error: RegletError | None = field(converter=_error, default=None)


Answer: TypeAlias = HTTPAnswer | DNSAnswer | TCPAnswer | SMTPAnswer | CommandAnswer


def http(
    url: str | None = None,
    *,
    method: str | None = None,
    status_code: int = 200,
    headers: Mapping[str, str | Sequence[str]] | None = None,
    body: bytes | str = b"",
    proto: str = "HTTP/1.1",
    error: Failure | None = None,
) -> HTTPAnswer:
    """Answer an HTTP request, or let it fail with `error`.

    Args:
        url: which requests, `*` for any string; all if None.
        method: such as `GET`; any if None.
        status_code: of the answer.
        headers: of the answer, each one string or several.
        body: of the answer; a string is sent as UTF-8.
        proto: the protocol, `HTTP/1.1` or `HTTP/2.0`.
        error: the call fails with it: `timeout`, `refused`, `denied`, `not_found`, `reset`,
            `bad_certificate`, an error of `reglet.errors`, or any message.
    """
    content = body.encode() if isinstance(body, str) else body
    return HTTPAnswer(url, method, HTTPResponse(status_code, headers or {}, content, proto), error)


def dns(
    hostname: str | None = None,
    record_type: str | None = None,
    *,
    records: Sequence[str] = (),
    mx_records: Sequence[MXRecord] = (),
    error: Failure | None = None,
) -> DNSAnswer:
    """Answer a DNS look-up, or let it fail with `error`.

    Args:
        hostname: which names, `*` for any string; all if None.
        record_type: `A`, `AAAA`, `CNAME`, `MX`, `TXT` or `NS`; any if None.
        records: what is found, but for MX.
        mx_records: what is found for MX.
        error: the call fails with it: `timeout`, `refused`, `denied`, `not_found`, `reset`,
            `bad_certificate`, an error of `reglet.errors`, or any message.
    """
    return DNSAnswer(hostname, record_type, tuple(records), tuple(mx_records), error)


def tcp(
    address: str | None = None,
    *,
    tls: TLSFacts | None = None,
    remote_addr: str = "",
    local_addr: str = "",
    error: Failure | None = None,
) -> TCPAnswer:
    """Answer a TCP connection, or let it fail with `error`.

    Args:
        address: which ones, `host:port`, `*` for any string; all if None.
        tls: what the handshake finds, if TLS is asked for.
        remote_addr: the far end, `address:port`.
        local_addr: the near end, `address:port`.
        error: the call fails with it: `timeout`, `refused`, `denied`, `not_found`, `reset`,
            `bad_certificate`, an error of `reglet.errors`, or any message.
    """
    return TCPAnswer(address, tls, remote_addr, local_addr, error)


def smtp(
    host: str | None = None,
    *,
    result: SMTPConnectResult | None = None,
    banner: str = "",
    error: Failure | None = None,
) -> SMTPAnswer:
    """Answer a connection to a mail server with its banner, or its whole `result`, or fail with `error`.

    Args:
        host: which servers, `*` for any string; all if None.
        result: all that it announces, `banner` included.
        banner: its first line.
        error: the call fails with it: `timeout`, `refused`, `denied`, `not_found`, `reset`,
            `bad_certificate`, an error of `reglet.errors`, or any message.
    """
    return SMTPAnswer(host, result or SMTPConnectResult(banner=banner), error)


def command(
    command: str | None = None,
    args: Sequence[str] | None = None,
    *,
    stdout: str = "",
    stderr: str = "",
    exit_code: int = 0,
    error: Failure | None = None,
) -> CommandAnswer:
    """Answer the run of a program, or let it fail with `error`.

    Args:
        command: which programs, `*` for any string; all if None.
        args: with which arguments, each a string in which `*` is any string; any if None.
        stdout: what it writes to standard output.
        stderr: what it writes to standard error.
        exit_code: how it ends.
        error: the call fails with it: `timeout`, `refused`, `denied`, `not_found`, `reset`,
            `bad_certificate`, an error of `reglet.errors`, or any message.
    """
    wanted = None if args is None else tuple(args)
    return CommandAnswer(command, wanted, CommandResult(stdout, stderr, exit_code), error)


I = TypeVar("I")  # noqa: E741 - the input
O = TypeVar("O")  # noqa: E741 - the output


class Example(Generic[I, O]):
    """One call of an operation, shown to people and run as a test.

    Attributes:
        name: what people call it; unique in its operation.
        input: what the handler gets.
        expected_output: what it answers; a field left at its default is left out. None if nothing is.
        expected_error: a part of the error's message, if it is to fail; empty otherwise.
        description: more for people.
        answers: what hosts answer while it runs (`reglet.answers`).
        now: what `ctx.now()` returns while it runs as a test, an aware timestamp; the real time if None.
    """

    __slots__ = ("answers", "description", "expected_error", "expected_output", "input", "name", "now")

    @overload
    def __init__(
        self,
        name: str,
        input: I,
        *,
        expected_output: O,
        description: str = "",
        answers: Sequence[Answer] = (),
        now: datetime | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Example[I, Any],  # pyright: ignore[reportInvalidTypeVarUse]  # or O would stay unsolved
        name: str,
        input: I,
        *,
        expected_error: str,
        description: str = "",
        answers: Sequence[Answer] = (),
        now: datetime | None = None,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        input: I,  # noqa: A002 - the wire's own word
        *,
        expected_output: O | None = None,
        expected_error: str = "",
        description: str = "",
        answers: Sequence[Answer] = (),
        now: datetime | None = None,
    ) -> None:
        """Take the call and what comes of it: an output, an error, or neither."""
        if not isinstance(name, str):
            raise DefinitionError(f"example: its name is {name!r}; write Example(name, input, …)")
        given: Any = answers
        if isinstance(given, Answer) or not all(isinstance(each, Answer) for each in given):
            raise DefinitionError(
                f"example {name!r}: answers is {answers!r}; write answers=[…] of reglet.answers, such as "
                f"[answers.http(body=…)]"
            )
        if expected_output is not None and expected_error:
            raise DefinitionError(f"example {name!r}: it expects an output and an error; give one of the two")
        self.name = name
        self.input = input
        self.expected_output = expected_output
        self.expected_error = expected_error
        self.description = description
        self.answers = tuple(answers)
        if now is not None and now.tzinfo is None:
            raise DefinitionError(
                f"example {name!r}: now={now} has no time zone; write datetime(…, tzinfo=UTC)"
            )
        self.now = now

    def __repr__(self) -> str:
        """Return its name and input."""
        return f"Example({self.name!r}, {self.input!r})"

    def manifest(self) -> ExampleManifest:
        """Return what hosts show of it; secrets are redacted."""
        return ExampleManifest(
            name=self.name,
            input=_named(self.input),
            description=self.description,
            expected_output=_named(self.expected_output),
            expected_error=self.expected_error,
        )


def _named(value: Any) -> dict[str, Any] | None:
    """Return a model's fields as JSON, but for those left at their default."""
    if value is None:
        return None
    record = model_type(type(value))
    left_out = {each.name for each in record.fields if getattr(value, each.attribute) == each.default_value()}
    return {name: entry for name, entry in model_to_json(value).items() if name not in left_out}
