"""The dispatcher over fakes: what it asks the policy, what it answers, in every dialect."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from unittest.mock import ANY

import pytest

from reglet.domain.context import Cancellation, Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.records import (
    HTTPRequest,
    HTTPResponse,
    MXRecord,
    ObservedConnection,
    Program,
    SMTPConnectResult,
    TLSFacts,
)
from reglet.domain.errors import UnsupportedOptionError
from reglet.domain.policy import Policy
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.host import Limits
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.infrastructure.wire.record import Dialect
from reglet.testing.fakes import FakeCommandRunner, FakeDNSResolver
from reglet.testing.routes import refused, reset, timeout
from tests.host.requests import FakeWorld, commands, network

EVERY_DIALECT = pytest.mark.parametrize("dialect", list(Dialect))


@EVERY_DIALECT
def test_a_granted_http_request_is_answered(dialect):
    """Status, headers and body come back as the ABI writes them."""
    world = FakeWorld(network("example.com", ports=("443",)), dialect)
    world.http.on("https://example.com/").respond(200, headers={"X-A": "1"}, body=b"hi")
    answer = world.ask("http_request", {"method": "GET", "url": "https://example.com/", "context": {}})
    latency = answer.pop("latency_ms", None)
    assert answer == {
        "headers": {"X-A": ["1"]},
        "body": b64encode(b"hi").decode(),
        "proto": "HTTP/1.1",
        "status_code": 200,
    }
    assert latency is not None


def test_headers_are_lists_in_abi_and_texts_in_hostlib():
    """The other dialect's spelling is refused before anything is done, so that a guest may try again."""
    for dialect, good, bad in ((Dialect.ABI, ["1"], "1"), (Dialect.HOSTLIB, "1", ["1"])):
        world = FakeWorld(network("example.com"), dialect)
        world.http.on("http://example.com/", headers={"X-A": "1"}).respond()
        request = {"method": "GET", "url": "http://example.com/", "headers": {"X-A": bad}}
        refusal = world.ask("http_request", request)
        assert (refusal["error"], refusal["code"]) == ("VALIDATION_ERROR", 400)
        assert "unmarshal" in refusal["message"]
        assert world.ask("http_request", {**request, "headers": {"X-A": good}})["status_code"] == 200


def test_what_is_shown_of_a_call_has_no_secrets():
    """Neither a URL's user and password, nor a command's arguments."""
    world = FakeWorld(network("h").merge(commands("/bin/login")))
    world.http.on().respond()
    world.command.on().respond()
    world.ask("http_request", {"method": "GET", "url": "http://me:hunter2@h/path"})
    world.ask("exec_command", {"command": "/bin/login", "args": ["--password", "hunter2"]})
    assert [call.target for call in world.seen][1] == "/bin/login"
    assert not [call.target for call in world.seen if "hunter2" in call.target]


def test_what_no_grant_covers_is_denied_in_the_shape_of_the_dialect():
    """In abi the response carries the error; the Go host SDK's functions answer with a bare one."""
    request = {"method": "GET", "url": "https://example.com/"}
    abi = FakeWorld(dialect="abi").ask("http_request", request)
    assert (abi["error"]["type"], abi["error"]["code"]) == ("capability", "network:example.com:443")
    hostlib = FakeWorld(dialect="hostlib").ask("http_request", request)
    assert (hostlib["error"], hostlib["code"]) == ("VALIDATION_ERROR", 400)
    assert hostlib["message"].startswith("network capability denied: example.com:443")


@pytest.mark.parametrize(
    ("name", "request_", "missing"),
    [
        ("http_request", {"method": "GET", "url": "http://h/"}, "network:h:80"),
        ("dns_lookup", {"hostname": "h", "type": "A"}, "network:h:53"),
        ("tcp_connect", {"host": "h", "port": "22"}, "network:h:22"),
        ("smtp_connect", {"host": "h", "port": "25"}, "network:h:25"),
        ("exec_command", {"command": "/bin/true", "args": []}, "exec:/bin/true"),
    ],
)
def test_every_function_is_denied_by_default(name, request_, missing):
    """Nothing is granted that nobody granted, and the answer names the grant that is missing."""
    world = FakeWorld()
    answer = world.ask(name, request_)
    assert (answer["error"]["type"], answer["error"]["code"]) == ("capability", missing)
    assert [(call.name, call.allowed, call.decision) for call in world.seen] == [(name, False, missing)]


