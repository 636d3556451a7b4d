"""What a plugin asks of its host and what it gets back: the records of the ports.

Durations are `timedelta`, bodies are bytes, ports are ints. The wire's own spellings live in the wire room.
They have no slots: to fill those of a frozen class takes several times as long, for each record of each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self

from attrs import Attribute, define, field, frozen

from reglet.domain.entities import Strings
from reglet.domain.time import ZERO_TIME

MAX_BODY_BYTES = 10 * 1024 * 1024
"""The most of an HTTP body, or of a command's output, that a host hands to a plugin."""

DEFAULT_TIMEOUT = timedelta(seconds=30)
"""How long a connection or a program may take where nobody sets a limit, as on the Go host."""

DEFAULT_MAX_REDIRECTS = 10
"""The redirects that every host follows unless asked otherwise."""


def _header_values(headers: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in headers.items()}


def _arguments(given: Strings) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(
            f"CommandRequest: args is a list, not the string {given!r}; write args={given.split()!r}"
        )
    return tuple(given)


def _is_duration(record: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, timedelta):
        raise TypeError(
            f"{type(record).__name__}: {attribute.name} is {value!r}; "
            f"write {attribute.name}=timedelta(seconds={value})"
        )


def _is_number(record: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, int):
        raise TypeError(
            f"{type(record).__name__}: {attribute.name} is {value!r}; write a number, such as 200"
        )


def _is_bytes(record: object, attribute: Attribute[Any], value: object) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        return
    advice = "write .encode() behind it" if isinstance(value, str) else "write json.dumps(…).encode()"
    raise TypeError(f"{type(record).__name__}: {attribute.name} is {value!r}, and must be bytes; {advice}")


@frozen(slots=False)
class HTTPRequest:
    """A request to send.

    Attributes:
        method: such as `GET`.
        url: absolute, `http` or `https`.
        headers: by name, each one string or several.
        body: what is sent; empty for none.
        timeout: from the request to the end of the answer; the host's own limit if None.
        follow_redirects: whether redirects are followed; each needs a grant of its own.
        max_redirects: beyond so many the request fails.
        insecure_skip_verify: whether any certificate is taken.
    """

    method: str
    url: str
    headers: Mapping[str, tuple[str, ...]] = field(converter=_header_values, factory=dict)
    body: bytes = field(default=b"", validator=_is_bytes)
    timeout: timedelta | None = field(default=None, validator=_is_duration)
    follow_redirects: bool = True
    max_redirects: int = DEFAULT_MAX_REDIRECTS
    insecure_skip_verify: bool = False


