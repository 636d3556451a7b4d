"""HTTP over the real network: answers, redirects, limits, TLS and errors."""

from __future__ import annotations

import base64
import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Request, Response

from reglet.domain.context import Cancellation, Context, ContextBound
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import CancelledError, CapabilityError, HTTPError, TimeoutError  # noqa: A004 - ours
from reglet.domain.policy import Policy, PolicyGuard
from reglet.domain.ports import HTTPClient
from reglet.infrastructure.native.http import Hop, NativeHTTPClient
from reglet.infrastructure.native.http1 import Answer
from tests.native.answering import AMPLE, AnsweringServer, until_closed
from tests.patience import comes_true

CLIENT = NativeHTTPClient()


def echo(request: Request) -> Response:
    """Answer with the request's method, headers and body."""
    lines = [request.method, *(f"{name}: {value}" for name, value in request.headers)]
    return Response("\n".join(lines) + "\n\n" + request.get_data(as_text=True))


def sent_headers(response):
    """Return the headers that the echo saw, by lower-case name."""
    lines = response.body.decode().partition("\n\n")[0].splitlines()[1:]
    return {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}


def answering(data):
    """Return a script that reads a request's head and answers with bytes."""

    def script(connection):
        connection.recv(65536)
        connection.sendall(data)

    return script


def test_the_client_is_the_port():
    """It can be bound to a context as the port."""
    assert isinstance(CLIENT, HTTPClient)
    assert isinstance(CLIENT, ContextBound)


def test_an_answer_comes_back_whole(web):
    """Status, headers with all their values, body and protocol."""
    head = "HTTP/1.1 404 Not Found\r\nx-many: 1\r\nX-Many: 2\r\ncontent-length: 2\r\n\r\nno"
    with AnsweringServer(answering(head.encode())) as server:
        response = CLIENT.get(f"http://{server.address}/")
    assert (response.status_code, response.body, response.proto) == (404, b"no", "HTTP/1.1")
    assert response.headers == {"X-Many": ("1", "2"), "Content-Length": ("2",)}
    assert not response.truncated


def test_method_headers_and_body_reach_the_server(web):
    """A header may have several values; our own stand where none is given."""
    web.expect_request("/").respond_with_handler(echo)
    response = CLIENT.do(
        HTTPRequest("put", web.url_for("/"), {"X-A": ["1", "2"], "accept": "text/x"}, b"body")
    )
    assert response.body.startswith(b"PUT\n")
    assert response.body.endswith(b"\n\nbody")
    headers = sent_headers(response)
    assert (headers["x-a"], headers["accept"], headers["user-agent"]) == ("1,2", "text/x", "reglet")


def test_post_names_its_content_type(web):
    """The short form of the port."""
    web.expect_request("/", method="POST").respond_with_handler(echo)
    response = CLIENT.post(web.url_for("/"), "application/json", b"{}")
    assert sent_headers(response)["content-type"] == "application/json"


def test_credentials_of_a_url_are_sent_and_never_shown(web):
    """As basic authentication; errors leave them out."""
    web.expect_request("/").respond_with_handler(echo)
    url = web.url_for("/").replace("http://", "http://me:s%40crt@")
    expected = "Basic " + base64.b64encode(b"me:s@crt").decode()
    assert sent_headers(CLIENT.get(url))["authorization"] == expected
    with pytest.raises(HTTPError) as caught:
        CLIENT.get("ftp://me:s%40crt@example.com/")
    assert "crt" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "method", "expected", "body"),
    [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (302, "HEAD", "HEAD", ""),
        (307, "POST", "POST", "data"),
        (308, "PUT", "PUT", "data"),
        (301, "GET", "GET", ""),
    ],
)
def test_redirects_keep_or_change_the_method(web, status, method, expected, body):
    """301 to 303 turn into GET without a body; 307 and 308 repeat the request."""
    seen = []

    def target(request: Request) -> Response:
        seen.append((request.method, request.get_data(as_text=True), "Content-Type" in request.headers))
        return Response("")

    web.expect_request("/from").respond_with_data("", status=status, headers={"Location": "to?x=1#f"})
    web.expect_request("/to", query_string="x=1").respond_with_handler(target)
    content = b"data" if method in ("POST", "PUT") else b""
    headers = {"Content-Type": "text/plain"} if content else {}
    CLIENT.do(HTTPRequest(method, web.url_for("/from"), headers, content))
    assert seen == [(expected, body, bool(body))]