def test_the_observer_is_told_the_rule_that_allowed_a_call():
    """`--explain` and recordings have the bytes, the target, the rule and the time."""
    world = FakeWorld(network("*.example.com", ports=("8000-9000",)))
    world.http.on().respond(204)
    world.ask("http_request", {"method": "GET", "url": "http://a.example.com:8080/x"})
    (call,) = world.seen
    assert (call.allowed, call.decision) == (True, "network:*.example.com:8000-9000")
    assert call.target == "GET http://a.example.com:8080/x"
    assert json.loads(call.answer)["status_code"] == 204
    assert call.seconds >= 0


@EVERY_DIALECT
def test_tls_is_asked_for_in_the_dialects_own_word(dialect):
    """`tls` in abi, `use_tls` in hostlib; the port is a text in one and a number in the other."""
    abi = dialect is not Dialect.HOSTLIB
    world = FakeWorld(network("h"), dialect)
    world.tcp.on("h:443", tls=True).respond(tls=TLSFacts(version="TLS 1.3", cert_subject="CN=h"))
    answer = world.ask(
        "tcp_connect", {"host": "h", "port": "443" if abi else 443, "tls" if abi else "use_tls": True}
    )
    assert (answer["connected"], answer["tls_version"], answer["tls_cert_subject"]) == (
        True,
        "TLS 1.3",
        "CN=h",
    )


@EVERY_DIALECT
def test_mail_servers_are_greeted_with_starttls(dialect):
    """`starttls` in abi, `use_starttls` in hostlib."""
    abi = dialect is not Dialect.HOSTLIB
    world = FakeWorld(network("mail"), dialect)
    world.smtp.on("mail", use_starttls=True).respond(banner="220 mail")
    request = {"host": "mail", "port": "587" if abi else 587, "starttls" if abi else "use_starttls": True}
    assert world.ask("smtp_connect", request)["banner"] == "220 mail"


@pytest.mark.parametrize(
    ("kind", "records"),
    [("A", ["10.0.0.1"]), ("TXT", ["v=spf1 -all"]), ("NS", ["ns1.test."]), ("CNAME", ["real.test."])],
)
def test_names_are_looked_up_by_type(kind, records):
    """Each record type has its method of the resolver."""
    world = FakeWorld(network("host.test", ports=("53",)))
    world.dns.on("host.test", kind).respond(*records)
    assert world.ask("dns_lookup", {"hostname": "host.test", "type": kind})["records"] == records


def test_aaaa_asks_for_one_family_and_mx_has_preferences():
    """As the Go host answers them, with the time that it took."""
    world = FakeWorld(network("host.test"))
    world.dns.on("host.test", "A").respond("10.0.0.1", "2001:db8::1")
    world.dns.on("host.test", "MX").respond(MXRecord("mail.host.test", 10))
    six = world.ask("dns_lookup", {"hostname": "host.test", "type": "AAAA"})
    assert six == {"records": ["2001:db8::1"], "latency_ms": ANY}
    mail = world.ask("dns_lookup", {"hostname": "host.test", "type": "MX"})
    assert mail == {"mx_records": [{"host": "mail.host.test", "pref": 10}], "latency_ms": ANY}


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("dns_lookup", {"hostname": "a..b"}),
        ("tcp_connect", {"host": "a..b", "port": "1"}),
        ("smtp_connect", {"host": "a..b", "port": "1"}),
        ("http_request", {"method": "GET", "url": "http://a..b/"}),
    ],
)
def test_a_host_that_cannot_be_is_no_missing_grant(name, request_):
    """No grant would help: the text says what is wrong with it."""
    error = FakeWorld(GrantSet()).ask(name, request_)["error"]
    assert error["type"] == "validation"
    assert error["message"] == "host 'a..b' is neither a name nor an address: a label is empty"


