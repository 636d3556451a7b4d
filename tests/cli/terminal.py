"""A terminal of a given size that runs the command, and what stands on its screen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from select import select

import pyte

PATIENCE_SECONDS = 60


class Terminal:
    """Runs `reglet-plugin` with its streams on a pseudo terminal."""

    def __init__(
        self, folder: Path, *arguments: str, columns: int = 80, lines: int = 40, **variables: str
    ) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=1)
        self._stream = pyte.ByteStream(self.screen)
        self._process, self._terminal = pty.fork()
        if not self._process:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.chdir(folder)
            inherited = {
                name: value
                for name, value in os.environ.items()
                if name not in {"COLUMNS", "LINES", "NO_COLOR"}
            }
            command = [sys.executable, "-m", "reglet_plugin", *arguments]
            os.execve(sys.executable, command, {**inherited, "TERM": "xterm-256color", **variables})
        self._status: int | None = None

    @property
    def lines(self) -> list[str]:
        """What has scrolled away and what is on the screen, without blank ends."""
        history = [
            "".join(line[column].data for column in range(self.screen.columns))
            for line in self.screen.history.top
        ]
        return "\n".join(line.rstrip() for line in [*history, *self.screen.display]).rstrip().splitlines()

    def read(self, seconds: float) -> bool:
        """Take what is written within `seconds`; False at the end."""
        if not select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            written = os.read(self._terminal, 65536)
        except OSError:  # as Linux ends a pseudo terminal
            return False
        self._stream.feed(written)
        return bool(written)

    def wait_for(self, *texts: str) -> list[str]:
        """Return the lines once all of these stand in them."""
        return self.wait_until(lambda shown: all(text in shown for text in texts), f"{texts}")

    def wait_until(self, is_there: Callable[[str], bool], what: str) -> list[str]:
        """Return the lines once they are as wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if is_there("\n".join(self.lines)):
                return self.lines
            if not self.read(0.05):
                break
        raise AssertionError("\n".join([f"there is no {what} in:", *self.lines]))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def end(self) -> int:
        """Return the exit status once the command has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.read(0.05) and time.monotonic() < deadline:
            pass
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return self._status

    def kill(self) -> None:
        """End the command, if it has not ended."""
        if self._status is None:
            os.kill(self._process, signal.SIGKILL)
            self.end()
        os.close(self._terminal)
