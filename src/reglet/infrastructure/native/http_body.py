"""Reading a body: gzip undone, never more than a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 64 * 1024


def read_body(chunks: Iterable[bytes], limit: int, *, gzipped: bool) -> tuple[bytes, bool]:
    """Return at most `limit` bytes and whether there were more; `zlib.error` for broken gzip."""
    body = bytearray()
    for chunk in _unpacked(chunks) if gzipped else chunks:
        body += chunk[: limit + 1 - len(body)]
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack in pieces of bounded size, so that a small bomb stays small."""
    unpacker = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        piece = unpacker.decompress(chunk, _CHUNK)
        while piece:
            yield piece
            piece = unpacker.decompress(unpacker.unconsumed_tail, _CHUNK)
    yield unpacker.flush()
