"""Whom TLS trusts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer

from reglet.domain.errors import HTTPError, NetworkError, TCPError
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from reglet.infrastructure.native.tcp import NativeTCPDialer
from reglet.infrastructure.native.trust import Trust, system_roots
from tests.native.answering import AMPLE, AnsweringServer


def paths(cafile=None, capath=None):
    """Return what OpenSSL says of its files."""
    return ssl.DefaultVerifyPaths(cafile, capath, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")


def test_the_systems_authorities_are_trusted_where_there_are_any(tmp_path):
    """A file comes first; a folder is read by OpenSSL itself."""
    (tmp_path / "abc.0").touch()
    assert system_roots(paths(cafile="/ca.pem", capath=str(tmp_path))) == "/ca.pem"
    assert system_roots(paths(capath=str(tmp_path))) is None


def test_certifis_authorities_stand_in_for_none(tmp_path):
    """As where Python came without any."""
    assert system_roots(paths()) == certifi.where()
    assert system_roots(paths(capath=str(tmp_path))) == certifi.where()


def test_windows_has_a_store_of_its_own():
    """In which an organisation's authorities are too; certifi's would take its place."""
    assert system_roots(paths(), "win32") is None
    assert system_roots(paths(cafile="/ca.pem"), "win32") == "/ca.pem"


def test_contexts_are_shared_until_their_file_changes(certificates, tmp_path):
    """Reading the authorities takes long; a file that was replaced is read again."""
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certificates.trust.ca_file).read_bytes())
    trust = Trust(str(path))
    first = trust.context()
    assert trust.context() is first
    assert trust.context(verify=False) is not first
    path.write_bytes(path.read_bytes() + b"\n")
    assert trust.context() is not first


def test_who_takes_any_certificate_reads_no_authorities(certificates):
    """Which takes many milliseconds, and is no part of what the server takes."""
    with AnsweringServer(
        lambda connection: certificates.expired.wrap_socket(connection, server_side=True).close()
    ) as server:
        dialer = NativeTCPDialer(trust=Trust("/no/such/file.pem"))
        with dialer.dial_secure(server.address, AMPLE, tls=True, insecure_skip_verify=True) as connection:
            assert connection.is_tls


def test_authorities_that_are_missing_are_an_error_of_the_call(tmp_path):
    """Not a bare OSError, and nothing is sent."""
    trust = Trust(str(tmp_path / "missing.pem"))
    with pytest.raises(HTTPError, match=r"missing\.pem"):
        NativeHTTPClient(trust=trust).get("https://127.0.0.1:1/")
    with pytest.raises(NetworkError, match=r"missing\.pem"):
        NativeSMTPClient(trust=trust).connect("127.0.0.1", 1, AMPLE, True, False)


@pytest.fixture
def ipv6_web(certificates):
    """Serve HTTPS on `::1`."""
    try:
        server = HTTPServer(host="::1", ssl_context=certificates.good)
        server.start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    yield server
    server.stop()


def test_an_ipv6_address_in_a_url_is_what_the_certificate_names(certificates, ipv6_web):
    """A URL has it in brackets, a certificate has not."""
    ipv6_web.expect_request("/").respond_with_data("hello")
    response = NativeHTTPClient(trust=certificates.trust).get(f"https://[::1]:{ipv6_web.port}/")
    assert response.body == b"hello"


def issued(subject, key, issuer, signing_key, ca=False, names=()):
    """Return a certificate with as few extensions as it can have."""
    common = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (issuer, subject)]
    now, day = datetime.now(UTC), timedelta(days=1)
    builder = x509.CertificateBuilder(
        *common, key.public_key(), x509.random_serial_number(), now - day, now + day
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
    return builder.sign(signing_key, hashes.SHA256())


@pytest.fixture
def dialled(tmp_path):
    """Return what dials a server that shows a certificate, and trusts another one."""

    def dial(chain, key, trusted, host="site.example", server=None):
        path = tmp_path / "ca.pem"
        path.write_bytes(trusted.public_bytes(Encoding.PEM))
        shown = tmp_path / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        shown.write_bytes(private + b"".join(each.public_bytes(Encoding.PEM) for each in chain))
        context = server or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown)

        def script(connection):
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

        with AnsweringServer(script) as answering:
            dialer = NativeTCPDialer(trust=Trust(str(path)), lookup=lambda _: ["127.0.0.1"])
            with dialer.dial_secure(f"{host}:{answering.port}", AMPLE, tls=True) as connection:
                return connection

    return dial


def test_a_common_name_is_no_host(dialled):
    """RFC 9525: names are alternative names alone, as in Go."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issued("site.example", key, "site.example", key)
    with pytest.raises(TCPError, match=r"not valid for 'site\.example'; insecure_skip_verify"):
        dialled([certificate], key, certificate)


@pytest.mark.parametrize("trusts", ["root", "intermediate", "leaf"])
def test_what_is_trusted_need_be_no_root(dialled, trusts):
    """An intermediate, or the server's own certificate, with none of the extensions that Python 3.13 asks for."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = issued("root", keys[0], "root", keys[0], ca=True)
    middle = issued("middle", keys[1], "root", keys[0], ca=True)
    leaf = issued("leaf", keys[2], "middle", keys[1], names=["site.example"])
    trusted = {"root": root, "intermediate": middle, "leaf": leaf}[trusts]
    assert dialled([leaf, middle], keys[2], trusted).tls_cert_issuer == "CN=middle"


@pytest.mark.parametrize("ciphers", ["ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256"])
def test_older_servers_are_spoken_to(dialled, ciphers):
    """Keys of 1024 bits, and what TLS 1.2 still had of SHA-1: Go takes both."""
    key = rsa.generate_private_key(65537, 1024)
    certificate = issued("old", key, "old", key, names=["site.example"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    connection = dialled([certificate], key, certificate, server=server)
    assert connection.tls_cipher_suite.startswith("TLS_ECDHE_RSA_WITH_AES_")


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_holds_no_authorities_is_named(tmp_path, content):
    """What OpenSSL says of it names no file."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(TCPError, match=r"ca\.pem holds no certificate authorities"):
        NativeTCPDialer(trust=Trust(str(path))).dial_secure("127.0.0.1:1", AMPLE, tls=True)
