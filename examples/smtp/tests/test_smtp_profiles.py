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
    'data.banner contains "ESMTP"': lambda data: "ESMTP" in data["banner"],
    'data.tls_version >= "TLS 1.2"': lambda data: data["tls_version"] >= "TLS 1.2",
    "data.response_time_ms < 60000": lambda data: data["response_time_ms"] < 60000,
    "len(data.extensions) >= 0": lambda data: len(data["extensions"]) >= 0,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, fake_host: FakeHost, expression: str) -> None:
    """Missing fields would make the control an error."""
    fake_host.smtp.on("mail.example.com", 465).respond("220 mail ESMTP", tls=TLSFacts("TLS 1.3"))
    result = fake_host.check(plugin, {"host": "mail.example.com", "port": "465", "use_tls": True})
    assert result.data is not None
    assert EXPRESSIONS[expression](result.data)
