"""TCP and TLS: what a connection tells, and how it fails."""

from __future__ import annotations

import builtins
import socket
import struct
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from reglet.domain.context import Context, ContextBound
from reglet.domain.errors import RegletError, TCPError, TimeoutError  # noqa: A004 - our own family
from reglet.domain.ports import TCPConnection, TCPDialer
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.dialer import split_address
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.tcp import NativeTCPDialer
from reglet.infrastructure.native.trust import iana_name
from tests.native.answering import AMPLE, AnsweringServer, until_closed
from tests.patience import PATIENCE

DIALER = NativeTCPDialer()


def handshaking(context):
    """Return a script that does a TLS handshake and waits for the end."""

    def script(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            until_closed(secured)

    return script


def test_the_dialer_is_the_port():
    """It can be bound to a context as the port."""
    assert isinstance(DIALER, TCPDialer)
    assert isinstance(DIALER, ContextBound)


def test_a_plain_connection_tells_its_ends():
    """And nothing of TLS; closing twice does nothing."""
    with AnsweringServer(until_closed) as server:
        with DIALER.dial(server.address) as connection:
            assert isinstance(connection, TCPConnection)
            assert connection.is_connected
            assert connection.remote_addr == server.address
            assert connection.local_addr.startswith("127.0.0.1:")
            assert (connection.is_tls, connection.tls_version, connection.tls_cert_not_after) == (
                False,
                "",
                None,
            )
        connection.close()
        assert not connection.is_connected


def test_a_secure_connection_tells_what_was_negotiated(certificates):
    """Version, suite by its IANA name, SNI, and the certificate by RFC 4514."""
    dialer = NativeTCPDialer(trust=certificates.trust, lookup=lambda _: ["127.0.0.1"])
    with (
        AnsweringServer(handshaking(certificates.good)) as server,
        dialer.dial_secure(f"Good.example:{server.port}", AMPLE, tls=True) as connection,
    ):
        assert connection.is_tls
        assert connection.tls_version == "TLS 1.3"
        assert connection.tls_cipher_suite == "TLS_AES_256_GCM_SHA384"
        assert connection.tls_server_name == "good.example"
        assert "CN=good" in connection.tls_cert_subject
        assert "O=Reglet" in connection.tls_cert_subject
        assert connection.tls_cert_issuer.startswith("OU=Testing CA")
        assert connection.tls_cert_not_after > datetime.now(UTC)


def test_a_name_that_is_not_looked_up_in_time_is_a_timeout_that_says_so():
    """Whichever port asks; a name that is missing is told as that too."""

    def silent(_host):
        raise builtins.TimeoutError("no nameserver answers (timeout after 10s)")

    def missing(_host):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for lookup in (silent, missing):
        http, tcp = NativeHTTPClient(lookup=lookup), NativeTCPDialer(lookup=lookup)
        for call in (partial(http.get, "http://w.example/"), partial(tcp.dial, "w.example:1")):
            with pytest.raises(RegletError, match=r"dns lookup for w\.example \(A\) failed: ") as caught:
                call()
            assert caught.value.is_timeout is (lookup is silent)
            assert caught.value.is_not_found is (lookup is missing)
            assert caught.value.detail().type == ("timeout" if lookup is silent else "network")


def test_an_address_is_not_asked_for_by_name(certificates):
    """There is no SNI for addresses; the certificate must have the address."""
    dialer = NativeTCPDialer(trust=certificates.trust)
    with (
        AnsweringServer(handshaking(certificates.good)) as server,
        dialer.dial_secure(server.address, AMPLE, tls=True) as connection,
    ):
        assert connection.tls_server_name == ""


@pytest.mark.parametrize("kind", ["expired", "self_signed"])
def test_a_bad_certificate_is_refused_and_its_facts_are_told_on_request(certificates, kind):
    """Skipping verification is how to see when a certificate expired."""
    dialer = NativeTCPDialer(trust=certificates.trust)
    with AnsweringServer(handshaking(getattr(certificates, kind))) as server:
        with pytest.raises(TCPError, match="CERTIFICATE_VERIFY_FAILED"):
            dialer.dial_secure(server.address, AMPLE, tls=True)
        with dialer.dial_secure(server.address, AMPLE, tls=True, insecure_skip_verify=True) as connection:
            assert (connection.tls_cert_not_after < datetime.now(UTC)) is (kind == "expired")
            assert connection.tls_cert_subject
            assert timedelta() < connection.response_time < AMPLE


def test_a_server_that_hangs_up_behind_its_handshake_was_connected_to(certificates):
    """As one that wants a certificate of the client's does: a reset connection no longer knows its far end."""

    def script(connection):
        with certificates.good.wrap_socket(connection, server_side=True) as secured:
            secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    dialer = NativeTCPDialer(trust=certificates.trust)
    for _ in range(20):
        with (
            AnsweringServer(script) as server,
            dialer.dial_secure(server.address, AMPLE, tls=True) as connection,
        ):
            assert (connection.remote_addr, connection.is_tls) == (server.address, True)


def test_a_certificate_for_another_name_is_refused(certificates):
    """However good it is."""
    dialer = NativeTCPDialer(trust=certificates.trust, lookup=lambda _: ["127.0.0.1"])
    with (
        AnsweringServer(handshaking(certificates.good)) as server,
        pytest.raises(TCPError, match="Hostname mismatch"),
    ):
        dialer.dial_secure(f"bad.example:{server.port}", AMPLE, tls=True)


def test_a_server_without_tls_is_an_error():
    """It speaks, and not TLS."""
    with (
        AnsweringServer(lambda connection: connection.sendall(b"220 hello\r\n" * 20)) as server,
        pytest.raises(TCPError),
    ):
        DIALER.dial_secure(server.address, AMPLE, tls=True)


def test_a_handshake_that_never_ends_times_out():
    """Within the call's own time, or the context's if that is shorter."""
    with AnsweringServer(until_closed) as server:
        with pytest.raises(TimeoutError) as caught:
            DIALER.dial_secure(server.address, timedelta(milliseconds=50), tls=True)
        assert str(caught.value) == f"tcp connect timeout after 50ms (target: {server.address})"
        ctx = Context().with_timeout(timedelta(milliseconds=50))
        with pytest.raises(TimeoutError):
            DIALER.in_context(ctx).dial_secure(server.address, timedelta(hours=1), tls=True)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "refused"),
        ("127.0.0.1", "not host:port"),
        ("127.0.0.1:http", "not host:port"),
        ("::1:80", "not host:port"),
        ("127.0.0.1:65536", "not host:port"),
        (":80", "not host:port"),
        ("a..b:80", "a label is empty"),
        ("[::1", "not host:port"),
    ],
)
def test_a_failure_names_address_and_reason(address, reason):
    """Whatever went wrong is a TCPError with its cause."""
    with pytest.raises(TCPError, match=reason) as caught:
        DIALER.dial(address)
    assert str(caught.value).startswith(f"tcp connect to {address} (tcp) failed: ")


