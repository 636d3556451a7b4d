"""HTTP/2, negotiated by ALPN with a small server made of h2."""

from __future__ import annotations

import ssl

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
            config = h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
            http = h2.connection.H2Connection(config)
            http.initiate_connection()
            secured.sendall(http.data_to_send())
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