def test_redirects_end_at_their_maximum(web):
    """A loop is an error that names the maximum."""
    web.expect_request("/loop").respond_with_data("", status=302, headers={"Location": "/loop"})
    with pytest.raises(HTTPError, match="stopped after 3 redirects"):
        CLIENT.do(HTTPRequest("GET", web.url_for("/loop"), max_redirects=3))
    assert len(web.log) == 4


def test_redirects_that_are_off_are_answers(web):
    """So is a redirect that does not say where to."""
    web.expect_request("/r").respond_with_data("", status=302, headers={"Location": "/x"})
    web.expect_request("/nowhere").respond_with_data("", status=302)
    assert CLIENT.do(HTTPRequest("GET", web.url_for("/r"), follow_redirects=False)).status_code == 302
    assert CLIENT.get(web.url_for("/nowhere")).status_code == 302


def test_credentials_do_not_follow_to_another_origin(web):
    """Authorization and cookies stay behind when the port changes, and arrive when it does not."""
    seen = []

    def elsewhere(connection):
        seen.append(connection.recv(65536).decode().lower())
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with AnsweringServer(elsewhere) as other:
        web.expect_request("/away").respond_with_data(
            "", status=302, headers={"Location": f"http://{other.address}/"}
        )
        web.expect_request("/near").respond_with_data("", status=302, headers={"Location": "/echo"})
        web.expect_request("/echo").respond_with_handler(echo)
        secrets = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Other": "kept"}
        CLIENT.do(HTTPRequest("GET", web.url_for("/away"), secrets))
        near = sent_headers(CLIENT.do(HTTPRequest("GET", web.url_for("/near"), secrets)))
    assert "x-other: kept" in seen[0]
    assert f"host: {other.address}" in seen[0]
    assert "bearer" not in seen[0]
    assert "cookie" not in seen[0]
    assert (near["authorization"], near["cookie"]) == ("Bearer s", "a=b")


def chain_of(answers, method="GET", path="/a", headers=(), body=b""):
    """Return the heads of the requests that lead through answers, of which `{port}` is the server's port."""
    heads = []

    def script(connection):
        heads.append(connection.recv(65536))
        answer = answers[len(heads) - 1].replace(b"{port}", str(server.port).encode())
        connection.sendall(b"HTTP/1.1 " + answer + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with AnsweringServer(script) as server:
        url = path if "://" in path else f"http://{server.address}{path}"
        url = url.replace("{port}", str(server.port))
        CLIENT.do(HTTPRequest(method, url, dict(headers), body, timeout=AMPLE))
        own = server.address
    return [
        dict(line.split(": ", 1) for line in head.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:])
        for head in heads
    ], own


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_what_describes_a_body_goes_with_it(status, method):
    """Headers and body are dropped together, for GET too, and stay together."""
    about = {"Content-Type": "text/x", "Content-Language": "de", "Content-Location": "/x", "Content-MD5": "m"}
    moved = b"%d Moved\r\nLocation: /b" % status
    (_, second), _ = chain_of([moved, b"200 OK"], method, headers=about, body=b"data")
    kept = {name for name in about if name in second}
    assert kept == (set(about) if status > 303 else {"Content-MD5"})
    assert second.get("Content-Length") == ("4" if status > 303 else None)


def test_a_redirect_is_asked_for_with_its_referer():
    """The URL that led there, without credentials and fragment; the caller's own stays."""
    answers = [
        b"302 Found\r\nLocation: /b?q#f",
        b"302 Found\r\nLocation: http://localhost:{port}/c",
        b"200 OK",
    ]
    heads, own = chain_of(answers, path="http://me:pw@127.0.0.1:{port}/a?x#y")
    assert [head.get("Referer") for head in heads] == [None, f"http://{own}/a?x", f"http://{own}/b?q"]
    heads, _ = chain_of(answers, headers={"referer": "mine"})
    assert [head.get("referer") for head in heads] == ["mine"] * 3


