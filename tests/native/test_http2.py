"""HTTP/2, negotiated by ALPN with a small server made of h2."""

from __future__ import annotations

import ssl
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import HTTPError
from reglet.infrastructure.native.http import NativeHTTPClient
from tests.native.answering import AMPLE, AnsweringServer, until_closed


def speaking_http2(context):
    """Return a script that answers each request with its own path and body."""

    def script(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            assert secured.selected_alpn_protocol() == "h2"
            serve(secured)

    return script


def serve(secured: ssl.SSLSocket) -> None:
    """Speak HTTP/2 until the client hangs up."""
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    http.initiate_connection()
    secured.sendall(http.data_to_send())
    paths, bodies = {}, {}
    while data := secured.recv(65536):
        for event in http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                paths[event.stream_id] = dict(event.headers)[b":path"]
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            elif isinstance(event, h2.events.StreamEnded):
                http.send_headers(event.stream_id, [(":status", "200"), ("x-lower", "yes")])
                body = paths[event.stream_id] + bodies.get(event.stream_id, b"")
                http.send_data(event.stream_id, body, end_stream=True)
        secured.sendall(http.data_to_send())


def test_http2_is_spoken_where_the_server_offers_it(certificates):
    """The protocol has Go's name, headers the spelling of HTTP/1.1."""
    with AnsweringServer(speaking_http2(certificates.http2)) as server:
        request = HTTPRequest("POST", f"https://127.0.0.1:{server.port}/path?q=1", body=b"+body")
        response = NativeHTTPClient(trust=certificates.trust).do(request)
    assert (response.status_code, response.proto, response.body) == (200, "HTTP/2.0", b"/path?q=1+body")
    assert response.headers == {"X-Lower": ("yes",)}


@pytest.mark.parametrize("headers", [{"X": "a\r\nHost: b"}, {"X": "a\0b"}, {"X\r\nY": "b"}, {"X Y": "b"}])
def test_a_header_cannot_smuggle_another_to_a_server_behind(certificates, headers):
    """HTTP/2 itself would carry line ends, and what translates it to HTTP/1.1 would split there."""
    client = NativeHTTPClient(trust=certificates.trust)
    with AnsweringServer(speaking_http2(certificates.http2)) as server:
        request = HTTPRequest("GET", f"https://127.0.0.1:{server.port}/", headers)
        with pytest.raises(HTTPError):
            client.do(request)


def test_a_body_that_is_not_as_long_as_it_says_is_an_error(certificates):
    """What the library raises on the way does not get past the client."""

    def script(connection):
        with certificates.http2.wrap_socket(connection, server_side=True) as secured:
            http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            http.initiate_connection()
            secured.sendall(http.data_to_send())
            while data := secured.recv(65536):
                for event in http.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        http.send_headers(event.stream_id, [(":status", "200"), ("content-length", "5")])
                        http.send_data(event.stream_id, b"x", end_stream=True)
                secured.sendall(http.data_to_send())

    client = NativeHTTPClient(trust=certificates.trust)
    with AnsweringServer(script) as server, pytest.raises(HTTPError, match="Expected 5 bytes, received 1"):
        client.get(f"https://127.0.0.1:{server.port}/")


def serving(secured):
    """Return the server's side of a connection that has begun; it sends whatever headers a test gives."""
    config = h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
    http = h2.connection.H2Connection(config)
    http.initiate_connection()
    secured.sendall(http.data_to_send())
    return http


class Framed:
    """A server that answers each request as a function of its protocol, stream and turn says."""

    def __init__(self, context, answer, at_headers=False):
        self.turns = 0
        self.paths = []
        self._context = context
        self._answer = answer
        self._begin = h2.events.RequestReceived if at_headers else h2.events.StreamEnded

    def __call__(self, connection):
        with self._context.wrap_socket(connection, server_side=True) as secured:
            http = serving(secured)
            while data := secured.recv(65536):
                for event in http.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        self.paths.append(dict(event.headers)[b":path"])
                    if isinstance(event, self._begin):
                        self.turns += 1
                        self._answer(http, event.stream_id, self.turns)
                secured.sendall(http.data_to_send())
                if http.state_machine.state is h2.connection.ConnectionState.CLOSED:
                    until_closed(secured)  # a close with something unread would lose what was said last


def framed(certificates, answer, method="GET", body=b"", at_headers=False):
    """Return what the client makes of a server, the paths that were asked for, and the number of connections."""
    script = Framed(certificates.http2, answer, at_headers)
    with AnsweringServer(script) as server:
        url = f"https://127.0.0.1:{server.port}/a"
        request = HTTPRequest(method, url, body=body, timeout=AMPLE)
        return NativeHTTPClient(trust=certificates.trust).do(request), script.paths, server.accepted


def test_large_heads_are_read(certificates):
    """Go's limit is 10 MB here, too; a header of the connection is none of the answer."""

    def answer(http, stream, _turn):
        many = [(f"x-{index}", "a" * 50) for index in range(3000)]
        http.send_headers(stream, [(":status", "200"), *many, ("trailer", "y")], end_stream=True)

    got, _, _ = framed(certificates, answer)
    assert (len(got.headers), got.header("X-2999")) == (3000, "a" * 50)


@pytest.mark.parametrize("header", [("x", "a\x01b"), ("x", "a\nb"), ("x y", "1"), ("", "1"), (":other", "1")])
def test_a_header_that_none_may_have_is_refused(certificates, header):
    """As over HTTP/1.1: line ends in a value would be shown as two lines."""
    with pytest.raises(HTTPError, match="a header that none may have"):
        framed(certificates, lambda http, stream, _: http.send_headers(stream, [(":status", "200"), header]))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("ends", ["stream", "connection"])
def test_a_request_that_a_server_did_nothing_with_is_sent_again(certificates, method, ends):
    """Whatever its method: the server says so."""

    def answer(http, stream, turn):
        if turn > 1:
            http.send_headers(stream, [(":status", "204")], end_stream=True)
        elif ends == "stream":
            http.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
        else:
            http.close_connection(last_stream_id=0)

    got, paths, connections = framed(certificates, answer, method, b"x" if method == "POST" else b"")
    assert (got.status_code, paths, connections) == (204, [b"/a", b"/a"], 2)


def test_a_stream_that_ends_for_another_reason_is_an_error_that_names_it(certificates):
    """Within its answer, too."""

    def answer(http, stream, _turn):
        http.send_headers(stream, [(":status", "200")])
        http.send_data(stream, b"part")
        http.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with pytest.raises(HTTPError, match=r"the server ended the stream \(INTERNAL_ERROR\)"):
        framed(certificates, answer)


def test_a_redirect_is_followed_on_its_connection(certificates):
    """As long as the origin is the same."""

    def answer(http, stream, turn):
        status = [(":status", "302"), ("location", "/b")] if turn == 1 else [(":status", "200")]
        http.send_headers(stream, status)
        http.send_data(stream, b"body", end_stream=True)

    got, paths, connections = framed(certificates, answer)
    assert (got.body, paths, connections) == (b"body", [b"/a", b"/b"], 1)


def test_an_answer_before_the_body_was_sent_is_read(certificates):
    """A server that refuses 5 MB says so, and takes no more of them."""

    def answer(http, stream, _turn):
        http.send_headers(stream, [(":status", "413")], end_stream=True)

    got, _, _ = framed(certificates, answer, "POST", b"a" * 5_000_000, at_headers=True)
    assert got.status_code == 413


def test_a_switch_of_protocols_is_asked_for_over_http_1(certificates):
    """HTTP/2 knows none."""
    offered = []

    def script(connection):
        with certificates.http2.wrap_socket(connection, server_side=True) as secured:
            offered.append(secured.selected_alpn_protocol())
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")

    client = NativeHTTPClient(trust=certificates.trust)
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    with AnsweringServer(script) as server:
        got = client.do(HTTPRequest("GET", f"https://127.0.0.1:{server.port}/", headers))
    assert (got.status_code, offered) == (101, [None])


def frame(kind, flags, stream, content=b""):
    """Return a frame of HTTP/2."""
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


DATA, RESET, GOAWAY = 0, 3, 7


class Raw:
    """A server that answers the first part of a request with frames, and then hangs up or reads on."""

    def __init__(self, certificates, headers, *frames, closes=False):
        self.context, self.headers, self.frames, self.closes = certificates.http2, headers, frames, closes

    def __call__(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as secured:
            http = serving(secured)
            stream = 0
            while not stream:
                events = http.receive_data(secured.recv(65536))
                begun = [each for each in events if isinstance(each, h2.events.RequestReceived)]
                stream = begun[0].stream_id if begun else 0
            before = [each for each in self.frames if each[3] == GOAWAY]
            secured.sendall(http.data_to_send() + b"".join(before))
            if self.headers:
                http.send_headers(stream, self.headers)
            after = [each for each in self.frames if each[3] != GOAWAY]
            secured.sendall(http.data_to_send() + b"".join(after))
            if not self.closes:
                until_closed(secured)


def asked(certificates, script, method="GET", body=b""):
    """Return the answer of a server of frames."""
    with AnsweringServer(script) as server:
        url = f"https://127.0.0.1:{server.port}/a"
        request = HTTPRequest(method, url, body=body, timeout=AMPLE)
        return NativeHTTPClient(trust=certificates.trust).do(request)


OK = (":status", "200")
HELLO = frame(DATA, 1, 1, b"hello")


@pytest.mark.parametrize(
    "lengths", [["5", "7"], ["5, 5"], ["abc"], ["+5"], ["-1"], [""], ["9" * 30]], ids=" ".join
)
def test_a_length_that_is_none_is_not_looked_at(certificates, lengths):
    """As in Go: frames say where the body ends."""
    headers = [OK, *(("content-length", each) for each in lengths)]
    got = asked(certificates, Raw(certificates, headers, HELLO))
    assert (got.body, list(got.headers["Content-Length"])) == (b"hello", lengths)


@pytest.mark.parametrize("frames", [[frame(DATA, 1, 1)], [HELLO], [frame(DATA, 1, 1, b"hello, you")]])
def test_a_body_of_another_length_is_an_error(certificates, frames):
    """Too short, too long, or none at all."""
    script = Raw(certificates, [OK, ("content-length", "7")], *frames)
    with pytest.raises(HTTPError, match="the body is not as long as the answer says: Expected 7 bytes"):
        asked(certificates, script)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200"), ("GET", "304")])
def test_the_length_of_a_body_that_is_not_sent_is_shown(certificates, method, status):
    """It is that of the body which a GET would have had."""
    script = Raw(certificates, [(":status", status), ("content-length", "5")], frame(DATA, 1, 1))
    got = asked(certificates, script, method)
    assert (got.status_code, got.header("Content-Length"), got.body) == (int(status), "5", b"")


@pytest.mark.parametrize("code", [0, 11])
@pytest.mark.parametrize("last", [1, 2**31 - 1])
def test_an_answer_behind_the_news_that_the_connection_ends_is_read(certificates, code, last):
    """A server that is shut down answers what is under way."""
    ends = frame(GOAWAY, 0, 0, struct.pack(">II", last, code))
    assert asked(certificates, Raw(certificates, [OK], ends, HELLO)).body == b"hello"


def test_why_a_server_ended_the_connection_is_told(certificates):
    """In its own words, where it gives some."""
    ends = frame(GOAWAY, 0, 0, struct.pack(">II", 1, 11) + b"too_many_pings")
    with pytest.raises(HTTPError, match="it said ENHANCE_YOUR_CALM: too_many_pings"):
        asked(certificates, Raw(certificates, [], ends, closes=True))


def test_a_server_that_fails_at_the_first_request_is_not_asked_again(certificates):
    """As in Go: it would fail again."""
    ends = frame(GOAWAY, 0, 0, struct.pack(">II", 0, 2))
    with AnsweringServer(Raw(certificates, [], ends)) as server:
        url = f"https://127.0.0.1:{server.port}/a"
        with pytest.raises(HTTPError, match=r"the server ended the connection \(INTERNAL_ERROR\)"):
            NativeHTTPClient(trust=certificates.trust).get(url)
        assert server.accepted == 1


@pytest.mark.parametrize("reset", [True, False])
def test_what_a_server_says_before_it_takes_no_more_of_a_body_is_read(certificates, reset):
    """The whole answer stands before the end of the stream."""
    frames = [frame(DATA, 1, 1, b"too big"), *([frame(RESET, 0, 1, bytes(4))] if reset else [])]
    script = Raw(certificates, [(":status", "413")], *frames)
    got = asked(certificates, script, "POST", b"a" * 5_000_000)
    assert (got.status_code, got.body) == (413, b"too big")
