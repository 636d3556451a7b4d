"""The smtp plugin, as a host calls it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglet import Plugin
from reglet.answers import TLSFacts
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_matches_schema,
    assert_never_traps,
    assert_success,
    denied,
    refused,
    run_plugin_tests,
    timeout,
)


def test_the_default_port_is_25(plugin: Plugin, fake_host: FakeHost) -> None:
    """And the answer says so."""
    fake_host.smtp.on("mail.example.com", 25).respond("220 hello")
    run_plugin_tests(
        plugin,
        [
            TestCase(
                "default",
                {"host": "mail.example.com"},
                expect_data={"port": 25, "connected": True, "banner": "220 hello", "tls": False, "error": ""},
            )
        ],
        clients=[fake_host],
    )


@pytest.mark.parametrize(("option", "port"), [("use_tls", 465), ("use_starttls", 587)])
def test_tls_is_negotiated_and_reported(plugin: Plugin, fake_host: FakeHost, option: str, port: int) -> None:
    """At once, or after the greeting."""
    fake_host.smtp.on("mail.example.com", port, use_tls=port == 465, use_starttls=port == 587).respond(
        "220 hello", tls=TLSFacts("TLS 1.3", "C", "mail.example.com")
    )
    result = fake_host.check(plugin, {"host": "mail.example.com", "port": port, option: True})
    assert_success(result)
    assert_data_field(result, "tls", expected=True)
    assert_data_field(result, "tls_version", "TLS 1.3")
    assert_data_field(result, "tls_cipher_suite", "C")


def test_the_time_is_the_hosts_own_measurement(plugin: Plugin, fake_host: FakeHost) -> None:
    """In milliseconds."""
    fake_host.smtp.on("mail.example.com").respond("220 hello", latency=timedelta(milliseconds=40))
    assert_data_field(fake_host.check(plugin, {"host": "mail.example.com"}), "response_time_ms", 40)


def test_no_greeting_is_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """So that `data.connected == true` is false, not an error."""
    fake_host.smtp.on("down.example.com").fail(refused())
    fake_host.smtp.on("slow.example.com").fail(timeout())
    for name in ("down.example.com", "slow.example.com"):
        result = fake_host.check(plugin, {"host": name})
        assert_success(result)
        assert_data_field(result, "connected", expected=False)
        assert result.data is not None
        assert result.data["error"].startswith("connection failed: ")


def test_what_was_not_granted_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """The user learns what to grant."""
    fake_host.smtp.on("mail.example.com").fail(denied())
    assert_error(fake_host.check(plugin, {"host": "mail.example.com"}), "network", type="capability")


def test_tls_starts_once(plugin: Plugin, fake_host: FakeHost) -> None:
    """Nothing is connected if both are asked for."""
    config = {"host": "mail.example.com", "use_tls": True, "use_starttls": True}
    assert_error(fake_host.check(plugin, config), "exclude each other", type="config")


def test_a_certificate_is_looked_at_with_tls_alone(plugin: Plugin, fake_host: FakeHost) -> None:
    """An option that nothing would come of is refused."""
    config = {"host": "mail.example.com", "insecure_skip_verify": True}
    assert_error(fake_host.check(plugin, config), "insecure_skip_verify", type="config")


def test_every_documented_field_is_there(plugin: Plugin, fake_host: FakeHost) -> None:
    """Of no greeting too; only what the host does not tell is null."""
    fake_host.smtp.on("down.example.com").fail(refused())
    result = fake_host.check(plugin, {"host": "down.example.com"})
    schema = plugin.manifest(fake_host.context()).services["smtp"].operations[0].output_schema
    assert schema is not None
    assert result.data is not None
    assert set(result.data) == set(schema["properties"])
    assert [name for name, value in result.data.items() if value is None] == ["supports_auth"]
    assert_matches_schema(result, schema)


@pytest.mark.parametrize("host", ["", "smtp://mail.example.com", "a b"])
def test_what_is_no_host_is_refused(plugin: Plugin, fake_host: FakeHost, host: str) -> None:
    """And not reported as one that cannot be reached."""
    assert_error(fake_host.check(plugin, {"host": host}), "host", type="config")


@pytest.mark.parametrize("timeout_ms", [0, 3_600_001, 9223372036854775808])
def test_a_time_limit_has_bounds(plugin: Plugin, fake_host: FakeHost, timeout_ms: int) -> None:
    """From a millisecond to an hour."""
    config = {"host": "mail.example.com", "timeout_ms": timeout_ms}
    assert_error(fake_host.check(plugin, config), "timeout_ms", type="config")


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
