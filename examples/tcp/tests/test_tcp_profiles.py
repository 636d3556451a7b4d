"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reglet import Plugin
from reglet.answers import TLSFacts
from reglet.testing import FakeHost

EXPRESSIONS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "data.connected == true": lambda data: data["connected"] is True,
    "data.tls == true": lambda data: data["tls"] is True,
    'data.tls_version == "TLS 1.2" || data.tls_version == "TLS 1.3"': lambda data: (
        data["tls_version"] in {"TLS 1.2", "TLS 1.3"}
    ),
    'data.tls_version >= "TLS 1.2"': lambda data: data["tls_version"] >= "TLS 1.2",
    "data.response_time_ms < 60000": lambda data: data["response_time_ms"] < 60000,
    "data.response_time_ms > 0": lambda data: data["response_time_ms"] > 0,
    'data.tls_cert_subject != "" && data.tls_cert_issuer != ""': lambda data: (
        data["tls_cert_subject"] != "" and data["tls_cert_issuer"] != ""
    ),
    "!data.expectation_failed": lambda data: not data["expectation_failed"],
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, fake_host: FakeHost, expression: str) -> None:
    """Missing fields would make the control an error."""
    fake_host.tcp.on("example.com:443").respond(
        tls=TLSFacts("TLS 1.3", "C", "example.com", "CN=example.com", "CN=CA")
    )
    result = fake_host.check(plugin, {"host": "example.com", "port": "443", "tls": True})
    assert result.data is not None
    assert EXPRESSIONS[expression](result.data)