def test_a_name_that_does_not_resolve_is_told_as_such():
    """The look-up's own error is the cause."""

    def unknown(name):
        raise OSError(f"{name} is unknown")

    with pytest.raises(TCPError, match=r"dns lookup for nowhere\.example"):
        NativeTCPDialer(lookup=unknown).dial("nowhere.example:80")


def test_a_look_up_that_hangs_times_out():
    """It is left behind in its thread."""
    from threading import Event

    over = Event()

    def hang(_):
        over.wait(PATIENCE)
        return []

    with pytest.raises(TimeoutError):
        NativeTCPDialer(lookup=hang).dial_with_timeout("slow.example:80", timedelta(milliseconds=50))
    over.set()


def test_the_next_address_is_dialled_when_one_refuses():
    """All were checked before the first was dialled."""
    with AnsweringServer(until_closed) as server:
        dialer = NativeTCPDialer(lookup=lambda _: ["127.0.0.9", "127.0.0.1"])
        with dialer.dial(f"two.example:{server.port}") as connection:
            assert connection.remote_addr == server.address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a:1", "a", 1), ("[::1]:80", "[::1]", 80), ("1.2.3.4:65535", "1.2.3.4", 65535)],
)
def test_addresses_are_split_and_joined(text, host, port):
    """Brackets stand around IPv6."""
    assert split_address(text) == (host, port)
    assert join_host_port(host, port) == text
    assert split_address(host, port) == (host, port)


SUITES = {
    "TLS_AES_128_GCM_SHA256": "TLS_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "DHE-RSA-AES256-SHA256": "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "ECDHE-RSA-AES256-SHA": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "DHE-RSA-AES256-CCM8": "TLS_DHE_RSA_WITH_AES_256_CCM_8",
    "ECDHE-ARIA128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256",
    "DHE-DSS-CAMELLIA256-SHA": "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA",
    "SOMETHING-NEW": "SOMETHING-NEW",
}


@pytest.mark.parametrize(("openssl", "iana"), SUITES.items())
def test_cipher_suites_have_their_iana_names(openssl, iana):
    """As `openssl ciphers -stdname` says; an unknown name stays as it is."""
    assert iana_name(openssl) == iana
