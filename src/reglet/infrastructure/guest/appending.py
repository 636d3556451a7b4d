"""Files opened with mode `a+`, which wasi-libc takes to their end when it is asked where they are."""

from __future__ import annotations

import builtins
import io
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer


class AppendingFile(io.FileIO):
    """A file that knows its position itself."""

    _position = 0

    def __init__(self, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self.seek(0, os.SEEK_END)

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set the position and return it."""
        if whence == os.SEEK_CUR:
            offset, whence = self._position + offset, os.SEEK_SET
        self._position = super().seek(offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int | None:
        """Read at the position."""
        count = super().readinto(buffer)
        self._position += count or 0
        return count

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at the position, to the end if no size is given."""
        if size is None or size < 0:
            return self.readall()
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer) or 0])

    def readall(self) -> bytes:
        """Read from the position to the end."""
        parts = iter(lambda: self.read(io.DEFAULT_BUFFER_SIZE), b"")
        return b"".join(parts)

    def write(self, content: Buffer, /) -> int:
        """Write at the end, where the position is then."""
        count = super().write(content)
        self._position = os.fstat(self.fileno()).st_size
        return count


def mend_appending() -> None:
    """Have `open` use such a file for mode `a+`."""
    opened = io.open

    def mended(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
        appends = isinstance(file, (str, bytes, os.PathLike)) and {"a", "+"} <= {*mode} <= {*"a+bt"}
        if not appends or not set(options) <= {"encoding", "errors", "newline"}:
            return opened(file, mode, buffering, *arguments, **options)
        raw = AppendingFile(file, "a+")
        if "b" in mode and buffering == 0:
            return raw
        stream = io.BufferedRandom(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "b" in mode:
            return stream
        named = dict(zip(_OF_TEXT, arguments, strict=False)) | options
        encoding, errors, newline = map(named.get, _OF_TEXT)
        text = io.TextIOWrapper(stream, encoding, errors, newline, line_buffering=buffering == 1)
        setattr(text, "mode", mode)  # noqa: B010 - as `open` does, though it cannot be set by its type
        return text

    io.open = builtins.open = mended


_OF_TEXT = ("encoding", "errors", "newline")
