"""Why a registry could not be used, said to whoever publishes or runs a plugin."""

from __future__ import annotations

from reglet.domain.errors import RegletError


class RegistryError(RegletError):
    """A registry could not be used; the message names the reference, the cause and what to do."""

    error_type = "network"


class LoginError(RegistryError):
    """The registry wants a login, or refuses the one that it got."""


class NotInRegistryError(RegistryError):
    """The registry does not have it."""

    @property
    def is_not_found(self) -> bool:
        """True."""
        return True


class UntrustedRegistryError(RegistryError):
    """The registry speaks plain HTTP, or its certificate is not trusted."""
