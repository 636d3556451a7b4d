"""Servers that are odd, broken or old: what comes of their answers is what Go 1.26 makes of them."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import timedelta

import pytest

from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import HTTPError, NetworkError, TCPError, TimeoutError  # noqa: A004 - our own family
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from reglet.infrastructure.native.tcp import NativeTCPDialer
from tests.native.answering import AMPLE, AnsweringServer, until_closed
from tests.patience import PATIENCE


def server(answer, seen=None):
    """Return a server that reads a request's head and answers with bytes."""

    def script(connection):
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return
            request += more
        if seen is not None:
            seen.append(request)
        connection.sendall(answer)

    return AnsweringServer(script)


def response(body=b"ok", *headers, length=True):
    """Return an answer with the given headers, and by default its length."""
    lines = [b"HTTP/1.1 200 OK", *headers, *([b"Content-Length: %d" % len(body)] if length else [])]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def asked(answer, method="GET", path="/", headers=(), seen=None, **options):
    """Return what the client makes of an answer."""
    with server(answer, seen) as odd:
        url = f"http://{odd.address}{path}"
        request = HTTPRequest(method, url, dict(headers), timeout=AMPLE, **options)
        return NativeHTTPClient().do(request)


GZIP = b"Content-Encoding: gzip"
PACKED = gzip.compress(b"hello world " * 100, mtime=0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (gzip.compress(b"first ", mtime=0) + gzip.compress(b"second", mtime=0), b"first second"),
        (
            b"".join(gzip.compress(b"%d," % index, mtime=0) for index in range(50)),
            b"".join(b"%d," % i for i in range(50)),
        ),
        (gzip.compress(b"", mtime=0) + gzip.compress(b"x", mtime=0), b"x"),
        (gzip.compress(b"", mtime=0), b""),
        (
            gzip.compress(b"a" * 300_000, mtime=0) + gzip.compress(b"b" * 300_000, mtime=0),
            b"a" * 300_000 + b"b" * 300_000,
        ),
    ],
)
@pytest.mark.parametrize("encoding", [GZIP, b"Content-Encoding: GZIP", b"content-encoding:  gZip "])
def test_every_member_of_a_gzip_body_is_unpacked(body, text, encoding):
    """RFC 1952 allows several; the name of the encoding has any case."""
    answer = asked(response(body, encoding))
    assert answer.body == text
    assert "Content-Encoding" not in answer.headers
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        PACKED[:-12],
        PACKED[:-8],
        PACKED[:-1],
        PACKED[:5],
        PACKED[:1],
        PACKED + PACKED[:20],
        PACKED + b"\x1f",
        PACKED + b"garbage",
        PACKED + b"\0" * 10,
        PACKED[:-8] + b"\0" * 8,
        b"plain text",
    ],
)
def test_gzip_that_is_cut_or_broken_is_an_error(body):
    """A part of a body is never passed off as the whole."""
    with pytest.raises(HTTPError, match=r"gzip"):
        asked(response(body, GZIP))


def test_an_empty_body_needs_no_gzip():
    """Chunked and empty, or of length zero: there is nothing to unpack, and headers without a body stay."""
    chunked = response(b"0\r\n\r\n", GZIP, b"Transfer-Encoding: chunked", length=False)
    assert asked(chunked).body == b""
    assert asked(response(b"", GZIP)).headers == {"Content-Encoding": ("gzip",), "Content-Length": ("0",)}


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", b"200 OK"), ("GET", b"304 Not Modified"), ("HEAD", b"304 Not Modified")]
)
def test_headers_of_an_answer_without_a_body_are_kept(method, status):
    """They tell of the body that there would be."""
    answer = asked(
        b"HTTP/1.1 " + status + b"\r\nContent-Encoding: gzip\r\nContent-Length: 500\r\n\r\n", method
    )
    assert answer.headers == {"Content-Encoding": ("gzip",), "Content-Length": ("500",)}
    assert answer.body == b""


