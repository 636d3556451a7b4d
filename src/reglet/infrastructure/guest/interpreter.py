"""The runtime's built-in module `_reglet`, with types. It exists inside a guest alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import _reglet  # type: ignore[import-not-found]  # built into the guest's interpreter


class Interpreter(Protocol):
    """What the runtime offers to Python."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call a host function; None if the module imports none of that name."""
        ...

    def set_handler(self, handler: Callable[[str, bytes], bytes]) -> None:
        """Have every call of an export answered by `handler(entry, payload)`."""
        ...

    def environ(self) -> list[bytes]:
        """Return the host's environment, each `NAME=value`."""
        ...

    def preopens(self) -> list[bytes]:
        """Return the guest's paths of the directories that the host gives it."""
        ...

    def refusals(self) -> list[bytes] | None:
        """Return `read:PATH` or `write:PATH` of each look that was refused since the last call, or None."""
        ...

    def start_in(self, directory: bytes) -> None:
        """Set the working directory to an absolute path, which need not exist."""
        ...


interpreter = cast("Interpreter", _reglet)
