"""HTTP/1.1 over an open connection: a request is written, and its answer is read as Go 1.26 reads it."""

from __future__ import annotations

import re
import selectors
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from reglet.infrastructure.native.dialer import READ_SIZE, Deadline

MAX_HEAD_BYTES = 10 * 1024 * 1024
"""Of the head of an answer and of the interim ones before it; the limit of Go's client."""
SWITCHING_PROTOCOLS = 101
BODILESS = frozenset({204, 304})
_MAX_CHUNK_LINE = 4096
_MAX_TRAILERS = 4096
_MAX_CHUNK_DIGITS = 16
_MAX_SHOWN = 80
_MAX_EXCESS = 16 * 1024
"""Bytes of chunked framing beyond 16 a chunk and twice the data: a sender of more is up to no good."""
_VERSION = re.compile(rb"HTTP/([0-9])\.([0-9])")
STATUS = re.compile(rb"(?!000)[0-9]{3}")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z -]+")
CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"0*[0-9]{1,18}")
_SIZE = re.compile(rb"[0-9A-Fa-f]+")
_INTERIM = re.compile(rb"HTTP/[0-9]\.[0-9] +1(?!01)[0-9]{2}[ \r\n]")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_NOT_IN_TRAILERS = frozenset({"transfer-encoding", "trailer", "content-length"})


HUNG_UP = (ConnectionError, ssl.SSLEOFError)
"""How sending fails where the server has closed the connection."""


class AnswerError(Exception):
    """What a server sent is no HTTP answer, or not the whole of one."""


class NoAnswerError(AnswerError):
    """The server closed the connection before it answered."""


class UnprocessedError(NoAnswerError):
    """The server says that it did nothing with the request: over HTTP/2 it can."""


@frozen
class Answer:
    """What a server answered: the body is read as it is iterated.

    Names of headers are spelt as Go spells them; values are UTF-8, where they are not with the bytes escaped
    as surrogates.
    """

    status: int
    proto: str
    headers: Mapping[str, Sequence[str]]
    body: Iterator[bytes]


def spelt(name: str) -> str:
    """Return the name of a header as Go spells it (`Content-Type`); one with spaces stays as it is."""
    return name if " " in name else "-".join(part.capitalize() for part in name.split("-"))


