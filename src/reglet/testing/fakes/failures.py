"""Failures on purpose: `timeout() refused() denied() not_found() reset() bad_certificate()`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from attrs import frozen

from reglet.application.answers import FailureName

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
        kind: its name, empty for a failure that only has a text.
        text: what the error says.
        after: how long it takes, on the fake clock.
    """

    kind: FailureName | Literal[""]
    text: str
    after: timedelta = timedelta()


def failure(name_or_text: FailureName | str) -> Failure:
    """Return the failure of a name (`refused`), or one that only has a text."""
    for name, text in _TEXTS.items():
        if name == name_or_text:
            return Failure(name, text)
    return Failure("", name_or_text)


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
