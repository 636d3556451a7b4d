"""Answers over HTTP/1.1, byte by byte: each is read, or refused, as Go 1.26 reads or refuses it."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import HTTPError
from reglet.infrastructure.native.http import NativeHTTPClient
from tests.native.answering import AMPLE, AnsweringServer, until_closed
from tests.patience import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def head_of(connection):
    """Return the head of the next request; nothing if the client hung up."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return b""
        head += more
    return head


def told(script, method="GET", **request):
    """Return what the client makes of a server."""
    with AnsweringServer(script) as server:
        return NativeHTTPClient().do(
            HTTPRequest(method, f"http://{server.address}/", timeout=AMPLE, **request)
        )


def read(answer, method="GET"):
    """Return what the client makes of an answer after which the server hangs up."""
    return told(lambda connection: head_of(connection) and connection.sendall(answer), method)


@pytest.mark.parametrize(
    ("answer", "body", "headers"),
    [
        (HEAD + b"Content-Length: 0005\r\n\r\nhello", b"hello", {"Content-Length": ("0005",)}),
        (
            HEAD + b"Content-Length: 5\r\ncontent-length:  5\r\n\r\nhello",
            b"hello",
            {"Content-Length": ("5",)},
        ),
        (HEAD + b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO, b"hello", {}),
        (
            HEAD + b"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
            b"hello",
            {},
        ),
        (CHUNKED + b"5\r\nhello\r\n0\r\nX T: 1\r\n\r\n", b"hello", {}),
        (CHUNKED + b"5;a=b\r\nhello\r\n000\r\n\r\n", b"hello", {}),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO, HELLO, {}),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", b"hello", {}),
        (HEAD + b"Connection: close\r\nX: y\r\n\r\nhello", b"hello", {"X": ("y",)}),
        (HEAD + b"Connection: Keep-Alive\r\n\r\nhello", b"hello", {"Connection": ("Keep-Alive",)}),
        (b"HTTP/1.1 200 O\x00K\r\n\r\nhello", b"hello", {}),
        (HEAD + b"X: a  \r\n \t b  \r\n\tc\r\n\r\n", b"", {"X": ("a b c",)}),
        (HEAD + b"Content-Length : 3\r\n\r\nhello", b"hello", {"Content-Length": ("3",)}),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + HELLO, HELLO, {"Transfer-Encoding": ("chunked",)}),
        (HEAD + b"Content-Encoding : gzip\r\n\r\nhello", b"hello", {"Content-Encoding": ("gzip",)}),
        (HEAD + b"X-a--B: 1\r\nx-A--b: 2\r\n\r\n", b"", {"X-A--B": ("1", "2")}),
    ],
)
def test_bodies_and_headers_are_gos(answer, body, headers):
    """Lengths with zeros or twice, chunks beside a length, HTTP/1.0 without chunks, folded lines."""
    got = read(answer)
    assert (got.status_code, got.body, dict(got.headers)) == (200, body, headers)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HEAD + b"Content-Length: 5, 5\r\n\r\nhello", "Content-Length '5, 5'"),
        (HEAD + b"Content-Length: +5\r\n\r\nhello", r"Content-Length '\+5'"),
        (HEAD + b"Content-Length:\r\n\r\nhello", "Content-Length ''"),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "several lengths"),
        (HEAD + b"Content-Length: 9\r\n\r\nhello", "5 of 9 bytes came"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + HELLO, "'gzip, chunked', not 'chunked'"),
        (HEAD + b"Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n" + HELLO, "be a trailer"),
        (CHUNKED + b"5\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"5 ;a=b\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"00000000000000005\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n", "more than 4096"),
        (CHUNKED + (b"1;" + b"e" * 100 + b"\r\nx\r\n") * 400 + b"0\r\n\r\n", "too much beside its data"),
        (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", "longer than its size"),
        (CHUNKED + b"0\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "trailers"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", "before the chunked body did"),
        (HEAD + b"X: a\x07b\r\n\r\n", "'X: a\\\\x07b' has characters"),
        (HEAD + b"X: a\rY: b\r\n\r\n", "has characters"),
        (HEAD + b"X\t: a\r\n\r\n", "has characters"),
        (HEAD + b": a\r\n\r\n", "has characters"),
        (HEAD + b" X: a\r\n\r\n", "begins with a space"),
        (HEAD + b"no colon\r\n\r\n", "'no colon' has no colon"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "begins with 'HTTP/1.1 20 OK', which is not HTTP"),
        (b"HTTP/1.10 200 OK\r\n\r\n", "which is not HTTP"),
        (b"HTTP/1.1 000 Zero\r\n\r\n", "which is not HTTP"),
        (b"ICY 200 OK\r\n\r\n", "which is not HTTP"),
        (b"\x15\x03\x03\x00\x02\x02F", "it is TLS: write https://"),
        (HEAD + b"X: a", "within the head"),
        (HEAD + b"X: a\r\n\r", "has no colon"),
        (b"", "closed the connection without an answer"),
    ],
)
def test_what_go_refuses_is_refused_in_words(answer, reason):
    """The message shows what stood there; no name of a class, no bytearray."""
    with pytest.raises(HTTPError, match=reason):
        read(answer)


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.example ESMTP\r\n", HEAD + b"oops\r\n"]
)
def test_a_server_of_another_protocol_is_told_at_once(greeting):
    """It keeps the connection open, and waits for what it would take for an answer: no timeout is awaited."""

    def script(connection):
        connection.sendall(greeting)
        until_closed(connection)

    with pytest.raises(HTTPError):
        told(script)