@pytest.mark.parametrize(
    ("location", "host"),
    [("/b", "other.example"), ("b?c", "other.example"), ("http://127.0.0.1:{port}/b", None)],
)
def test_the_callers_host_stays_for_locations_that_name_none(location, host):
    """Whoever names a host means it."""
    answers = [b"302 Found\r\nLocation: " + location.encode(), b"200 OK"]
    (first, second), own = chain_of(answers, headers={"Host": "other.example"})
    assert (first["Host"], second["Host"]) == ("other.example", host or own)


def test_credentials_go_along_from_http_to_https():
    """On one host, each at its scheme's port; nowhere else."""
    secrets = {"Authorization": "Bearer s", "Cookie": "a=b"}
    hop = Hop.first(HTTPRequest("GET", "http://me:pw@site.example/", secrets))

    def led_to(location):
        following = hop.next(Answer(301, "HTTP/1.1", {"Location": [location]}, iter(())))
        assert following is not None
        return {name for name, _ in following.headers if name in secrets}, following.url.userinfo

    assert led_to("https://site.example/") == ({"Authorization", "Cookie"}, "me:pw")
    for location in ("https://site.example:444/", "http://www.site.example/", "http://site.example:81/"):
        assert led_to(location) == (set(), "")


@pytest.mark.parametrize(
    ("userinfo", "credentials"), [("me", b"me:"), (":pw", b":pw"), ("a:b:c", b"a:b:c"), ("a%3Ab:c", b"a:b:c")]
)
def test_credentials_of_a_url_have_their_colon(userinfo, credentials):
    """RFC 7617 wants one where there is no password, too."""
    (head,), _ = chain_of([b"200 OK"], path=f"http://{userinfo}@127.0.0.1:{{port}}/")
    assert base64.b64decode(head["Authorization"].removeprefix("Basic ")) == credentials


@pytest.mark.parametrize("name", ["Accept-Encoding", "Range", "Host", "Authorization"])
def test_a_header_without_a_value_is_as_none(name):
    """What we send where the caller says nothing, once."""
    (head,), own = chain_of([b"200 OK"], path="http://me:@127.0.0.1:{port}/", headers={name: ""})
    assert (head["Accept-Encoding"], head["Host"], head["Authorization"]) == ("gzip", own, "Basic bWU6")


def test_no_user_agent_is_sent_on_request():
    """An empty one asks for that, as in Go."""
    (head,), _ = chain_of([b"200 OK"], headers={"user-agent": ""})
    assert not [name for name in head if name.lower() == "user-agent"]


def test_a_host_header_is_sent_in_ascii():
    """As the host of a URL is."""
    (head,), _ = chain_of([b"200 OK"], headers={"Host": "bücher.example:81"})
    assert head["Host"] == "xn--bcher-kva.example:81"


def test_what_fails_behind_a_redirect_is_named():
    """Beside the URL that the check began with, once."""
    with pytest.raises(
        HTTPError, match=r"/begin failed: redirected to http://127\.0\.0\.1:1/gone: .*refused"
    ):
        chain_of([b"307 Moved\r\nLocation: http://127.0.0.1:1/gone"], path="/begin")


@pytest.mark.parametrize("location", [":b", "1:b", "<http://a/>"])
def test_a_location_with_a_colon_and_no_scheme_is_refused(location):
    """RFC 3986 has no such references."""
    with pytest.raises(HTTPError, match="a colon that ends no scheme"):
        chain_of([b"302 Found\r\nLocation: " + location.encode()])


def test_a_servers_cookies_are_not_kept(web):
    """Each call stands alone."""
    web.expect_request("/set").respond_with_data(
        "", status=302, headers={"Location": "/echo", "Set-Cookie": "a=b"}
    )
    web.expect_request("/echo").respond_with_handler(echo)
    assert "cookie" not in sent_headers(CLIENT.get(web.url_for("/set")))


def test_a_body_longer_than_the_limit_is_cut_and_marked(web):
    """At the limit it is whole."""
    client = NativeHTTPClient(max_body_bytes=1000)
    web.expect_request("/1000").respond_with_data(b"x" * 1000)
    web.expect_request("/1001").respond_with_data(b"x" * 1001)
    whole, cut = client.get(web.url_for("/1000")), client.get(web.url_for("/1001"))
    assert (len(whole.body), whole.truncated) == (1000, False)
    assert (len(cut.body), cut.truncated) == (1000, True)