@pytest.mark.parametrize(
    ("method", "headers", "asks"),
    [
        ("GET", {}, True),
        ("HEAD", {}, False),
        ("GET", {"Range": "bytes=0-1"}, False),
        ("GET", {"accept-encoding": "br"}, False),
    ],
)
def test_gzip_is_asked_for_where_go_asks(method, headers, asks):
    """Not for a HEAD or a range, and not over the caller's own header, whose answer stays packed."""
    seen = []
    answer = asked(response(PACKED, GZIP), method, headers=headers, seen=seen)
    assert (b"Accept-Encoding: gzip" in seen[0]) is asks
    assert method == "HEAD" or (answer.body == PACKED) is not asks


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/static/../../etc/passwd", b"/static/../../etc/passwd"),
        ("/a/./b//c/..", b"/a/./b//c/.."),
        ("/..", b"/.."),
        ("/%2e%2e/x%2Fy", b"/%2e%2e/x%2Fy"),
        ("/a b", b"/a%20b"),
        ("/ ", b"/%20"),
        ("/a?b c", b"/a?b%20c"),
        ("/ä?q=ä", b"/%C3%A4?q=%C3%A4"),
        ("/a\\b", b"/a%5Cb"),
        ('/a"b<c>', b"/a%22b%3Cc%3E"),
        ("?x=1", b"/?x=1"),
        ("", b"/"),
        ("/a?", b"/a?"),
        ("/a#f g", b"/a"),
    ],
)
def test_a_path_is_sent_as_it_was_written(path, target):
    """Dot segments stay, for a check may be about them; what cannot be sent is percent-encoded."""
    seen = []
    asked(response(), path=path, seen=seen)
    assert seen[0].split(b"\r\n")[0] == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/a b", b"/a%20b"),
        (b"c d?e f", b"/start/c%20d?e%20f"),
        (b"?q=1", b"/start/a?q=1"),
        (b"../x", b"/x"),
        (b"/x/./y/../z", b"/x/z"),
        (b"/\xc3\xa4", b"/%C3%A4"),
        (b"/\xe4", b"/%E4"),
        (b"/x?y=../..", b"/x?y=../.."),
        (b"#fragment", b"/start/a?s"),
    ],
)
def test_a_location_is_read_as_go_reads_it(location, target):
    """With spaces, bytes that are not ASCII, or relative to where it came from."""
    seen = []

    def script(connection):
        seen.append(connection.recv(65536))
        hop = (
            b"HTTP/1.1 302 Found\r\nLocation: "
            + location
            + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(hop if len(seen) == 1 else response())

    with AnsweringServer(script) as odd:
        url = f"http://{odd.address}/start/a?s"
        NativeHTTPClient().do(HTTPRequest("GET", url, timeout=AMPLE))
    assert seen[1].split(b"\r\n")[0] == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("value", "sent"), [("Zürich", "Zürich"), ("€ 5", "€ 5"), ("  spaced\t", "spaced"), ("", "")]
)
def test_a_header_value_is_sent_as_utf_8(value, sent):
    """As Go does, without the space around it."""
    seen = []
    asked(response(), headers={"X-Team": value}, seen=seen)
    assert f"\r\nX-Team: {sent}\r\n".encode() in seen[0]


@pytest.mark.parametrize("value", ["a\nb", "a\x7f", "\ud800"])
def test_a_header_value_that_cannot_be_sent_names_its_header_and_not_itself(value):
    """It may be a secret."""
    with pytest.raises(HTTPError, match="the header X-Team") as caught:
        NativeHTTPClient().do(HTTPRequest("GET", "http://127.0.0.1:1/", {"X-Team": value}))
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-Powered : php\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nX-Powered  : php\nContent-Length: 2\n\nok",
        b"HTTP/1.1 103 Early\r\nLink : x\r\n\r\nHTTP/1.1 200 OK\r\nX-Powered : php\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1  200 OK\r\nX-Powered: php\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200\r\nX-Powered : php\r\n\r\nok",
    ],
)
def test_spaces_in_a_head_are_let_pass(answer):
    """Behind a header's name, in the status line, in an interim answer."""
    read = asked(answer)
    assert (read.status_code, read.body, read.header("X-Powered")) == (200, b"ok", "php")


def test_a_header_name_with_a_space_within_is_kept_as_it_is():
    """As Go keeps it; no other header changes."""
    read = asked(response(b"ok", b"X powered by: php", b"x-other: a : b"))
    assert (read.header("X powered by"), read.header("X-Other")) == ("php", "a : b")


@pytest.mark.parametrize(
    "headers", [[b"X-A: " + b"a" * 150_000], [b"X-%d: v" % index for index in range(20_000)]]
)
def test_large_heads_are_read(headers):
    """Go's limit is 10 MB."""
    read = asked(response(b"ok", *headers))
    assert (read.body, len(read.headers)) == (b"ok", len(headers) + 1)


def test_a_head_without_an_end_is_refused():
    """At 10 MB."""
    with pytest.raises(HTTPError, match="the head of the answer has more than"):
        asked(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 11_000_000)


