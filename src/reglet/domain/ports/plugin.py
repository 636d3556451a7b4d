"""What every plugin is, however it was made."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result


@runtime_checkable
class Plugin(Protocol):
    """Describes itself and checks. `define_plugin` makes one; a class of the author's own works too."""

    def manifest(self, ctx: Context) -> Manifest:
        """Return the plugin's description of itself."""
        ...

    def check(self, ctx: Context, config: bytes) -> Result:
        """Run a check with a JSON config."""
        ...
