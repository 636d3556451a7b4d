"""What lies under a failure: the exceptions that a real socket would raise."""

from __future__ import annotations

import errno
import socket
import ssl

from reglet.testing.fakes.failures import Failure


def cause_of(failure: Failure) -> BaseException | str:
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
