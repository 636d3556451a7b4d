"""The http plugin, as a host calls it."""

from __future__ import annotations

import pytest

from reglet import Plugin, Result
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
    run_plugin_tests,
    timeout,
)

URL = "https://example.com/"


def test_what_came_back_is_reported(plugin: Plugin, fake_host: FakeHost) -> None:
    """Status, protocol, headers and body."""
    fake_host.http.on(URL, method="POST", body="data").respond(
        201, headers={"Server": "x"}, body="made", proto="HTTP/2.0"
    )

    def validate(result: Result) -> None:
        assert_success(result)
        assert_data_field(result, "status", "201 Created")
        assert_data_field(result, "protocol", "HTTP/2.0")
        assert_data_field(result, "headers.Server", ["x"])

    run_plugin_tests(
        plugin,
        [
            TestCase(
                "post",
                {"url": URL, "method": "POST", "body": "data"},
                validate,
                expect_data={"status_code": 201, "body": "made", "body_size": 4},
            )
        ],
        clients=[fake_host],
    )


def test_every_documented_field_is_there(plugin: Plugin, fake_host: FakeHost) -> None:
    """Even of an answer without headers and body, and of no answer."""
    fake_host.http.on(URL).respond(204)
    fake_host.http.on("https://slow.example.com/").fail(timeout())
    schema = plugin.manifest(fake_host.context()).services["http"].operations[0].output_schema
    assert schema is not None
    for url in (URL, "https://slow.example.com/"):
        result = fake_host.check(plugin, {"url": url})
        assert_matches_schema(result, schema)
        assert result.data is not None
        assert set(result.data) == set(schema["properties"])
        assert None not in result.data.values()


def test_no_answer_is_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """So that `data.status_code == 200` is false, not an error."""
    fake_host.http.on(URL).fail(timeout())
    result = fake_host.check(plugin, {"url": URL})
    assert_success(result)
    assert_data_field(result, "status_code", 0)
    assert result.data is not None
    assert result.data["status"].startswith("ERROR: ")


def test_what_was_not_granted_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """The user learns what to grant."""
    fake_host.http.on(URL).fail(denied())
    assert_error(fake_host.check(plugin, {"url": URL}), "network", type="capability")


def test_an_expectation_that_is_not_met_is_a_failure_with_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """Without an error, so that a profile's own expressions are still asked."""
    fake_host.http.on(URL).respond(200, body="welcome")
    result = fake_host.check(plugin, {"url": URL, "expected_body_contains": "goodbye"})
    assert_failure(result)
    assert result.error is None
    assert_data_field(result, "expectation_failed", expected=True)
    assert_data_field(result, "expectation_error", "HTTP body mismatch: expected to contain 'goodbye'")


def test_as_much_of_the_body_is_reported_as_asked(plugin: Plugin, fake_host: FakeHost) -> None:
    """None of it, a part, or all."""
    fake_host.http.on(URL).respond(200, body="x" * 300)
    for length, shown in ((0, 0), (10, 10), (-1, 300)):
        result = fake_host.check(plugin, {"url": URL, "body_preview_length": length})
        assert_data_field(result, "body", "x" * shown)
        assert_data_field(result, "body_truncated", shown < 300)


def test_a_url_of_another_kind_is_refused(plugin: Plugin, fake_host: FakeHost) -> None:
    """Before anything is asked."""
    assert_error(fake_host.check(plugin, {"url": "ftp://example.com/"}), "url", type="config")
    assert_error(fake_host.check(plugin, {}), "url", type="config")


@pytest.mark.parametrize(
    "config",
    [
        {"url": "http://"},
        {"url": "http:///path"},
        {"url": "http://[::1"},
        {"url": "http://example.com:99999/"},
        {"url": URL, "headers": {"a b": "x"}},
        {"url": URL, "headers": {"": "x"}},
        {"url": URL, "headers": {"X": "a\r\nY: b"}},
    ],
)
def test_what_can_be_sent_to_nobody_is_an_error(
    plugin: Plugin, fake_host: FakeHost, config: dict[str, object]
) -> None:
    """Not data with status code 0: it says nothing of the target."""
    assert_error(fake_host.check(plugin, config), type="config")


def test_a_protocol_that_the_host_leaves_out_is_http_1_1(plugin: Plugin, fake_host: FakeHost) -> None:
    """As the Go plugins write it, so that a profile's expression on it holds."""
    fake_host.http.on(URL).respond(200, proto="")
    assert_data_field(fake_host.check(plugin, {"url": URL}), "protocol", "HTTP/1.1")


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
