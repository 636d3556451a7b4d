"""SMTP against aiosmtpd, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult

from reglet.domain.context import Context, ContextBound
from reglet.domain.errors import NetworkError, TimeoutError  # noqa: A004 - our own family
from reglet.domain.ports import SMTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from tests.native.answering import AMPLE, AnsweringServer, until_closed
from tests.patience import PATIENCE, longer_each_time

# aiosmtpd leaves transports behind when it stops after STARTTLS; they are collected before the next test.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

CLIENT = NativeSMTPClient()


class FreePortController(Controller):
    """A controller on a port that the system chooses."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        with contextlib.ExitStack() as stack:  # as the base class does, which waits for a second
            connection = stack.enter_context(socket.create_connection((self.hostname, self.port), PATIENCE))
            if self.ssl_context is not None:
                client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
                connection = stack.enter_context(client.wrap_socket(connection))
            connection.recv(1024)


@pytest.fixture
def mail(certificates):
    """Start mail servers; gives a function from options to port."""
    controllers = []

    def start(**options):
        controller = FreePortController(
            Sink(), hostname="127.0.0.1", port=0, ready_timeout=PATIENCE, **options
        )
        controllers.append(controller)
        controller.start()
        return controller.port

    yield start
    for controller in controllers:
        controller.stop()
    gc.collect()


def test_the_client_is_the_port():
    """It can be bound to a context as the port."""
    assert isinstance(CLIENT, SMTPClient)
    assert isinstance(CLIENT, ContextBound)


def test_a_server_tells_its_banner_and_extensions(mail):
    """Without TLS."""
    port = mail(ident="Test mail")
    result = CLIENT.connect("127.0.0.1", port, AMPLE, False, False)
    assert result.connected
    assert result.banner.startswith("220 ")
    assert result.banner.endswith("Test mail")
    assert "8BITMIME" in result.extensions
    assert result.supports_auth is False
    assert (result.tls_enabled, result.tls_version) == (False, "")
    assert result.address == f"127.0.0.1:{port}"
    assert result.response_time > timedelta()


def test_a_server_that_offers_auth_is_said_to(mail, certificates):
    """AUTH stands among the extensions, here only once the session is secure."""
    port = mail(tls_context=certificates.good, authenticator=lambda *_: AuthResult(success=True))
    client = NativeSMTPClient(trust=certificates.trust)
    assert client.connect("localhost", port, AMPLE, False, False).supports_auth is False
    assert client.connect("localhost", port, AMPLE, False, True).supports_auth is True


def test_tls_from_the_start(mail, certificates):
    """The certificate is verified, the handshake told."""
    port = mail(ssl_context=certificates.good)
    client = NativeSMTPClient(trust=certificates.trust)
    result = client.connect("localhost", port, AMPLE, True, False)
    assert result.tls_enabled
    assert (result.tls_version, result.tls_server_name) == ("TLS 1.3", "localhost")
    assert result.tls_cipher_suite.startswith("TLS_")
    assert result.banner.startswith("220 ")
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        CLIENT.connect("localhost", port, AMPLE, True, False)
    assert CLIENT.connect("localhost", port, AMPLE, True, False, insecure_skip_verify=True).tls_enabled


def test_starttls(mail, certificates):
    """Extensions are asked for again afterwards; the offer itself is gone then."""
    port = mail(tls_context=certificates.good)
    client = NativeSMTPClient(trust=certificates.trust)
    before = client.connect("127.0.0.1", port, AMPLE, False, False)
    after = client.connect("localhost", port, AMPLE, False, True)
    assert "STARTTLS" in before.extensions
    assert "STARTTLS" not in after.extensions
    assert after.tls_enabled
    assert after.tls_version == "TLS 1.3"


@pytest.mark.parametrize("kind", ["expired", "self_signed"])
def test_starttls_shows_the_facts_of_any_certificate_on_request(mail, certificates, kind):
    """One that is refused otherwise."""
    port = mail(tls_context=getattr(certificates, kind))
    client = NativeSMTPClient(trust=certificates.trust)
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        client.connect("127.0.0.1", port, AMPLE, False, True)
    result = client.connect("127.0.0.1", port, AMPLE, False, True, insecure_skip_verify=True)
    assert (result.tls_enabled, result.tls_version) == (True, "TLS 1.3")


def test_starttls_that_is_not_offered_is_an_error(mail):
    """Nothing goes on in plain text."""
    with pytest.raises(NetworkError, match="the server answered '454 TLS not available'"):
        CLIENT.connect("127.0.0.1", mail(), AMPLE, False, True)