def test_gzip_that_we_asked_for_is_undone(web):
    """Its headers go, as in Go's client; broken gzip is an error."""
    web.expect_request("/").respond_with_data(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})
    response = CLIENT.get(web.url_for("/"))
    assert response.body == b"hello"
    assert response.header("content-encoding") is None
    web.expect_request("/bad").respond_with_data(b"not gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(HTTPError, match="incorrect header check"):
        CLIENT.get(web.url_for("/bad"))


def test_gzip_that_the_plugin_asked_for_is_its_own(web):
    """Then the body is what the server sent."""
    packed = gzip.compress(b"hello")
    web.expect_request("/").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    assert CLIENT.do(HTTPRequest("GET", web.url_for("/"), {"Accept-Encoding": "gzip"})).body == packed


def test_a_gzip_bomb_stops_at_the_limit(web):
    """50 MB of zeros in 50 kB."""
    web.expect_request("/").respond_with_data(
        gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}
    )
    response = NativeHTTPClient(max_body_bytes=100_000).get(web.url_for("/"))
    assert (len(response.body), response.truncated) == (100_000, True)


def test_a_server_that_says_nothing_times_out():
    """Within the request's own time."""
    with AnsweringServer(until_closed) as server, pytest.raises(TimeoutError) as caught:
        CLIENT.do(HTTPRequest("GET", f"http://{server.address}/", timeout=timedelta(milliseconds=50)))
    assert str(caught.value) == f"http request timeout after 50ms (target: http://{server.address}/)"
    assert caught.value.is_timeout


def test_a_server_that_drips_times_out_too():
    """Each byte comes in time; the whole does not."""

    def drip(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        while True:
            connection.sendall(b"x")

    with AnsweringServer(drip) as server, pytest.raises(TimeoutError):
        CLIENT.do(HTTPRequest("GET", f"http://{server.address}/", timeout=timedelta(milliseconds=100)))


def test_the_deadline_of_the_context_comes_first(web):
    """However long the request's own timeout is."""
    ctx = Context().with_timeout(timedelta(milliseconds=50))
    with AnsweringServer(until_closed) as server, pytest.raises(TimeoutError):
        CLIENT.in_context(ctx).do(HTTPRequest("GET", f"http://{server.address}/", timeout=timedelta(hours=1)))


def test_a_cancelled_check_sends_nothing(web):
    """No connection is made."""
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        CLIENT.in_context(Context(cancellation=cancellation)).get(web.url_for("/"))
    assert web.log == []


def test_tls_is_verified_against_the_trusted_authorities(secure_web, certificates):
    """The system does not know our authority; a client that trusts it does."""
    secure_web.expect_request("/").respond_with_data("safe")
    with pytest.raises(HTTPError, match="CERTIFICATE_VERIFY_FAILED"):
        CLIENT.get(secure_web.url_for("/"))
    assert NativeHTTPClient(trust=certificates.trust).get(secure_web.url_for("/")).body == b"safe"


def test_verification_is_skipped_only_on_request(secure_web):
    """One request's choice does not carry over to the next."""
    secure_web.expect_request("/").respond_with_data("taken")
    unsafe = HTTPRequest("GET", secure_web.url_for("/"), insecure_skip_verify=True)
    assert CLIENT.do(unsafe).body == b"taken"
    with pytest.raises(HTTPError):
        CLIENT.get(secure_web.url_for("/"))


def test_the_name_is_what_tls_is_asked_for(secure_web, certificates):
    """A name that the lookup answers is dialled by address, with its own SNI and Host."""
    secure_web.expect_request("/").respond_with_handler(echo)
    client = NativeHTTPClient(trust=certificates.trust, lookup=lambda _: ["127.0.0.1"])
    response = client.get(f"https://GOOD.example.:{secure_web.port}/")
    assert sent_headers(response)["host"] == f"good.example:{secure_web.port}"
    with pytest.raises(HTTPError, match="Hostname mismatch"):
        client.get(f"https://other.example:{secure_web.port}/")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "Connection refused"),
        ("file:///etc/passwd", "neither http nor https"),
        ("example.com", "neither http nor https"),
        ("http:///x", "names no host"),
        ("http://a b/", "no spaces"),
        ("http://a..b/", "a label is empty"),
        ("http://127.0.0.1:99999/", "port"),
    ],
)
def test_a_failure_names_method_url_and_reason(url, reason):
    """Whatever went wrong is an HTTPError with its cause."""
    with pytest.raises(HTTPError, match=reason) as caught:
        CLIENT.get(url)
    assert str(caught.value).startswith(f"http GET {url} failed: ")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("method", ["", "GET X", "G\r\nX", "CONNECT", "ü"])