@pytest.mark.parametrize(
    ("name", "request_", "says"),
    [
        ("dns_lookup", {"hostname": ""}, "hostname is required"),
        ("tcp_connect", {"host": "", "port": "1"}, "host is required"),
        ("tcp_connect", {"host": "h", "port": ""}, "port is required"),
        ("smtp_connect", {"host": "h"}, "port is required"),
        ("exec_command", {"command": ""}, "command is required"),
        ("http_request", {"method": "GET", "url": ""}, "is not http or https"),
        ("http_request", {"method": "GET", "url": "ftp://h/"}, "is not http or https"),
        ("http_request", {"method": "GET", "url": "http:///x"}, "names no host"),
        ("http_request", {"method": "GET", "url": "http://h:99999/"}, "out of range"),
    ],
)
def test_a_request_that_lacks_its_target_is_refused_unasked(name, request_, says):
    """Neither the policy nor a port sees it."""
    world = FakeWorld(network("*").merge(commands("**")))
    assert says in world.ask(name, request_)["error"]["message"]
    assert world.seen[0].allowed is None


def test_a_record_type_that_no_host_knows_is_a_bad_request():
    """The answer lists those there are."""
    world = FakeWorld(network("host.test"))
    error = world.ask("dns_lookup", {"hostname": "host.test", "type": "SRV"})["error"]
    assert (error["type"], error["code"]) == ("validation", "INVALID_REQUEST")
    assert "CNAME" in error["message"]


def test_a_command_runs_with_what_was_asked():
    """A non-zero exit code is an answer, not an error."""
    world = FakeWorld(commands("/bin/systemctl"))
    world.command.on("/bin/systemctl", ["is-active", "ssh"]).respond("inactive\n", exit_code=3)
    answer = world.ask("exec_command", {"command": "/bin/systemctl", "args": ["is-active", "ssh"]})
    assert (answer["stdout"], answer["exit_code"]) == ("inactive\n", 3)


def test_variables_that_steer_programs_need_their_own_grant():
    """LD_PRELOAD is refused though the command is granted."""
    world = FakeWorld(commands("/bin/ls"))
    request = {"command": "/bin/ls", "args": [], "env": ["LD_PRELOAD=/tmp/x.so"]}
    assert world.ask("exec_command", request)["error"]["code"] == "env:LD_PRELOAD"


def test_the_file_that_was_judged_is_the_file_that_is_run():
    """A program behind another name stays what it is, and a name found on the path is run by that path."""
    programs = {
        "ls": Program("/usr/bin/ls", "/usr/bin/ls"),
        "innocent": Program("/opt/innocent", "/bin/dash"),
    }
    runner = FakeCommandRunner()
    runner.on("/usr/bin/ls").respond("listed")
    ports = HostPorts(exec=runner, which=lambda command, _dir: programs[command])
    dispatcher = HostDispatcher(ports, Policy(commands("/usr/bin/*", "/opt/*")))
    listed = json.loads(dispatcher.call("exec_command", b'{"command": "ls", "args": []}'))
    assert listed["stdout"] == "listed"
    denied = json.loads(dispatcher.call("exec_command", b'{"command": "innocent", "args": ["-c", "id"]}'))
    assert denied["error"]["type"] == "capability"
    assert "may run other code" in denied["error"]["message"]


def test_a_name_that_is_found_nowhere_is_not_run_by_its_name():
    """The system would look it up anew, and perhaps elsewhere."""
    ports = HostPorts(exec=FakeCommandRunner(), which=lambda _command, _dir: Program())
    dispatcher = HostDispatcher(ports, Policy(commands("missing")))
    answer = json.loads(dispatcher.call("exec_command", b'{"command": "missing", "args": []}'))
    assert answer["error"]["type"] == "exec"
    assert "no such program" in answer["error"]["message"]


