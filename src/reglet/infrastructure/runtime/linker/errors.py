"""Why libraries cannot be linked."""

from __future__ import annotations

from reglet.domain.errors import RegletError


class LinkError(RegletError):
    """The libraries do not fit together, or one uses what the linker does not understand."""