def test_a_method_that_cannot_be_sent_is_refused(web, method):
    """Before any connection is made."""
    with pytest.raises(HTTPError, match="cannot be sent"):
        CLIENT.do(HTTPRequest(method, web.url_for("/")))
    assert web.log == []


SMUGGLED = [
    {"X": "a\r\nY: b"},
    {"X": "a\nY: b"},
    {"X": "a\0b"},
    {"X\r\nY": "b"},
    {"X Y": "b"},
    {":path": "/other"},
    {"": "b"},
    {"X": "\ud800"},
]


@pytest.mark.parametrize("headers", SMUGGLED)
def test_a_header_cannot_smuggle_another(web, headers):
    """Line ends and other characters that no header has are refused."""
    web.expect_request("/").respond_with_handler(echo)
    with pytest.raises(HTTPError):
        CLIENT.do(HTTPRequest("GET", web.url_for("/"), headers))
    assert web.log == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "2"},
        {"content-length": "900"},
        {"Content-Length": ("4", "5")},
        {"Transfer-Encoding": "chunked"},
        {"Transfer-Encoding": "identity", "Trailer": "X"},
    ],
)
def test_where_a_body_ends_is_not_the_plugins_to_say(web, headers):
    """A request that ends in two places is read as two by one server of a row."""
    web.expect_request("/").respond_with_handler(echo)
    answer = CLIENT.do(HTTPRequest("POST", web.url_for("/"), headers, b"body"))
    assert sent_headers(answer)["content-length"] == "4"
    assert not {"transfer-encoding", "trailer"} & set(sent_headers(answer))


def test_a_header_that_cannot_be_sent_keeps_its_secret(web):
    """The name is told, the value is not."""
    with pytest.raises(HTTPError, match="the header X-Token has line ends") as refused:
        CLIENT.do(HTTPRequest("GET", web.url_for("/"), {"X-Token": "s3cret\n"}))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    ],
)
def test_a_broken_answer_is_an_error(data):
    """Nothing, nonsense, half a body, a head without end."""
    with AnsweringServer(answering(data)) as server, pytest.raises(HTTPError):
        CLIENT.do(HTTPRequest("GET", f"http://{server.address}/", timeout=AMPLE))


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(max_size=30).map("http://".__add__),
        st.text(max_size=20).map("http://a:b@".__add__),
    )
)
def test_no_url_makes_the_client_fall_over(url):
    """Whatever a plugin sends as a URL is refused in so many words."""
    nothing = PolicyGuard(Policy(GrantSet()))
    with pytest.raises((HTTPError, CapabilityError)):
        NativeHTTPClient(nothing).get(url)


def descriptors():
    """Count the open file descriptors."""
    return len(list(Path("/dev/fd").iterdir()))


def test_calls_in_threads_leave_nothing_open(web, secure_web, certificates):
    """200 calls on 8 threads, plain and secure: no descriptor and no thread is left."""
    for server in (web, secure_web):
        server.expect_request("/").respond_with_data("ok")
    client = NativeHTTPClient(trust=certificates.trust)
    urls = [web.url_for("/"), secure_web.url_for("/")] * 100
    client.get(urls[1])

    def get(url):
        return client.get(url).body

    before = descriptors()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, urls)) == {b"ok"}
    assert comes_true(lambda: descriptors() <= before)  # the server closes its own ends when it notices
    assert comes_true(
        lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("lookup")]
    )