@pytest.mark.parametrize(
    "request_",
    [
        {"command": "a\0b"},
        {"command": "a", "args": ["\0"]},
        {"command": "a", "env": ["A=\0"]},
        {"command": "a", "env": ["A\0=1"]},
        {"command": "a", "dir": "/\0"},
    ],
)
@EVERY_DIALECT
def test_a_nul_in_a_command_is_a_request_that_cannot_be(dialect, request_):
    """Told as such, before anything is looked up."""
    error = FakeWorld(commands("a"), dialect).ask("exec_command", {"args": [], **request_})["error"]
    assert error["code"] == "INVALID_REQUEST"
    assert "NUL" in error["message"]


@EVERY_DIALECT
def test_a_timeout_is_told_as_one(dialect):
    """In hostlib by its code, in the newer app by that code as its type, in abi by its type and flag."""
    world = FakeWorld(network("h"), dialect)
    world.http.on().fail(timeout())
    error = world.ask("http_request", {"method": "GET", "url": "http://h/"})["error"]
    if dialect is Dialect.HOSTLIB:
        assert error["code"] == "TIMEOUT"
    elif dialect is Dialect.APP:
        assert (error["type"], error["code"]) == ("TIMEOUT", "")
    else:
        assert (error["type"], error["is_timeout"]) == ("timeout", True)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refused(), "CONNECTION_REFUSED"),
        (reset(), "REQUEST_FAILED"),
        (UnsupportedOptionError("x", 1, "y"), "INVALID_REQUEST"),
    ],
)
def test_hostlib_has_codes_of_its_own(failure, code):
    """They are those of the Go host SDK."""
    world = FakeWorld(network("h"), "hostlib")
    world.http.on().fail(failure)
    assert world.ask("http_request", {"method": "GET", "url": "http://h/"})["error"]["code"] == code


@pytest.mark.parametrize(
    ("name", "request_", "type_", "code"),
    [
        ("http_request", {"method": "GET", "url": "http://h/"}, "CONNECTION_REFUSED", ""),
        ("dns_lookup", {"hostname": "h", "type": "A"}, "network", ""),
        ("tcp_connect", {"host": "h", "port": "22"}, "CONNECTION_REFUSED", ""),
        ("smtp_connect", {"host": "h", "port": "25"}, "CONNECTION_REFUSED", ""),
        ("exec_command", {"command": "/bin/true", "args": []}, "execution", "EXECUTION_FAILED"),
    ],
)
def test_the_newer_app_says_failures_in_its_own_way(name, request_, type_, code):
    """The code of the Go host SDK stands for the type, but of commands, and of names it is lost."""
    world = FakeWorld(network("h").merge(commands("/bin/true")), "app")
    for fake in (world.http, world.dns, world.tcp, world.smtp, world.command):
        fake.on().fail(refused())
    error = world.ask(name, request_)["error"]
    assert (error["type"], error["code"]) == (type_, code)


def test_the_newer_app_says_denials_in_a_response():
    """They have a type and no code."""
    world = FakeWorld(dialect="app")
    denied = world.ask("tcp_connect", {"host": "h", "port": "22"})["error"]
    assert (denied["type"], denied["code"]) == ("capability", "")
    assert denied["message"].startswith("permission denied: network capability denied: h:22")


@pytest.mark.parametrize("dialect", ["app", "older"])
def test_both_apps_say_in_a_response_that_they_cannot_read_a_request(dialect):
    """A request in the other spelling is no reason to try again."""
    unread = FakeWorld(dialect=dialect).ask("tcp_connect", {"host": "h", "port": 22})["error"]
    assert (unread["type"], unread["code"]) == ("internal", "")
    assert "failed to unmarshal" in unread["message"]


class _Recorder:
    """An HTTP client that keeps its request."""

    def __init__(self) -> None:
        self.request: HTTPRequest | None = None

    def do(self, request: HTTPRequest) -> HTTPResponse:
        self.request = request
        return HTTPResponse(302)

    def get(self, url: str) -> HTTPResponse:
        return self.do(HTTPRequest("GET", url))

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        return self.do(HTTPRequest("POST", url, {"Content-Type": content_type}, body))