@pytest.mark.parametrize("upgrade", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_a_switch_of_protocols_is_an_answer(upgrade):
    """Asked for or not; what comes behind it is no HTTP, and does not end."""

    def script(connection):
        head_of(connection)
        connection.sendall(
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00"
        )
        until_closed(connection)

    got = told(script, headers=upgrade)
    assert (got.status_code, got.body, got.header("upgrade")) == (101, b"", "websocket")


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100\n\n"])
def test_interim_answers_are_passed_over(interim):
    """Many of them, and without an end of their own."""
    got = read(interim * 500 + HEAD + b"Content-Length: 2\r\n\r\nok")
    assert (got.status_code, got.body, dict(got.headers)) == (200, b"ok", {"Content-Length": ("2",)})


@pytest.mark.parametrize("closes", [True, False])
def test_an_answer_before_the_body_was_sent_is_read(closes):
    """A server that refuses 20 MB says so, and reads no more of them."""

    def script(connection):
        head_of(connection)
        connection.sendall(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
        )
        time.sleep(0.2)
        if not closes:
            answered.wait(PATIENCE)

    answered = threading.Event()
    with AnsweringServer(script) as server:
        request = HTTPRequest("POST", f"http://{server.address}/", body=b"a" * 20_000_000, timeout=AMPLE)
        got = NativeHTTPClient().do(request)
        answered.set()
    assert (got.status_code, got.body) == (413, b"big")


def test_a_connection_with_half_a_request_on_it_takes_no_other():
    """A redirect came before the body was sent, the rest of which would be read as a request."""
    paths = []

    def script(connection):
        head = head_of(connection)
        paths.append(head.split(b" ")[1])
        early = b"HTTP/1.1 303 See\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(early if len(paths) == 1 else HEAD + b"Content-Length: 2\r\n\r\nok")
        connection.recv(1)
        time.sleep(0.1)

    assert told(script, "POST", body=b"a" * 20_000_000).body == b"ok"
    assert paths == [b"/", b"/b"]


def second_is_dropped(connection, seen, reset):
    """Redirect a first request, and hang up on a second one without an answer."""
    seen.append(head_of(connection))
    connection.sendall(b"HTTP/1.1 307 Moved\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
    seen.append(head_of(connection))
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize(
    ("method", "headers", "again"),
    [("GET", {}, True), ("HEAD", {}, True), ("POST", {}, False), ("POST", {"Idempotency-Key": "1"}, True)],
)
def test_a_request_that_a_kept_connection_lost_is_sent_again(method, headers, again, reset):
    """Where it may be sent twice: the server closed the connection while it was on its way."""
    seen = []

    def script(connection):
        if not seen:
            second_is_dropped(connection, seen, reset)
        else:
            seen.append(head_of(connection))
            connection.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    if not again:
        with pytest.raises(HTTPError, match=r"redirected to http://.*/b: "):
            told(script, method, headers=headers)
    else:
        assert told(script, method, headers=headers).status_code == 200
    assert len(seen) == 2 + again


@pytest.mark.parametrize(("body", "connections"), [(b"", 1), (b"a" * 2048, 1), (b"a" * 2049, 2)])
def test_a_redirect_is_followed_on_its_connection(body, connections):
    """Unless more of its body would have to be read than a new connection costs."""

    def script(connection):
        while head := head_of(connection):
            moved = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            connection.sendall(moved if head.startswith(b"GET / ") else HEAD + b"Content-Length: 0\r\n\r\n")

    with AnsweringServer(script) as server:
        NativeHTTPClient().get(f"http://{server.address}/")
        assert server.accepted == connections
