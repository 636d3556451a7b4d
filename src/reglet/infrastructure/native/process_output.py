"""What a program writes, read until it ends or its time does, and kept up to a limit."""

from __future__ import annotations

import os
import selectors
import subprocess
from typing import IO

from reglet.domain.context import Context
from reglet.domain.errors import CancelledError
from reglet.infrastructure.native.deadline import Deadline

_CHUNK = 64 * 1024
_LOOK_UP = 0.1
"""How often, in seconds, to look whether a silent program ended or its check was cancelled."""


class ProcessOutput:
    """Standard output and standard error of one process."""

    def __init__(self, process: subprocess.Popen[bytes], limit: int) -> None:
        """Keep at most `limit` bytes of each; the rest is read and dropped, so that the program goes on."""
        self._process = process
        self._limit = limit
        self._kept = {
            stream: bytearray() for stream in (process.stdout, process.stderr) if stream is not None
        }
        self.truncated = False

    @property
    def stdout(self) -> str:
        """The standard output as text; what is not UTF-8 is replaced."""
        return self._text(self._process.stdout)

    @property
    def stderr(self) -> str:
        """The standard error as text; what is not UTF-8 is replaced."""
        return self._text(self._process.stderr)

    def collect(self, deadline: Deadline, ctx: Context) -> bool:
        """Read until the process ends. Returns False when the deadline came first.

        Raises `CancelledError` when the check is cancelled meanwhile.
        """
        with selectors.DefaultSelector() as selector:
            for stream in self._kept:
                selector.register(stream, selectors.EVENT_READ, stream)
            while selector.get_map():
                if deadline.expired:
                    return False
                ready = selector.select(min(deadline.left(), _LOOK_UP))
                for key, _ in ready:
                    if not self._read(key.data):
                        selector.unregister(key.data)
                if ctx.cancellation is not None and ctx.cancellation.is_cancelled:
                    raise CancelledError("exec")
                if not ready and self._process.poll() is not None:
                    return True  # its children may hold the pipes open, but it has ended
        return self._ended(deadline)

    def _ended(self, deadline: Deadline) -> bool:
        try:
            self._process.wait(deadline.left())
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read(self, stream: IO[bytes]) -> bool:
        chunk = os.read(stream.fileno(), _CHUNK)
        kept = self._kept[stream]
        room = self._limit - len(kept)
        kept += chunk[:room]
        self.truncated = self.truncated or len(chunk) > room
        return bool(chunk)

    def _text(self, stream: IO[bytes] | None) -> str:
        return self._kept[stream].decode("utf-8", "replace") if stream is not None else ""
