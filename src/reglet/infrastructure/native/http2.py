"""HTTP/2 over an open connection: one exchange after the other, framed by `h2`."""

from __future__ import annotations

import re
import ssl
import struct
from collections.abc import Iterable, Iterator, Sequence

from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.native.dialer import READ_SIZE, Deadline
from reglet.infrastructure.native.http1 import (
    BODILESS,
    CONTROLS,
    HUNG_UP,
    MAX_HEAD_BYTES,
    STATUS,
    Answer,
    AnswerError,
    NoAnswerError,
    UnprocessedError,
    spelt,
)

try:
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.errors import ErrorCodes
    from h2.events import (
        DataReceived,
        Event,
        ResponseReceived,
        StreamEnded,
        StreamReset,
    )
    from h2.exceptions import H2Error
    from h2.settings import SettingCodes, Settings
except ImportError as error:
    raise MissingPackageError("h2") from error

_WINDOW = 2**24
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_FRAME_HEAD = 9
_GOAWAY = 7
_LAST_STREAM_AND_CODE = struct.Struct(">II")
_STREAM_BITS = 2**31 - 1
_MOST_WORDS = 200
"""What is shown of the reason that a server gives for ending a connection."""

_LENGTH = re.compile(r"[0-9]{1,18}")
"""A length that counts; with any other, Go reads to the end of the stream."""

_OF_CONNECTION = frozenset({"host", "connection", "proxy-connection", "keep-alive", "upgrade", "te"})
"""What HTTP/2 says otherwise, or not at all; as in Go, it is not sent."""


