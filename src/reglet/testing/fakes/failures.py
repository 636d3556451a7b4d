"""Failures on purpose: `timeout() refused() denied() not_found() reset() bad_certificate()`."""

from __future__ import annotations

import errno
import socket
import ssl
from datetime import timedelta

from attrs import frozen

from reglet.application.examples import FailureName
from reglet.domain.errors import HostError, RegletError

_TEXTS: dict[FailureName, str] = {
    "timeout": "the operation timed out",
    "refused": "connection refused",
    "denied": "no grant covers it",
    "not_found": "no such host",
    "reset": "connection reset by peer",
    "bad_certificate": "certificate verify failed: self-signed certificate",
}


@frozen
class Failure:
    """A failure that a fake gives in place of an answer.

    Attributes:
        kind: its name.
        text: the error's message.
        after: how long it takes, on the fake clock.
    """

    kind: FailureName
    text: str
    after: timedelta = timedelta()


def failure_of(error: RegletError) -> Failure | RegletError:
    """Return how an example's answer fails: a text that is a failure's name (`refused`) is that failure."""
    if isinstance(error, HostError):
        for name, text in _TEXTS.items():
            if str(error) == name:
                return Failure(name, text)
    return error


def _named(name: FailureName) -> Failure:
    return Failure(name, _TEXTS[name])


def timeout(after: timedelta = timedelta()) -> Failure:
    """Let time run out; `after` is added to the fake clock."""
    return Failure("timeout", _TEXTS["timeout"], after)


def refused() -> Failure:
    """Let nobody listen at the port; a command cannot be started."""
    return Failure("refused", _TEXTS["refused"])


def denied() -> Failure:
    """Let the host refuse it, as where no grant covers it."""
    return Failure("denied", _TEXTS["denied"])


def not_found() -> Failure:
    """Let the name, or the command, not exist."""
    return Failure("not_found", _TEXTS["not_found"])


def reset() -> Failure:
    """Let the far end break the connection."""
    return Failure("reset", _TEXTS["reset"])


def bad_certificate(reason: str = "self-signed certificate") -> Failure:
    """Let the server's certificate not be trusted, for `reason`."""
    return Failure("bad_certificate", f"certificate verify failed: {reason}")


def socket_error(failure: Failure) -> BaseException | str:
    """Return the exception that a socket gives for a failure, or its text where it has no kind."""
    match failure.kind:
        case "refused":
            return ConnectionRefusedError(errno.ECONNREFUSED, failure.text)
        case "reset":
            return ConnectionResetError(errno.ECONNRESET, failure.text)
        case "not_found":
            return socket.gaierror(socket.EAI_NONAME, failure.text)
        case "bad_certificate":
            return ssl.SSLCertVerificationError(1, failure.text)
        case _:
            return failure.text
