"""The smtp plugin, as a host calls it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from smtp_plugin.plugin import plugin

from reglet.answers import TLSFacts
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_success,
    denied,
    refused,
    run_plugin_tests,
    timeout,
)


@pytest.fixture
def host() -> FakeHost:
    """Return a host that grants what the plugin declares."""
    return FakeHost.of(plugin)


def test_the_default_port_is_25(host: FakeHost) -> None:
    """And the answer says so."""
    host.smtp.on("mail.example.com", 25).respond("220 hello")
    run_plugin_tests(
        plugin,
        [
            TestCase(
                "default",
                {"host": "mail.example.com"},
                expect_data={"port": 25, "connected": True, "banner": "220 hello", "tls": False, "error": ""},
            )
        ],
        clients=[host],
    )


@pytest.mark.parametrize(("option", "port"), [("use_tls", 465), ("use_starttls", 587)])
def test_tls_is_negotiated_and_reported(host: FakeHost, option: str, port: int) -> None:
    """At once, or after the greeting."""
    host.smtp.on("mail.example.com", port, use_tls=port == 465, use_starttls=port == 587).respond(
        "220 hello", tls=TLSFacts("TLS 1.3", "C", "mail.example.com")
    )
    result = host.check(plugin, {"host": "mail.example.com", "port": port, option: True})
    assert_success(result)
    assert_data_field(result, "tls", expected=True)
    assert_data_field(result, "tls_version", "TLS 1.3")
    assert_data_field(result, "tls_cipher_suite", "C")


def test_the_time_is_the_hosts_own_measurement(host: FakeHost) -> None:
    """In milliseconds."""
    host.smtp.on("mail.example.com").respond("220 hello", latency=timedelta(milliseconds=40))
    assert_data_field(host.check(plugin, {"host": "mail.example.com"}), "response_time_ms", 40)


def test_no_greeting_is_data(host: FakeHost) -> None:
    """So that `data.connected == true` is false, not an error."""
    host.smtp.on("down.example.com").fail(refused())
    host.smtp.on("slow.example.com").fail(timeout())
    for name in ("down.example.com", "slow.example.com"):
        result = host.check(plugin, {"host": name})
        assert_success(result)
        assert_data_field(result, "connected", expected=False)
        assert result.data is not None
        assert result.data["error"].startswith("connection failed: ")


def test_what_was_not_granted_is_an_error(host: FakeHost) -> None:
    """The user learns what to grant."""
    host.smtp.on("mail.example.com").fail(denied())
    assert_error(host.check(plugin, {"host": "mail.example.com"}), "network", type="capability")


def test_tls_starts_once(host: FakeHost) -> None:
    """Nothing is connected if both are asked for."""
    config = {"host": "mail.example.com", "use_tls": True, "use_starttls": True}
    assert_error(host.check(plugin, config), "exclude each other", type="config")


def test_every_documented_field_is_there(host: FakeHost) -> None:
    """Of no greeting too; only what the host does not tell is null."""
    host.smtp.on("down.example.com").fail(refused())
    result = host.check(plugin, {"host": "down.example.com"})
    schema = plugin.manifest(host.context()).services["smtp"].operations[0].output_schema
    assert schema is not None
    assert result.data is not None
    assert set(result.data) == set(schema["properties"])
    assert [name for name, value in result.data.items() if value is None] == ["supports_auth"]
