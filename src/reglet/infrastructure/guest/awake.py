"""A built plugin's first call: what its memory remembers of the build is renewed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reglet.infrastructure.guest.files import enter_working_directory
from reglet.infrastructure.guest.interpreter import interpreter
from reglet.infrastructure.guest.renewal import renew

if TYPE_CHECKING:
    from reglet.infrastructure.guest.entry import Handler


def waking(handler: Handler) -> Handler:
    """Return a handler that wakes the interpreter before the first call of `handler`."""
    asleep = True

    def answer(entry: str, payload: bytes) -> bytes:
        nonlocal asleep
        if asleep:
            asleep = False
            wake()
        return handler(entry, payload)

    return answer


def wake() -> None:
    """Take environment, working directory, seed and start of the clock from the host that runs the plugin."""
    pairs = (os.fsdecode(each).partition("=") for each in interpreter.environ())
    os.environ.clear()
    os.environ.update({name: value for name, _, value in pairs if name})
    enter_working_directory()
    renew()
