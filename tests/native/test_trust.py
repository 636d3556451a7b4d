"""Whom TLS trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest
from pytest_httpserver import HTTPServer

from reglet.domain.errors import HTTPError, NetworkError
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from reglet.infrastructure.native.trust import Trust, system_roots
from tests.native.test_smtp import SECONDS


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
    """It takes ten times as long as a handshake, in a time that the check measures."""
    assert certificates.trust.context().get_ca_certs()
    assert not certificates.trust.context(verify=False).get_ca_certs()


def test_authorities_that_are_missing_are_an_error_of_the_call(tmp_path):
    """Not a bare OSError, and nothing is sent."""
    trust = Trust(str(tmp_path / "missing.pem"))
    with pytest.raises(HTTPError, match=r"missing\.pem"):
        NativeHTTPClient(trust=trust).get("https://127.0.0.1:1/")
    with pytest.raises(NetworkError, match=r"missing\.pem"):
        NativeSMTPClient(trust=trust).connect("127.0.0.1", 1, SECONDS, True, False)


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
