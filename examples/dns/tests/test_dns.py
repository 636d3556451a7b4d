"""The dns plugin, as a host calls it."""

from __future__ import annotations

from reglet import MXRecord, Plugin
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_matches_schema,
    assert_never_traps,
    assert_success,
    denied,
    not_found,
    run_plugin_tests,
    timeout,
)


def test_a_and_aaaa_keep_their_own_family(plugin: Plugin, fake_host: FakeHost) -> None:
    """One look-up answers both."""
    fake_host.dns.on("example.com", "A").respond("93.184.216.34")
    fake_host.dns.on("example.com", "AAAA").respond("2606:2800:21f::1")
    run_plugin_tests(
        plugin,
        [
            TestCase("default", {"hostname": "example.com"}, expect_data={"records": ["93.184.216.34"]}),
            TestCase(
                "AAAA",
                {"hostname": "example.com", "record_type": "AAAA"},
                expect_data={"records": ["2606:2800:21f::1"], "record_count": 1},
            ),
        ],
        clients=[fake_host],
    )


def test_mail_exchangers_are_texts_with_their_preference(plugin: Plugin, fake_host: FakeHost) -> None:
    """As `dig` shows them."""
    fake_host.dns.on("example.com", "MX").respond(MXRecord("mx1.example.com", 10))
    result = fake_host.check(plugin, {"hostname": "example.com", "record_type": "MX"})
    assert_data_field(result, "records", ["10 mx1.example.com"])


def test_the_name_server_is_asked(plugin: Plugin, fake_host: FakeHost) -> None:
    """And named in the answer."""
    fake_host.dns.on("example.com", "NS", nameserver="1.1.1.1").respond("a.iana-servers.net")
    result = fake_host.check(
        plugin, {"hostname": "example.com", "record_type": "NS", "nameserver": "1.1.1.1"}
    )
    assert_success(result)
    assert_data_field(result, "nameserver", "1.1.1.1")


def test_no_records_are_an_empty_list(plugin: Plugin, fake_host: FakeHost) -> None:
    """Every documented field is there, none is null."""
    fake_host.dns.on("example.com", "TXT").respond()
    result = fake_host.check(plugin, {"hostname": "example.com", "record_type": "TXT"})
    schema = plugin.manifest(fake_host.context()).services["dns"].operations[0].output_schema
    assert schema is not None
    assert_matches_schema(result, schema)
    assert result.data is not None
    assert set(result.data) == set(schema["properties"])
    assert_data_field(result, "records", [])
    assert_data_field(result, "record_count", 0)


def test_a_failed_look_up_is_an_error_that_says_why(plugin: Plugin, fake_host: FakeHost) -> None:
    """The flags survive."""
    fake_host.dns.on("gone.example.com", None).fail(not_found())
    fake_host.dns.on("slow.example.com", None).fail(timeout())
    gone = fake_host.check(plugin, {"hostname": "gone.example.com"})
    assert_error(gone, "DNS lookup failed: ", code="LOOKUP_FAILED")
    assert gone.error is not None
    assert gone.error.is_not_found
    assert_error(
        fake_host.check(plugin, {"hostname": "slow.example.com"}), "DNS lookup failed: ", type="timeout"
    )


def test_what_was_not_granted_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """The user learns what to grant."""
    fake_host.dns.on("example.com", None).fail(denied())
    assert_error(fake_host.check(plugin, {"hostname": "example.com"}), "network", type="capability")


def test_an_unknown_type_is_refused(plugin: Plugin, fake_host: FakeHost) -> None:
    """With the types that there are."""
    assert_error(
        fake_host.check(plugin, {"hostname": "h", "record_type": "SRV"}), "record_type", type="config"
    )


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
