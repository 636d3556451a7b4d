"""Real servers on loopback, and certificates for them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from attrs import frozen
from pytest_httpserver import HTTPServer

from reglet.infrastructure.native.trust import Trust


@frozen
class Certificates:
    """Server contexts, and whom to trust: good, expired, signed by a stranger, and good with HTTP/2 on offer."""

    trust: Trust
    good: ssl.SSLContext
    expired: ssl.SSLContext
    self_signed: ssl.SSLContext
    http2: ssl.SSLContext


def server_context(certificate):
    """Return a server context that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Make an authority and what it issues, once."""
    authority, stranger = trustme.CA(), trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    past = datetime.now(UTC) - timedelta(days=3)
    names = ("localhost", "127.0.0.1", "::1", "good.example")
    http2 = server_context(authority.issue_cert(*names))
    http2.set_alpn_protocols(["h2"])
    return Certificates(
        Trust(str(path)),
        server_context(authority.issue_cert(*names, common_name="good", organization_name="Reglet")),
        server_context(authority.issue_cert(*names, not_before=past - timedelta(days=9), not_after=past)),
        server_context(stranger.issue_cert(*names)),
        http2,
    )


@pytest.fixture(scope="session")
def web_server():
    """Start one HTTP server for all tests: stopping it takes half a second."""
    with HTTPServer(host="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def secure_web_server(certificates):
    """Start one HTTPS server with the good certificate for all tests."""
    with HTTPServer(host="127.0.0.1", ssl_context=certificates.good) as server:
        yield server


@pytest.fixture
def web(web_server):
    """Serve HTTP on a free port of 127.0.0.1; nothing is expected yet."""
    yield web_server
    web_server.clear()


@pytest.fixture
def secure_web(secure_web_server):
    """Serve HTTPS with the good certificate; nothing is expected yet."""
    yield secure_web_server
    secure_web_server.clear()
