"""HTTP/2, negotiated by ALPN with a small server made of h2."""

from __future__ import annotations

import ssl

import h2.config
import h2.connection
import h2.events
import pytest

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import HTTPError
from reglet.infrastructure.native.http import NativeHTTPClient
from tests.native.answering import AnsweringServer


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