@EVERY_DIALECT
def test_options_that_were_honoured_are_marked(dialect):
    """A guest can then tell this host from one that ignores them."""
    client = _Recorder()
    dispatcher = HostDispatcher(HostPorts(http=client), Policy(network("h")), dialect=dialect)
    request = {
        "method": "GET",
        "url": "http://h/",
        "timeout_ms": 250,
        "follow_redirects": False,
        "max_redirects": 2,
        "insecure_skip_verify": True,
    }
    answer = json.loads(dispatcher.call("http_request", json.dumps(request).encode()))
    assert set(answer["applied"]) == {"follow_redirects", "max_redirects", "insecure_skip_verify"}
    assert client.request is not None
    assert client.request.timeout == timedelta(milliseconds=250)
    assert (client.request.follow_redirects, client.request.max_redirects) == (False, 2)
    plain = json.loads(dispatcher.call("http_request", b'{"method": "GET", "url": "http://h/"}'))
    assert "applied" not in plain


@EVERY_DIALECT
def test_an_unverified_certificate_is_taken_where_it_is_asked_for(dialect):
    """Of TCP and SMTP; the answer says so, and else says nothing. Clients that know nothing of it are not told."""
    asked = []

    class Clients:
        def dial_secure(self, address, timeout, tls, **options):
            asked.append(options)
            return ObservedConnection(is_tls=tls)

        def connect(self, host, port, timeout, use_tls, use_starttls, **options):
            asked.append(options)
            return SMTPConnectResult()

    ports = HostPorts(tcp=Clients(), smtp=Clients())
    dispatcher = HostDispatcher(ports, Policy(network("h")), dialect=dialect)
    target = {"host": "h", "port": 443 if dialect is Dialect.HOSTLIB else "443"}
    for name in ("tcp_connect", "smtp_connect"):
        plain, unverified = (
            json.loads(dispatcher.call(name, json.dumps({**target, **more}).encode()))
            for more in ({}, {"insecure_skip_verify": True})
        )
        assert "applied" not in plain
        assert unverified["applied"] == ["insecure_skip_verify"]
    assert asked == [{}, {"insecure_skip_verify": True}] * 2


def test_a_call_gets_no_more_time_than_its_check_has_left():
    """The deadline of the check bounds the timeout of a connection."""

    class Dialer:
        timeout = timedelta()

        def dial_secure(self, address, timeout, tls):
            Dialer.timeout = timeout
            raise AssertionError

    context = Context().with_timeout(timedelta(seconds=40))
    dispatcher = HostDispatcher(HostPorts(tcp=Dialer()), Policy(network("h")), context=context)  # type: ignore[arg-type]
    dispatcher.call("tcp_connect", b'{"host": "h", "port": "1", "timeout_ms": 60000}')
    assert timedelta() < Dialer.timeout <= timedelta(seconds=40)


def test_a_cancelled_check_makes_no_further_calls():
    """The answer is an error that says so."""
    cancellation = Cancellation()
    cancellation.cancel()
    world = FakeWorld(network("h"), context=Context(cancellation=cancellation))
    assert world.ask("http_request", {"method": "GET", "url": "http://h/"})["error"]["code"] == "cancelled"


def test_host_calls_are_counted_for_each_check():
    """One too many is refused; the next check starts at nothing."""
    world = FakeWorld(network("h"), limits=Limits(host_calls=2))
    world.tcp.on("h:1").respond().times(5)
    request = {"host": "h", "port": "1"}
    answers = [world.ask("tcp_connect", request) for _ in range(3)]
    assert [answer.get("connected") for answer in answers] == [True, True, None]
    assert "more than 2 host calls" in answers[2]["message"]
    again = world.dispatcher.for_check(Context())
    assert json.loads(again.call("tcp_connect", json.dumps(request).encode()))["connected"] is True


