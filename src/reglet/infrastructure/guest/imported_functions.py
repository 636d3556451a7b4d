"""The seam inside a module: the host functions that it imports."""

from __future__ import annotations

from typing import Protocol

from reglet.domain.errors import CapabilityError, WireFormatError

_CAPABILITIES = {
    "http_request": "network",
    "dns_lookup": "network",
    "tcp_connect": "network",
    "smtp_connect": "network",
    "exec_command": "exec",
}


class HostModule(Protocol):
    """What the built-in module `_reglet` of the runtime offers."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call an import; None if the module has none of that name."""
        ...


class ImportedFunctions:
    """Calls the module's imports."""

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
            raise _not_imported(name)
        return answer


def _not_imported(name: str) -> CapabilityError:
    kind = _CAPABILITIES.get(name, name)
    hint = f"the plugin declares no {kind} capability, so its module does not import {name}; declare one"
    return CapabilityError(kind, hint=hint)
