"""The tcp plugin, as a host calls it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reglet import Plugin
from reglet.answers import TLSFacts
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_failure,
    assert_matches_schema,
    assert_never_traps,
    assert_success,
    denied,
    refused,
    run_plugin_tests,
    timeout,
)


def test_a_port_may_be_written_as_text(plugin: Plugin, fake_host: FakeHost) -> None:
    """As profiles do."""
    fake_host.tcp.on("example.com:443").respond(remote_addr="93.184.216.34:443")
    run_plugin_tests(
        plugin,
        [
            TestCase(
                "text",
                {"host": "example.com", "port": "443"},
                expect_data={"port": 443, "connected": True, "remote_addr": "93.184.216.34:443"},
            )
        ],
        clients=[fake_host],
    )


def test_an_ipv6_address_is_dialled_in_brackets(plugin: Plugin, fake_host: FakeHost) -> None:
    """Or its port could not be found in it."""
    fake_host.tcp.on("[2606:2800:21f::1]:443").respond()
    assert_success(fake_host.check(plugin, {"host": "2606:2800:21f::1", "port": 443}))


def test_the_certificate_is_reported(plugin: Plugin, fake_host: FakeHost) -> None:
    """Whom it is for, who issued it, and how long it is good."""
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30, hours=1)
    fake_host.tcp.on("example.com:443", tls=True).respond(
        tls=TLSFacts("TLS 1.3", "C", "example.com", "CN=example.com", "CN=CA", expiry)
    )
    result = fake_host.check(plugin, {"host": "example.com", "port": 443, "tls": True})
    assert_data_field(result, "tls_cert_subject", "CN=example.com")
    assert_data_field(result, "tls_cert_issuer", "CN=CA")
    assert_data_field(result, "tls_expiry", expiry.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert_data_field(result, "tls_cert_days_remaining", 30)


def test_the_days_of_an_expired_certificate_are_below_zero(plugin: Plugin, fake_host: FakeHost) -> None:
    """A certificate that has expired an hour ago has -1 left."""
    fake_host.tcp.on("example.com:443", tls=True).respond(
        tls=TLSFacts("TLS 1.3", cert_not_after=datetime.now(UTC) - timedelta(hours=1))
    )
    config = {"host": "example.com", "port": 443, "tls": True, "insecure_skip_verify": True}
    assert_data_field(fake_host.check(plugin, config), "tls_cert_days_remaining", -1)


def test_a_certificate_is_looked_at_with_tls_alone(plugin: Plugin, fake_host: FakeHost) -> None:
    """An option that nothing would come of is refused."""
    config = {"host": "example.com", "port": 443, "insecure_skip_verify": True}
    assert_error(fake_host.check(plugin, config), "insecure_skip_verify", type="config")


def test_no_connection_is_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """So that `data.connected == true` is false, not an error."""
    fake_host.tcp.on("example.com:23").fail(refused())
    fake_host.tcp.on("example.com:24").fail(timeout())
    for port in (23, 24):
        result = fake_host.check(plugin, {"host": "example.com", "port": port})
        assert_success(result)
        assert_data_field(result, "connected", expected=False)
        assert result.data is not None
        assert "example.com" in result.data["error"]


def test_what_was_not_granted_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """The user learns what to grant."""
    fake_host.tcp.on("example.com:23").fail(denied())
    assert_error(fake_host.check(plugin, {"host": "example.com", "port": 23}), "network", type="capability")


def test_another_tls_version_is_a_failure_with_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """Without an error, so that a profile's own expressions are still asked."""
    fake_host.tcp.on("example.com:443").respond(tls=TLSFacts("TLS 1.2"))
    config = {"host": "example.com", "port": 443, "tls": True, "expected_tls_version": "TLS 1.3"}
    result = fake_host.check(plugin, config)
    assert_failure(result)
    assert result.error is None
    assert_data_field(result, "tls_version", "TLS 1.2")
    assert_data_field(result, "expectation_failed", expected=True)


def test_every_documented_field_is_there(plugin: Plugin, fake_host: FakeHost) -> None:
    """Only the days of a certificate that nobody showed are null."""
    fake_host.tcp.on("example.com:22").respond()
    result = fake_host.check(plugin, {"host": "example.com", "port": 22})
    schema = plugin.manifest(fake_host.context()).services["tcp"].operations[0].output_schema
    assert schema is not None
    assert result.data is not None
    assert set(result.data) == set(schema["properties"])
    assert [name for name, value in result.data.items() if value is None] == ["tls_cert_days_remaining"]
    assert_matches_schema(result, schema)


def test_a_version_without_tls_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """No version was looked at, so that none is wrong."""
    config = {"host": "example.com", "port": 443, "expected_tls_version": "TLS 1.3"}
    assert_error(fake_host.check(plugin, config), "expected_tls_version", type="config")


@pytest.mark.parametrize("host", ["", "https://example.com", "example.com/", "a b"])
def test_what_is_no_host_is_refused(plugin: Plugin, fake_host: FakeHost, host: str) -> None:
    """And not reported as one that cannot be reached."""
    assert_error(fake_host.check(plugin, {"host": host, "port": 443}), "host", type="config")


@pytest.mark.parametrize("timeout_ms", [0, 3_600_001, 9223372036854775808])
def test_a_time_limit_has_bounds(plugin: Plugin, fake_host: FakeHost, timeout_ms: int) -> None:
    """From a millisecond to an hour."""
    config = {"host": "example.com", "port": 443, "timeout_ms": timeout_ms}
    assert_error(fake_host.check(plugin, config), "timeout_ms", type="config")


@pytest.mark.parametrize("port", [0, 65536, "https", None])
def test_what_is_no_port_is_refused(plugin: Plugin, fake_host: FakeHost, port: object) -> None:
    """Before anything is dialled."""
    assert_error(fake_host.check(plugin, {"host": "example.com", "port": port}), "port", type="config")


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