class HTTP1Connection:
    """A connection to a server, for one exchange after the other; every wait ends by the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        """Take an open connection, TLS or not."""
        self._socket = connection
        self._deadline = deadline
        self._buffer = bytearray()
        self._head_left = 0
        self._keeps_open = False

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the last answer was read, and the server kept its end open."""
        return self._keeps_open and not self._buffer and not self._wait(selectors.EVENT_READ, 0)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def exchange(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Send a request and read the head of its answer; interim answers are passed over.

        Raises `AnswerError`, `TimeoutError` or `OSError`, as reading the body does.
        """
        self._keeps_open = False
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        is_sent = self._send("\r\n".join(lines).encode() + body)
        self._head_left = MAX_HEAD_BYTES
        while True:
            proto, version, status = self._status_line()
            answered = self._headers()
            length = _body_length(method, status, version, answered)
            if status // 100 != 1 or status == SWITCHING_PROTOCOLS:
                break
        connection = ",".join(answered.get("Connection", ()))
        closes = _has(connection, "close")
        if closes and version >= (1, 1):
            del answered["Connection"]
        keeps = not closes and (version >= (1, 1) or (version == (1, 0) and _has(connection, "keep-alive")))
        asked_to_close = any(name.lower() == "connection" and _has(value, "close") for name, value in headers)
        stays_open = keeps and is_sent and not asked_to_close and status != SWITCHING_PROTOCOLS
        self._keeps_open = stays_open and length == 0
        return Answer(status, proto, answered, self._body(length, stays_open=stays_open))

    def _send(self, data: bytes) -> bool:
        """Send until the server has answered or hung up; return whether all was sent."""
        rest = memoryview(data)
        self._socket.setblocking(False)
        while rest:
            try:
                rest = rest[self._socket.send(rest[:READ_SIZE]) :]
                continue
            except ssl.SSLWantReadError:
                self._wait(selectors.EVENT_READ, self._deadline.seconds())
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(selectors.EVENT_READ | selectors.EVENT_WRITE, self._deadline.seconds())
            except HUNG_UP:
                return False  # what the server said before it closed is still to be read
            try:
                received = self._socket.recv(READ_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            self._buffer += received
            while _INTERIM.match(self._buffer) and (end := _END_OF_HEAD.search(self._buffer)):
                del self._buffer[: end.end()]
            if not received or (b"\n" in self._buffer and not _INTERIM.match(self._buffer)):
                return False
        return True

    def _wait(self, events: int, seconds: float) -> bool:
        """Wait until the connection is ready; return whether it is."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, events)
            return bool(selector.select(seconds))

    def _fill(self) -> bool:
        """Receive more; return whether there was more."""
        self._socket.settimeout(self._deadline.seconds())
        received = self._socket.recv(READ_SIZE)
        self._buffer += received
        return bool(received)

    def _line(self, limit: int) -> bytes:
        """Return the next line with its end: without one, the stream ended, or the line is beyond `limit`."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit or not self._fill():
                end = len(self._buffer) - 1
                break
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _head_line(self) -> bytes:
        """Return the next line of a head, without its end."""
        line = self._line(self._head_left)
        self._head_left -= len(line)
        if self._head_left < 0:
            raise AnswerError(f"the head of the answer has more than {MAX_HEAD_BYTES} bytes")
        if not line:
            raise AnswerError("the connection ended within the head of the answer (unexpected EOF)")
        return line[:-1].removesuffix(b"\r") if line.endswith(b"\n") else line

    def _status_line(self) -> tuple[str, tuple[int, int], int]:
        """Return an answer's protocol, as it is written and as numbers, and its status."""
        if not self._buffer:
            try:
                began = self._fill()
            except ConnectionError as error:
                raise NoAnswerError(str(error)) from error
            if not began:
                raise NoAnswerError("the server closed the connection without an answer (EOF)")
        line = self._head_line()
        proto, _, rest = line.partition(b" ")
        status = rest.lstrip(b" ").partition(b" ")[0]
        version = _VERSION.fullmatch(proto)
        if version is None or not STATUS.fullmatch(status):
            advice = "; it is TLS: write https://" if _TLS_RECORD.match(line) else ""
            raise AnswerError(f"the answer begins with {_shown(line)}, which is not HTTP{advice}")
        return proto.decode(), (int(version[1]), int(version[2])), int(status)

    def _headers(self) -> dict[str, list[str]]:
        """Return headers by name, up to the empty line behind them."""
        headers: dict[str, list[str]] = {}
        line = self._head_line()
        if line[:1] in {b" ", b"\t"}:
            raise AnswerError(f"the first header line {_shown(line)} begins with a space")
        while line:
            if b":" not in line:
                raise AnswerError(f"the header line {_shown(line)} has no colon")
            line = line.strip(b" \t")
            following = self._head_line()
            while following[:1] in {b" ", b"\t"}:  # obs-fold: the value goes on
                line += b" " + following.strip(b" \t")
                following = self._head_line()
            name, _, value = line.partition(b":")
            if not _NAME.fullmatch(name) or CONTROLS.search(value):
                raise AnswerError(f"the header line {_shown(line)} has characters that no header may have")
            headers.setdefault(spelt(name.decode()), []).append(
                value.lstrip(b" \t").decode("utf-8", "surrogateescape")
            )
            line = following
        return headers

    def _body(self, length: int | None, *, stays_open: bool) -> Iterator[bytes]:
        """Yield the body in pieces: so many bytes, in chunks (-1), or to the end of the connection (None)."""
        if length is None:
            yield bytes(self._buffer)
            self._buffer.clear()
            while self._fill():
                yield bytes(self._buffer)
                self._buffer.clear()
        elif length >= 0:
            yield from self._exactly(length)
        else:
            yield from self._chunks()
        self._keeps_open = stays_open

    def _exactly(self, length: int) -> Iterator[bytes]:
        left = length
        while left:
            if not self._buffer and not self._fill():
                came = f"{length - left} of {length} bytes came"
                raise AnswerError(f"the connection ended before the body did: {came} (unexpected EOF)")
            piece = bytes(self._buffer[:left])
            del self._buffer[: len(piece)]
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        excess, size = 0, -1
        while size:
            line = self._line(_MAX_CHUNK_LINE)
            if len(line) > _MAX_CHUNK_LINE:
                raise AnswerError(f"a line of the chunked body has more than {_MAX_CHUNK_LINE} bytes")
            if not line.endswith(b"\n"):
                raise AnswerError("the connection ended before the chunked body did (unexpected EOF)")
            digits = line[:-2].rstrip(b" \t").partition(b";")[0]
            if (
                line.find(b"\r") != len(line) - 2
                or not _SIZE.fullmatch(digits)
                or len(digits) > _MAX_CHUNK_DIGITS
            ):
                raise AnswerError(f"the chunked body has {_shown(line)} where the size of a chunk should be")
            size = int(digits, 16)
            excess = max(excess + len(line) - 16 - 2 * size, 0)
            if excess > _MAX_EXCESS:
                raise AnswerError("the chunked body has too much beside its data")
            if size:
                yield from self._exactly(size)
                if b"".join(self._exactly(2)) != b"\r\n":
                    raise AnswerError("the chunked body has a chunk that is longer than its size")
        self._pass_trailers()

    def _pass_trailers(self) -> None:
        """Read what may stand behind the last chunk; no part of it is shown."""
        while not self._buffer.startswith(b"\r\n") and b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_TRAILERS:
                raise AnswerError(f"the trailers of the answer have more than {_MAX_TRAILERS} bytes")
            if not self._fill():
                raise AnswerError("the connection ended before the chunked body did (unexpected EOF)")
        self._head_left = MAX_HEAD_BYTES
        self._headers()


def _shown(line: bytes) -> str:
    """Return the beginning of a line as a message may show it."""
    return repr(line[:_MAX_SHOWN].decode("utf-8", "replace")) + ("…" if len(line) > _MAX_SHOWN else "")


def _has(value: str, token: str) -> bool:
    return token in (each.strip(" \t").lower() for each in value.split(","))


def _body_length(
    method: str, status: int, version: tuple[int, int], headers: dict[str, list[str]]
) -> int | None:
    """Return how long an answer's body is, -1 if chunks say so, None if the end of the connection does.

    Headers lose what is of the connection, not of the answer. Two different lengths are refused: who reads
    the first and who reads the second would see two answers.
    """
    codings = headers.pop("Transfer-Encoding", None)
    chunked = codings is not None and version >= (1, 1)
    if codings is not None and chunked and [each.lower() for each in codings] != ["chunked"]:
        raise AnswerError(f"the transfer encoding is {', '.join(codings)!r}, not 'chunked'")
    lengths = [value.strip(" \t") for value in headers.get("Content-Length", ())]
    if lengths:
        first = lengths[0]
        if lengths.count(first) != len(lengths):
            raise AnswerError(f"the answer has several lengths (Content-Length {', '.join(lengths)})")
        if not _LENGTH.fullmatch(first):
            raise AnswerError(f"the Content-Length {first[:80]!r} is no number of bytes")
        headers["Content-Length"] = [first]
    if chunked:
        for name in ",".join(headers.pop("Trailer", ())).split(","):
            if name.strip(" \t").lower() in _NOT_IN_TRAILERS:
                raise AnswerError(f"{name.strip()} cannot be a trailer")
    if method == "HEAD" or status // 100 == 1 or status in BODILESS:
        return 0
    if chunked:
        headers.pop("Content-Length", None)
        return -1
    return int(lengths[0].lstrip("0") or "0") if lengths else None