def test_an_old_server_knows_helo_only():
    """It has no extensions."""

    def helo_only(connection):
        connection.sendall(b"220 old\r\n")
        for answer in (b"502 no EHLO\r\n", b"250 hello\r\n", b"221 bye\r\n"):
            connection.recv(4096)
            connection.sendall(answer)

    with AnsweringServer(helo_only) as server:
        result = CLIENT.connect("127.0.0.1", server.port, AMPLE, False, False)
    assert (result.banner, result.extensions, result.supports_auth) == ("220 old", (), False)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"554 go away\r\n", "the server answered '554 go away', not 220"),
        (b"", "the server closed the connection"),
        (b"SSH-2.0-OpenSSH\r\n", "the server said 'SSH-2.0-OpenSSH', which is no answer of a mail server"),
        (b"HTTP/1.1 400 Bad\r\n\r\n", "the server said 'HTTP/1.1 400 Bad'"),
        (b"220\r\n", "the server said '220'"),
        (b"220\thi\r\n", "the server said"),
        (b"2200 hi\r\n", "the server said '2200 hi'"),
        (b"220-more\r\n", "the server closed the connection"),
        (b"220 " + b"x" * 100_000, "the server said more than 65536 bytes"),
    ],
)
def test_a_server_that_is_no_mail_server_is_an_error(said, reason):
    """The text says what it said."""
    with (
        AnsweringServer(lambda connection: connection.sendall(said)) as server,
        pytest.raises(NetworkError, match=reason) as caught,
    ):
        CLIENT.connect("127.0.0.1", server.port, AMPLE, False, False)
    # as a plugin words it, which then says it once
    assert str(caught.value).startswith(f"network smtp connect failed for 127.0.0.1:{server.port}: ")


def test_a_server_that_never_stops_talking_is_cut_off():
    """After 64 kB in all."""

    def flood(connection):
        while True:
            connection.sendall(b"220-more\r\n" * 100)

    with AnsweringServer(flood) as server, pytest.raises(NetworkError, match="more than 65536 bytes"):
        CLIENT.connect("127.0.0.1", server.port, AMPLE, False, False)


def test_a_server_that_keeps_silent_times_out():
    """Within the call's own time, or the context's if that is shorter."""
    with AnsweringServer(until_closed) as server:
        with pytest.raises(TimeoutError) as caught:
            CLIENT.connect("127.0.0.1", server.port, timedelta(milliseconds=50), False, False)
        assert caught.value.is_timeout
        for limit in longer_each_time(timedelta(milliseconds=50)):
            client = CLIENT.in_context(Context().with_timeout(limit))
            with pytest.raises(TimeoutError) as caught:
                client.connect("127.0.0.1", server.port, timedelta(hours=1), False, False)
            if caught.value.concerns_target:  # the machine did not stand still before it was asked
                break
    assert timedelta() < caught.value.duration <= limit
    assert str(caught.value).startswith("smtp connect timeout after ")


def test_a_refused_connection_is_an_error():
    """With its address."""
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1:1: .*refused"):
        CLIENT.connect("127.0.0.1", 1, AMPLE, False, False)


def saying(*answers, tls=None):
    """Return a script that gives one answer a command, the first as the banner; `tls` starts TLS behind it."""

    def script(connection):
        for answer in answers:
            connection.sendall(answer)
            if tls is not None and answer.startswith(b"220 go"):
                connection = tls.wrap_socket(connection, server_side=True)
            connection.recv(4096)
        connection.close()

    return script


@pytest.mark.parametrize(
    ("banner", "answer", "told", "extensions"),
    [
        (b"220-a\r\n220 b \r\n", b"250-mx\n250-SIZE\n250 X\n", "220 a\nb ", ("SIZE", "X")),
        (b"220-a\r\n221 b\r\n220 c\r\n", b"250 mx\r\n", "220 a\n221 b\nc", ()),
        (
            b"220 " + b"x" * 9000 + b"\r\n",
            b"250-\r\n250 " + b"Y" * 9000 + b"\r\n",
            "220 " + "x" * 9000,
            ("Y" * 9000,),
        ),
        (b"220 caf\xc3\xa9\r\n", b"250-mx\r\n251-A\r\n250 B\r\n", "220 café", ("251-A", "B")),
    ],
)
def test_answers_are_read_as_go_reads_them(banner, answer, told, extensions):
    """Lines of any length and end; one of another code is part of the answer."""
    with AnsweringServer(saying(banner, answer)) as server:
        result = CLIENT.connect("127.0.0.1", server.port, AMPLE, False, False)
    assert (result.banner, result.extensions) == (told, extensions)


@pytest.mark.parametrize("answer", [b"502 no\r\n", b"220 again\r\n250-mx\r\n250 SIZE\r\n"])
def test_a_server_that_offers_tls_must_know_ehlo_behind_it(certificates, answer):
    """What is refused there is an error, not a server without extensions."""
    client = NativeSMTPClient(trust=certificates.trust)
    script = saying(
        b"220 hi\r\n",
        b"250-mx\r\n250 STARTTLS\r\n",
        b"220 go\r\n",
        answer,
        b"250 hi\r\n",
        tls=certificates.good,
    )
    with (
        AnsweringServer(script) as server,
        pytest.raises(NetworkError, match=r"answered '(502|220) .*, not 250"),
    ):
        client.connect("127.0.0.1", server.port, AMPLE, False, True)


def test_what_the_server_said_before_tls_is_forgotten(certificates):
    """A line injected before the handshake is not taken for one after it."""

    def inject(connection):
        connection.sendall(b"220 hi\r\n")
        connection.recv(4096)
        connection.sendall(b"250-hi\r\n250 STARTTLS\r\n")
        connection.recv(4096)
        connection.sendall(b"220 go\r\n250-hi\r\n250 AUTH INJECTED\r\n")
        with certificates.good.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(b"250-hi\r\n250 SIZE\r\n")
            until_closed(secured)

    client = NativeSMTPClient(trust=certificates.trust)
    with AnsweringServer(inject) as server:
        result = client.connect("127.0.0.1", server.port, AMPLE, False, True)
    assert (result.extensions, result.tls_enabled) == (("SIZE",), True)