def test_a_request_over_the_limit_is_refused_unread():
    """ABI section 1: 1 MB at most, unless the limit says otherwise."""
    world = FakeWorld(network("h"), limits=Limits(request_bytes=100))
    answer = world.ask("http_request", b"x" * 101)
    assert answer["message"] == "a request of 101 bytes; 100 may be sent"


@pytest.mark.parametrize("request_", [b"", b"nope", b"[]", b'"x"', b'{"port": 1.5}', b"\xff"])
def test_what_is_no_request_is_refused(request_):
    """Whatever a guest sends is answered."""
    answer = FakeWorld(network("h")).ask("tcp_connect", request_)
    assert answer["error"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "fields",
    [
        {"port": "9" * 9000},
        {"port": "22", "context": {"timeout_ms": 2**63 - 1}},
        {"port": "22", "context": {"timeout_ms": -(2**63)}},
        {"port": "22", "timeout_ms": 2**63 - 1},
        {"port": "22", "timeout_ms": 10**4000},
        {"port": "22", "context": {"deadline": "9999-12-31T23:59:59Z"}},
    ],
)
def test_numbers_of_any_size_are_no_bug_of_ours(fields, caplog):
    """They are refused or cut to what can be; nothing is written to the host's own log."""
    FakeWorld(network("h.test")).ask("tcp_connect", {"host": "h.test", **fields})
    assert caplog.records == []


def test_a_client_whose_package_is_missing_is_an_error_of_that_call():
    """The plugin is told what to install; it is asked for when it is used, not before."""

    class NotInstalled(FakeDNSResolver):
        def in_context(self, ctx):
            raise MissingPackageError("dnspython")

    world = FakeWorld(network("h.test"), dns=NotInstalled())
    assert world.ask("tcp_connect", {"host": "h.test", "port": "22"})["error"]["type"] != "config"
    error = world.ask("dns_lookup", {"hostname": "h.test", "type": "A"})["error"]
    assert (error["type"], error["code"]) == ("config", "missing_package")
    assert "pip install 'reglet[host]'" in error["message"]


def test_a_function_without_a_port_is_not_offered():
    """It is told apart from one that does not exist."""
    dispatcher = HostDispatcher(HostPorts(), Policy(GrantSet()))
    assert (
        json.loads(dispatcher.call("dns_lookup", b"{}"))["message"] == "this host does not offer dns_lookup"
    )
    assert json.loads(dispatcher.call("nope", b"{}"))["message"] == "there is no host function nope"


def test_a_port_with_a_bug_does_not_end_the_host(caplog):
    """The guest is told nothing of it, the host's log everything."""

    class Broken:
        def do(self, request):
            raise KeyError("secret")

    dispatcher = HostDispatcher(HostPorts(http=Broken()), Policy(network("h")))  # type: ignore[arg-type]
    answer = json.loads(dispatcher.call("http_request", b'{"method": "GET", "url": "http://h/"}'))
    assert (answer["error"], answer["code"]) == ("INTERNAL_ERROR", 500)
    assert "secret" not in answer["message"]
    assert "KeyError" in caplog.text


def test_log_messages_are_passed_on_and_never_answered():
    """Also those that cannot be read, as what they are."""
    world = FakeWorld()
    assert world.ask("log_message", {"level": "INFO", "message": "hello", "context": {}}) is None
    assert world.ask("log_message", b"nope") is None
    assert world.log.texts[0] == "INFO hello"
    assert world.log.texts[1].startswith("WARN the plugin logged what cannot be read")


def test_a_flood_of_logs_is_cut():
    """The first message that is dropped is replaced by a word about it."""
    world = FakeWorld(limits=Limits(log_messages=2))
    for number in range(50):
        world.ask("log_message", {"level": "INFO", "message": str(number)})
    assert world.log.texts == [
        "INFO 0",
        "INFO 1",
        "WARN more than 2 log messages in one check: the rest is dropped",
    ]


def test_a_limit_of_nothing_is_refused():
    """Limits say so when they are made."""
    with pytest.raises(ValueError, match=r"Limits.host_calls must be more than nothing, not 0"):
        Limits(host_calls=0)
