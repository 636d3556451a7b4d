"""One call across the seam: size, dialect, and the memory of the dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reglet.domain.errors import WireFormatError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.failures import is_unreadable

T = TypeVar("T")

MAX_REQUEST_BYTES = 1024 * 1024
"""The largest request that a host reads (ABI section 1)."""


class HostCaller:
    """Calls host functions, in the dialect that the host was found to speak.

    A host is asked in dialect abi first: hosts of the other one check their policy on that form. One that
    cannot decode it did nothing yet, so the request is repeated in hostlib, and the instance goes on in it.
    """

    def __init__(self, functions: HostFunctions) -> None:
        """Take the seam."""
        self._functions = functions
        self._dialect = Dialect.ABI

    @property
    def dialect(self) -> Dialect:
        """The dialect that the host is known, or assumed, to speak."""
        return self._dialect

    def call(self, name: str, encode: Callable[[Dialect], bytes], decode: Callable[[bytes], T]) -> T:
        """Call a host function with the request that `encode` writes; return what `decode` reads.

        Raises:
            WireFormatError: the request is larger than hosts read; nothing was sent.
            CapabilityError, HostError: what `decode` found in the answer.
        """
        answer = self.send(name, encode(self._dialect))
        if self._dialect is Dialect.ABI and is_unreadable(answer):
            answer = self.send(name, encode(Dialect.HOSTLIB))
            if not is_unreadable(answer):
                self._dialect = Dialect.HOSTLIB
        return decode(answer)

    def send(self, name: str, request: bytes) -> bytes:
        """Send bytes to a host function and return its answer.

        Raises:
            WireFormatError: they are more than hosts read.
        """
        if len(request) > MAX_REQUEST_BYTES:
            cause = f"{len(request)} bytes, and hosts read at most {MAX_REQUEST_BYTES}; send less"
            raise WireFormatError("encode", f"the request to {name}", cause)
        return self._functions.call(name, request)
