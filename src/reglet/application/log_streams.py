"""Everything that a plugin says, sent to one sink: `logging`, warnings, and what is printed."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from reglet.application.log_handler import LONGEST, LogSinkHandler
from reglet.domain.ports.log_sink import LogSink


class LogStream(io.TextIOBase):
    """A stream whose lines become log messages: what `print` writes to."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        """Take where lines go, and how important they are."""
        super().__init__()
        self._logger = logger
        self._level = level
        self._begun = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log every line that ends in `text`; keep a begun one, up to 64 K characters of it."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._log(line)
        if len(self._begun) > LONGEST:
            self.finish()
        return len(text)

    def finish(self) -> None:
        """Log a begun line as it is."""
        if self._begun:
            begun, self._begun = self._begun, ""
            self._log(begun)

    def _log(self, line: str) -> None:
        if line.strip():
            self._logger.log(self._level, "%s", line)


class LogInstallation:
    """Sends `logging`, warnings and what is printed to a sink, from its making until `undo`."""

    def __init__(self, sink: LogSink, *, level: int = logging.INFO, streams: bool = True) -> None:
        """Install; without `streams`, standard output stays what it is, as a debugger needs."""
        self._root = logging.getLogger()
        self._level, self._level_before = level, self._root.level
        self._handler = LogSinkHandler(sink)
        self._root.addHandler(self._handler)
        self._root.setLevel(level)
        logging.captureWarnings(capture=True)
        self._streams_before = (sys.stdout, sys.stderr)
        self._streams: tuple[LogStream, ...] = ()
        if streams:
            out = LogStream(logging.getLogger("stdout"), logging.INFO)
            err = LogStream(logging.getLogger("stderr"), logging.WARNING)
            self._streams = (out, err)
            sys.stdout, sys.stderr = out, err

    @property
    def stands(self) -> bool:
        """Whether all of it is still in place: a plugin may have put something of its own there."""
        return (
            self._handler in self._root.handlers
            and self._root.level == self._level
            and (not self._streams or (sys.stdout, sys.stderr) == self._streams)
        )

    def finish(self) -> None:
        """Log lines that were begun and not ended: a check is over."""
        for stream in self._streams:
            stream.finish()

    def undo(self) -> None:
        """Leave everything as it was before."""
        self.finish()
        if self._streams:
            sys.stdout, sys.stderr = self._streams_before
        logging.captureWarnings(capture=False)
        self._root.setLevel(self._level_before)
        self._root.removeHandler(self._handler)


class KeptLog:
    """Sends everything to a sink, for good: for a module, which has no other use for logs and streams.

    It is entered at each check, where it costs far less than an installation.
    """

    def __init__(self, sink: LogSink) -> None:
        """Install."""
        self._sink = sink
        self._installation = LogInstallation(sink)

    def __enter__(self) -> None:
        """Install again, if something of it was put away."""
        if not self._installation.stands:
            self._installation.undo()
            self._installation = LogInstallation(self._sink)

    def __exit__(self, *_: object) -> None:
        """Log begun lines."""
        self._installation.finish()


@contextmanager
def logging_to(sink: LogSink, *, level: int = logging.INFO, streams: bool = True) -> Iterator[None]:
    """Send `logging`, warnings and, with `streams`, what is printed to `sink`, until the block ends."""
    installation = LogInstallation(sink, level=level, streams=streams)
    try:
        yield
    finally:
        installation.undo()