@pytest.mark.parametrize(
    "answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: a", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"]
)
def test_an_answer_that_is_none_is_an_error(answer):
    """Cut off in its head, or no HTTP."""
    with pytest.raises(HTTPError):
        asked(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
def test_a_body_that_is_cut_is_an_error(answer):
    """The connection ended before it did."""
    with pytest.raises(HTTPError):
        asked(answer)


def test_the_framing_of_a_connection_is_no_header_of_the_answer():
    """Go's headers have no Transfer-Encoding either."""
    read = asked(response(b"2\r\nok\r\n0\r\n\r\n", b"Transfer-Encoding: chunked", length=False))
    assert (read.body, dict(read.headers)) == (b"ok", {})


def test_a_server_that_keeps_its_half_open_times_out():
    """It accepts, and never answers."""
    with AnsweringServer(lambda connection: connection.recv(65536) and connection.recv(1)) as odd:
        request = HTTPRequest("GET", f"http://{odd.address}/", timeout=timedelta(milliseconds=300))
        with pytest.raises(TimeoutError, match="after 300ms"):
            NativeHTTPClient().do(request)


def test_no_redirects_allowed_is_an_error_that_says_what_to_do():
    """The number asked for, the status that came, and the option that returns it."""
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(HTTPError, match=r"answered 301.*max_redirects is 0.*follow_redirects=False"):
        asked(moved, max_redirects=0)
    assert asked(moved, follow_redirects=False).status_code == 301


def test_the_time_of_an_answer_is_measured_by_who_asked():
    """From the call to the end of the body."""
    latency = asked(response()).latency
    assert latency is not None
    assert timedelta() < latency < AMPLE


PAUSE = 0.05
"""Seconds between two bytes of a server that drips."""


def dripping(data):
    """Return a script that reads a request and then sends one byte after the other."""

    def script(connection):
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            time.sleep(PAUSE)

    return script


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000, response(b"b" * 1000)])
def test_a_server_that_drips_is_held_to_the_whole_time(data):
    """Each byte does not start the clock anew, in the head or the body."""
    with AnsweringServer(dripping(data)) as odd:
        request = HTTPRequest("GET", f"http://{odd.address}/", timeout=timedelta(milliseconds=700))
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="after 700ms"):
            NativeHTTPClient().do(request)
        assert time.monotonic() - began < len(data) * PAUSE / 2


def test_a_mail_server_that_drips_is_held_to_the_whole_time():
    """Its banner too."""
    with (
        AnsweringServer(dripping(b"220 " + b"a" * 1000)) as odd,
        pytest.raises(TimeoutError, match="after 700ms"),
    ):
        NativeSMTPClient().connect("127.0.0.1", odd.port, timedelta(milliseconds=700), False, False)


@pytest.mark.parametrize("unverified", [False, True])
def test_a_handshake_that_is_never_answered_times_out(unverified):
    """The connection is there, and TLS is not."""
    short = timedelta(milliseconds=300)
    options = {"insecure_skip_verify": True} if unverified else {}
    with AnsweringServer(until_closed) as odd:
        with pytest.raises(TimeoutError, match="after 300ms"):
            NativeTCPDialer().dial_secure(odd.address, short, tls=True, **options)
        with pytest.raises(TimeoutError, match="after 300ms"):
            NativeSMTPClient().connect("127.0.0.1", odd.port, short, True, False, **options)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"closed the connection within the TLS handshake \(EOF\)"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "refused the TLS handshake: handshake failure"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "refused the TLS handshake: protocol version"),
        (b"\x15\x03\x03\x00\x02\x02\x70", "refused the TLS handshake: unrecognized name"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS on this port"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak TLS on this port"),
    ],
)
def test_a_handshake_that_is_cut_or_refused_is_an_error_in_words(data, reason):
    """Closed, an alert, or no TLS at all: no facts, verified or not, and no line of OpenSSL's source."""
    with AnsweringServer(lambda connection: connection.recv(65536) and connection.sendall(data)) as odd:
        for options in ({}, {"insecure_skip_verify": True}):
            with pytest.raises(TCPError, match=reason) as tcp:
                NativeTCPDialer().dial_secure(odd.address, AMPLE, tls=True, **options)
            with pytest.raises(HTTPError, match=reason):
                NativeHTTPClient().do(HTTPRequest("GET", f"https://{odd.address}/", **options))
            with pytest.raises(NetworkError, match=reason):
                NativeSMTPClient().connect("127.0.0.1", odd.port, AMPLE, True, False, **options)
            assert "_ssl.c" not in str(tcp.value)


def test_the_facts_of_a_certificate_for_another_name_are_there_on_request(certificates):
    """Good, and not for the name that was dialled."""

    def script(connection):
        with certificates.good.wrap_socket(connection, server_side=True) as secured:
            until_closed(secured)

    dialer = NativeTCPDialer(trust=certificates.trust, lookup=lambda _: ["127.0.0.1"])
    with AnsweringServer(script) as odd:
        address = f"bad.example:{odd.port}"
        with pytest.raises(TCPError, match="Hostname mismatch"):
            dialer.dial_secure(address, AMPLE, tls=True)
        with dialer.dial_secure(address, AMPLE, tls=True, insecure_skip_verify=True) as connection:
            assert "CN=good" in connection.tls_cert_subject


def test_look_ups_that_hang_have_so_many_threads_and_no_more():
    """The next one waits its turn, within its own time."""
    release = threading.Event()

    def hang(name):
        release.wait(PATIENCE)
        return ["127.0.0.1"]

    dialer = NativeTCPDialer(lookup=hang)
    before = threading.active_count()
    failures = []

    def dial():
        try:
            dialer.dial_with_timeout("slow.example:1", timedelta(milliseconds=500))
        except TimeoutError as error:
            failures.append(error)

    callers = [threading.Thread(target=dial) for _ in range(100)]
    for caller in callers:
        caller.start()
    time.sleep(0.2)
    looking = sum(thread.name.startswith("lookup ") for thread in threading.enumerate())
    for caller in callers:
        caller.join(PATIENCE)
    left = threading.active_count() - before
    release.set()
    assert looking <= 32
    assert left <= 32
    assert len(failures) == 100