class HTTP2Connection:
    """A connection to a server, for one exchange after the other; every wait ends by the deadline."""

    def __init__(self, connection: ssl.SSLSocket, deadline: Deadline) -> None:
        """Take a connection on which HTTP/2 was agreed."""
        self._socket = connection
        self._deadline = deadline
        self._protocol = H2Connection(H2Configuration(validate_inbound_headers=False))
        settings = {
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_BYTES,
        }
        # set before anything is sent, so that they are not sent as a change; some servers hang up where they
        # read of extended CONNECT
        self._protocol.local_settings = Settings(client=True, initial_values=settings)
        del self._protocol.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]
        self._protocol.decoder.max_header_list_size = MAX_HEAD_BYTES
        self._protocol.initiate_connection()
        self._protocol.increment_flow_control_window(_WINDOW)
        self._read = bytearray()
        self._stream = 0
        self._has_ended = True
        self._takes_more = True
        self._hears = True
        self._ended_because = ""
        self._status = 0
        self._headers: dict[str, list[str]] = {}
        self._body = bytearray()
        self._method = ""
        self._expected: int | None = None
        """Bytes of the body; None where the answer does not say how many."""
        self._received = 0

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the last answer was read, and the server goes on."""
        return self._has_ended and self._takes_more

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def exchange(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Send a request and read the head of its answer; interim answers are passed over.

        Raises `AnswerError`, `TimeoutError` or `OSError`, as reading the body does.
        """
        self._stream = self._protocol.get_next_available_stream_id()
        self._method, self._has_ended, self._status, self._headers = method, False, 0, {}
        self._expected, self._received = None, 0
        self._body.clear()
        authority = next(value for name, value in headers if name.lower() == "host")
        pseudo = [(":method", method), (":authority", authority), (":scheme", "https"), (":path", target)]
        sent = [(name.lower(), value) for name, value in headers if name.lower() not in _OF_CONNECTION]
        try:
            self._protocol.send_headers(self._stream, [*pseudo, *sent], end_stream=not body)
            # h2 refuses lengths that are none, or contradict one another, where Go takes no notice of them
            vars(self._protocol.streams[self._stream])["_initialize_content_length"] = lambda _: None
            self._flush()
            rest = memoryview(body)
            while rest and not self._has_ended and self._hears:
                window = self._protocol.local_flow_control_window(self._stream)
                size = min(len(rest), window, self._protocol.max_outbound_frame_size)
                if size > 0:
                    self._protocol.send_data(self._stream, bytes(rest[:size]), end_stream=size == len(rest))
                    rest = rest[size:]
                    self._flush()
                elif self._status:  # it has answered, and takes no more
                    break
                else:
                    self._receive()
            while not self._status:
                self._receive()
        except H2Error as error:
            raise AnswerError(f"the answer breaks the rules of HTTP/2: {error}") from error
        return Answer(self._status, "HTTP/2.0", self._headers, self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        while True:
            if self._body:
                yield bytes(self._body)
                self._body.clear()
            elif self._has_ended:
                return
            else:
                try:
                    self._receive()
                except H2Error as error:
                    raise AnswerError(f"the answer breaks the rules of HTTP/2: {error}") from error

    def _flush(self) -> None:
        data = self._protocol.data_to_send()
        if data and self._hears:
            self._socket.settimeout(self._deadline.seconds())
            try:
                self._socket.sendall(data)
            except HUNG_UP:
                self._hears = self._takes_more = False  # what it said before is still to be read

    def _receive(self) -> None:
        """Read on, and take what is of the stream."""
        self._socket.settimeout(self._deadline.seconds())
        try:
            data = self._socket.recv(READ_SIZE)
        except HUNG_UP as error:
            raise self._closed(str(error)) from error
        if not data:
            raise self._closed("")
        self._read += data
        # frame by frame: h2 takes no answer that comes behind a GOAWAY, and drops what stands before an error
        while len(self._read) >= _FRAME_HEAD:
            size = _FRAME_HEAD + int.from_bytes(self._read[:3])
            if len(self._read) < size:
                break
            frame = bytes(self._read[:size])
            del self._read[:size]
            if frame[3] == _GOAWAY and size >= _FRAME_HEAD + _LAST_STREAM_AND_CODE.size:
                self._end(frame[_FRAME_HEAD:])
                continue
            for event in self._protocol.receive_data(frame):
                self._take(event)
        self._flush()

    def _closed(self, reason: str) -> AnswerError:
        """Return the error for a connection that ended before the answer did."""
        said = f"; it said {self._ended_because}" if self._ended_because else ""
        if self._status:
            return AnswerError(
                f"{reason or 'the connection ended before the body did (unexpected EOF)'}{said}"
            )
        reason = reason or "the server closed the connection without an answer (EOF)"
        return NoAnswerError(f"{reason}{said}")

    def _end(self, content: bytes) -> None:
        """Take a GOAWAY: the server still answers the streams up to the one that it names."""
        last, code = _LAST_STREAM_AND_CODE.unpack_from(content)
        words = content[_LAST_STREAM_AND_CODE.size :][:_MOST_WORDS].decode("utf-8", "replace")
        self._ended_because = _named(code) + (f": {words}" if words else "")
        self._takes_more = False
        if not self._has_ended and last & _STREAM_BITS < self._stream:
            # one that fails at its first request would be asked in vain again
            kind = NoAnswerError if code and self._stream == 1 else UnprocessedError
            raise kind(f"the server ended the connection ({self._ended_because})")

    def _take(self, event: Event) -> None:
        if getattr(event, "stream_id", None) != self._stream:
            return
        if isinstance(event, ResponseReceived):
            self._begin(event.headers or ())
        elif isinstance(event, DataReceived):
            data = event.data or b""
            self._body += data
            self._received += len(data)
            self._protocol.acknowledge_received_data(event.flow_controlled_length or 0, self._stream)
            if self._expected is not None and self._received > self._expected:
                raise self._of_another_length()
        elif isinstance(event, StreamEnded):
            self._has_ended = True
            if self._expected is not None and self._received < self._expected:
                raise self._of_another_length()
        elif isinstance(event, StreamReset) and not self._has_ended:
            is_refused = event.error_code == ErrorCodes.REFUSED_STREAM
            kind = AnswerError if self._status else UnprocessedError if is_refused else NoAnswerError
            raise kind(f"the server ended the stream ({_named(event.error_code)})")

    def _of_another_length(self) -> AnswerError:
        return AnswerError(
            f"the body is not as long as the answer says: Expected {self._expected} bytes, "
            f"received {self._received}"
        )

    def _begin(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the head of the answer."""
        for name, value in headers:
            if name == b":status" and STATUS.fullmatch(value):
                self._status = int(value)
            elif not _NAME.fullmatch(name) or CONTROLS.search(value):
                raise AnswerError(f"the answer has a header that none may have: {name[:80]!r}")
            else:
                text = value.decode("utf-8", "surrogateescape")
                self._headers.setdefault(spelt(name.decode()), []).append(text)
        if not self._status:
            raise AnswerError("the answer has no status")
        self._headers.pop("Trailer", None)
        lengths = self._headers.get("Content-Length", ())
        has_body = self._method != "HEAD" and self._status not in BODILESS
        if has_body and len(lengths) == 1 and _LENGTH.fullmatch(lengths[0]):
            self._expected = int(lengths[0])


def _named(code: int | None) -> str:
    try:
        return ErrorCodes(code or 0).name
    except ValueError:
        return f"error {code}"
