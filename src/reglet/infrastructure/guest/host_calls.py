"""Calls across the seam, as the guest makes them: the module's imports, dialects, sizes, the log."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import define, evolve, field

from reglet.domain.entities.records import LogMessage
from reglet.domain.errors import CapabilityError, WireFormatError
from reglet.domain.ports import LOG_FUNCTION, HostFunctions
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.failures import is_unreadable
from reglet.infrastructure.wire.host_functions import (
    HOST_FUNCTIONS,
    HostFunction,
    encode_log_message,
)
from reglet.infrastructure.wire.record import Dialect

MAX_REQUEST_BYTES = 1024 * 1024
"""The largest request that a host reads (ABI section 1)."""

_MOST_LOGGED = 64 * 1024
_CUT = "… (cut: hosts read at most 1 MB)"


class HostModule(Protocol):
    """What the built-in module `_reglet` of the runtime offers."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call an import; None if the module has none of that name."""
        ...


class ImportedFunctions:
    """The seam inside a module: calls the module's imports."""

    def __init__(self, module: HostModule) -> None:
        """Take the built-in module."""
        self._module = module

    def call(self, name: str, request: bytes) -> bytes:
        """Call a host function with a JSON request and return its JSON answer.

        Raises:
            CapabilityError: the module has no such import, since its capabilities declare no use for it.
            WireFormatError: the host answered with a pointer that cannot be.
        """
        try:
            answer = self._module.call(name, request)
        except ValueError as error:
            raise WireFormatError("decode", f"the answer of {name}", error) from error
        if answer is None:
            kind = HOST_FUNCTIONS[name].capability if name in HOST_FUNCTIONS else name
            hint = (
                f"the plugin declares no {kind} capability, so its module does not import {name}; declare one"
            )
            raise CapabilityError(kind, hint=hint)
        return answer


@define
class HostCaller:
    """Calls host functions, in the dialect that the host was found to speak.

    A host is asked in dialect abi first: hosts of the other one check their policy on that form. One that
    cannot decode it did nothing yet, so the request is repeated in hostlib, and the instance goes on in it.

    Attributes:
        dialect: the dialect that the host is known, or assumed, to speak.
    """

    _functions: HostFunctions
    dialect: Dialect = field(default=Dialect.ABI, init=False)

    def call(self, function: HostFunction, request: Any, call: CallContext, needs: str) -> Any:
        """Return what a host function answers; `needs` is the grant that the call needs.

        Raises:
            WireFormatError: the request is larger than hosts read, or the answer is none.
            CapabilityError, HostError: the host refused or failed.
        """
        answer = self._send(function, request, call, self.dialect)
        if self.dialect is Dialect.ABI and is_unreadable(answer):
            answer = self._send(function, request, call, Dialect.HOSTLIB)
            if not is_unreadable(answer):
                self.dialect = Dialect.HOSTLIB
        return function.response.decode(answer, needs)

    def _send(self, function: HostFunction, request: Any, call: CallContext, dialect: Dialect) -> bytes:
        # names of the other dialect go along: some hosts read those of both
        encoded = function.request.encode(request, call, dialect, both=True)
        if len(encoded) > MAX_REQUEST_BYTES:
            cause = f"{len(encoded)} bytes, and hosts read at most {MAX_REQUEST_BYTES}; send less"
            raise WireFormatError("encode", f"the request to {function.name}", cause)
        return self._functions.call(function.name, encoded)


class HostLogSink:
    """The log over a host's `log_message`. A message that is too large for a host is cut, and says so."""

    def __init__(self, functions: HostFunctions) -> None:
        """Take the seam."""
        self._functions = functions

    def write(self, message: LogMessage) -> None:
        """Hand one message over."""
        request = encode_log_message(message)
        if len(request) > MAX_REQUEST_BYTES:
            request = encode_log_message(
                evolve(message, message=message.message[:_MOST_LOGGED] + _CUT, attributes=())
            )
        self._functions.call(LOG_FUNCTION, request)