@frozen(slots=False)
class HTTPResponse:
    """What a server answered.

    Attributes:
        status_code: the status.
        headers: their values by name, spelt as in `Content-Type`.
        body: what it holds, unpacked.
        proto: the protocol, `HTTP/1.1` or `HTTP/2.0`; empty where the host does not report it.
        truncated: whether the body was longer than the host passes on.
        latency: the time from the request to the end of the answer as the host measured it; None where it
            does not report it. Two answers that differ in it alone are equal.
    """

    status_code: int = field(validator=_is_number)
    headers: Mapping[str, tuple[str, ...]] = field(converter=_header_values, factory=dict)
    body: bytes = b""
    proto: str = ""
    truncated: bool = False
    latency: timedelta | None = field(default=None, eq=False)

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name; None if there is none."""
        wanted = name.lower()
        return next(
            (values[0] for key, values in self.headers.items() if key.lower() == wanted and values), None
        )


@frozen(slots=False)
class MXRecord:
    """A mail exchanger.

    Attributes:
        host: its name.
        pref: its preference; the lowest is tried first.
    """

    host: str
    pref: int = 0


@frozen(slots=False)
class TLSFacts:
    """The facts of a TLS handshake; strings are empty and the date None where nothing is known.

    Attributes:
        version: the protocol, `TLS 1.0` to `TLS 1.3`.
        cipher_suite: the cipher suite's IANA name.
        server_name: the name that was asked for (SNI).
        cert_subject: the certificate's subject, as Go writes it.
        cert_issuer: the certificate's issuer, written as the subject is.
        cert_not_after: when the certificate expires; an aware `datetime`.
    """

    version: str = ""
    cipher_suite: str = ""
    server_name: str = ""
    cert_subject: str = ""
    cert_issuer: str = ""
    cert_not_after: datetime | None = None


@frozen(slots=False)
class SMTPConnectResult:
    """What a mail server announced.

    Attributes:
        connected: whether there was a connection.
        banner: its first line, status code included.
        extensions: what it answered to EHLO, such as `STARTTLS`; empty where the host does not report it.
        supports_auth: whether AUTH is among them; None where the host does not report extensions.
        tls_enabled: whether TLS was negotiated, from the start or with STARTTLS.
        tls_version: the protocol, `TLS 1.0` to `TLS 1.3`; empty without TLS.
        tls_cipher_suite: the cipher suite's IANA name; empty without TLS.
        tls_server_name: the name that was asked for (SNI); empty without TLS.
        response_time: until the connection stood, with TLS if it begins so; the banner comes behind it.
        address: the far end, `address:port`; empty where nothing is known.
        applied: the options that the host reports as honoured.
    """

    connected: bool = True
    banner: str = ""
    extensions: tuple[str, ...] = ()
    supports_auth: bool | None = None
    tls_enabled: bool = False
    tls_version: str = ""
    tls_cipher_suite: str = ""
    tls_server_name: str = ""
    response_time: timedelta = timedelta()
    address: str = ""
    applied: tuple[str, ...] = field(default=(), repr=False)


@frozen(slots=False)
class CommandRequest:
    """A program to run, without a shell.

    Attributes:
        command: a path, or a name that the host looks up on its own search path.
        args: its arguments, its own name not among them.
        dir: the directory that it runs in; the host's choice if None.
        env: its whole environment; None means an empty one.
        timeout: after it the program is ended; the host's own limit if None.
        executable: for hosts alone: the file that is run, which is the one that the policy was asked about.
    """

    command: str
    args: tuple[str, ...] = field(converter=_arguments, default=())
    dir: str | None = None
    env: Mapping[str, str] | None = None
    timeout: timedelta | None = field(default=None, validator=_is_duration)
    executable: str = field(default="", kw_only=True, repr=False)


@frozen(slots=False)
class Program:
    """The file that a command means.

    Attributes:
        path: absolute, as found; empty when there is none.
        resolved: the file behind its symlinks; empty when there is none.
    """

    path: str = ""
    resolved: str = ""


@frozen(slots=False)
class CommandResult:
    """What a program wrote and how it ended.

    Attributes:
        stdout: what it wrote to standard output, as UTF-8.
        stderr: what it wrote to standard error, as UTF-8.
        exit_code: 0 for success by convention.
        duration: how long it ran, as the host measured it.
        is_timeout: whether it was ended because its time ran out.
        truncated: whether it wrote more than the host passes on.
    """

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    duration: timedelta = timedelta()
    is_timeout: bool = False
    truncated: bool = False


@define
class ObservedConnection:
    """The facts of a connection, and what holds it open if anything does.

    Attributes:
        remote_addr: the far end, `address:port`.
        local_addr: the near end, `address:port`.
        is_tls: whether TLS was negotiated.
        tls: the facts of the handshake.
        response_time: how long it took to be made, as the host measured it; None where it does not say.
    """

    remote_addr: str = ""
    local_addr: str = ""
    is_tls: bool = False
    tls: TLSFacts = field(factory=TLSFacts, repr=False)
    response_time: timedelta | None = field(default=None, repr=False, eq=False, kw_only=True)
    _release: Callable[[], object] = field(default=lambda: None, repr=False, eq=False)
    _is_open: bool = field(default=True, init=False, repr=False, eq=False)

    @property
    def is_connected(self) -> bool:
        """Whether it was made and not yet closed here."""
        return self._is_open

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        return self.tls.version

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        return self.tls.cipher_suite

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI); empty for an address."""
        return self.tls.server_name

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, as Go writes it; it may be empty."""
        return self.tls.cert_subject

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, written as the subject is."""
        return self.tls.cert_issuer

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        return self.tls.cert_not_after

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        if self._is_open:
            self._is_open = False
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


LogAttributeType = Literal[
    "string", "int64", "uint64", "bool", "float64", "time", "duration", "error", "json", "any", "group"
]


@frozen(slots=False)
class LogAttribute:
    """A typed fact beside a message; the value is a string."""

    key: str
    type: LogAttributeType
    value: str


def _attributes(given: Iterable[LogAttribute]) -> tuple[LogAttribute, ...]:
    return tuple(given)


@frozen(slots=False)
class LogMessage:
    """A message for the host's log.

    Attributes:
        level: `DEBUG`, `INFO`, `WARN` or `ERROR`.
        message: what happened.
        attributes: names and typed values beside it.
        timestamp: when it was logged, an aware `datetime`; year 1 where nobody set it.
        request_id: of the check to which it belongs, if the host gave one.
    """

    level: str
    message: str
    attributes: tuple[LogAttribute, ...] = field(converter=_attributes, default=())
    timestamp: datetime = ZERO_TIME
    request_id: str | None = None
